// Holds every field list against Kafka's own schemas: names, order, types, versions, nullability, tags, defaults.
// The schemas are no part of this repository: MILLRACE_SHARED says where they are (default: ../shared beside the
// checkout), and without them the test says that it did not run.

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "unit/protocol/all_messages.h"

namespace millrace::protocol {
namespace {

/// A field as we or a schema describe it. Names are compared without case and underscores.
struct FieldFacts {
  std::string name;
  std::string type;
  Versions versions;
  Versions nullable = kNoVersions;
  std::int32_t tag = -1;
  std::string fallback;
  std::vector<FieldFacts> fields;
};

std::string plain(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c != '_') out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

Versions intersection(Versions a, Versions b) {
  const Versions both{std::max(a.first, b.first), std::min(a.last, b.last)};
  return both.first > both.last ? kNoVersions : both;
}

/// Our facts about the fields of a struct; `object` is one as it is constructed.
std::vector<FieldFacts> facts_of(const StructTable& table, const std::byte* object);

std::string number_text(std::int64_t number) { return number == 0 ? "" : std::to_string(number); }

void describe(const WireType& type, const std::byte* member, FieldFacts& facts) {
  const auto integer = [&facts](const char* name, std::int64_t value) {
    facts.type = name;
    facts.fallback = number_text(value);
  };
  switch (type.kind) {
    case WireKind::kBool:
      facts.type = "bool";
      facts.fallback = member_at<bool>(member) ? "true" : "";
      return;
    case WireKind::kInt8:
      return integer("int8", static_cast<std::int8_t>(bits_at<std::uint8_t>(member)));
    case WireKind::kInt16:
      return integer("int16", static_cast<std::int16_t>(bits_at<std::uint16_t>(member)));
    case WireKind::kInt32:
      return integer("int32", static_cast<std::int32_t>(bits_at<std::uint32_t>(member)));
    case WireKind::kInt64:
      return integer("int64", static_cast<std::int64_t>(bits_at<std::uint64_t>(member)));
    case WireKind::kUint8:
      return integer("uint8", bits_at<std::uint8_t>(member));
    case WireKind::kUint16:
      return integer("uint16", bits_at<std::uint16_t>(member));
    case WireKind::kUint32:
      return integer("uint32", bits_at<std::uint32_t>(member));
    case WireKind::kErrorCode:
      return integer("int16", static_cast<std::int32_t>(member_at<ErrorCode>(member)));
    case WireKind::kFloat64:
      facts.type = "float64";
      return;
    case WireKind::kUuid:
      facts.type = "uuid";
      return;
    case WireKind::kBytes:
      facts.type = "bytes";
      return;
    case WireKind::kRecords:
      facts.type = "records";
      return;
    case WireKind::kString:
      facts.type = "string";
      facts.fallback = member_at<std::string>(member);
      return;
    case WireKind::kNullableString:
      facts.type = "string";
      facts.fallback = "null";
      return;
    case WireKind::kStruct:
    case WireKind::kNullableStruct: {
      const auto& inner = type.fields();
      facts.type = "struct";
      facts.fallback = type.kind == WireKind::kNullableStruct ? "null" : "";
      facts.fields = facts_of(inner, type.kind == WireKind::kNullableStruct ? inner.defaults : member);
      return;
    }
    case WireKind::kArray:
      if (type.element->kind == WireKind::kStruct) {
        const auto& inner = type.element->fields();
        facts.type = "[]struct";
        facts.fields = facts_of(inner, inner.defaults);
      } else {
        const std::string empty;
        const std::byte zeros[sizeof(Uuid)]{};
        const bool text = type.element->kind == WireKind::kString;
        describe(*type.element, text ? object_of(empty) : zeros, facts);
        facts.type = "[]" + facts.type;
      }
      facts.fallback = type.elements->count(member) < 0 ? "null" : "";
      return;
  }
}

std::vector<FieldFacts> facts_of(const StructTable& table, const std::byte* object) {
  std::vector<FieldFacts> out;
  for (const auto& row : table.rows) {
    auto& facts = out.emplace_back();
    facts.name = plain(row.name);
    facts.versions = row.rules.versions;
    facts.nullable = row.rules.nullable;
    facts.tag = row.rules.tag;
    describe(*row.type, object + row.offset, facts);
  }
  return out;
}

Versions parse_versions(std::string text) {
  if (text.empty() || text == "none") return kNoVersions;
  if (text.back() == '+') return from(static_cast<std::int16_t>(std::stoi(text)));
  const auto dash = text.find('-');
  const auto first = static_cast<std::int16_t>(std::stoi(text));
  return {first, dash == std::string::npos ? first : static_cast<std::int16_t>(std::stoi(text.substr(dash + 1)))};
}

std::string text_of(const rapidjson::Value& object, const char* key) {
  const auto found = object.FindMember(key);
  if (found == object.MemberEnd()) return {};
  if (found->value.IsInt()) return std::to_string(found->value.GetInt());
  if (found->value.IsBool()) return found->value.IsTrue() ? "true" : "false";
  if (found->value.IsNull()) return "null";
  return found->value.GetString();
}

/// The fields of a struct that a schema names beside its fields, or null.
const rapidjson::Value* common_struct(const rapidjson::Value& schema, const std::string& type) {
  const auto structs = schema.FindMember("commonStructs");
  if (structs == schema.MemberEnd()) return nullptr;
  for (const auto& common : structs->value.GetArray()) {
    if (type == common["name"].GetString() || type == std::string{"[]"} + common["name"].GetString()) {
      return &common["fields"];
    }
  }
  return nullptr;
}

std::vector<FieldFacts> facts_of(const rapidjson::Value& fields, const rapidjson::Value& schema) {
  std::vector<FieldFacts> out;
  for (const auto& field : fields.GetArray()) {
    auto& facts = out.emplace_back();
    facts.name = plain(text_of(field, "name"));
    facts.type = text_of(field, "type");
    // A field that is tagged in every version it has may say no more than that.
    facts.versions = parse_versions(text_of(field, field.HasMember("versions") ? "versions" : "taggedVersions"));
    facts.nullable = parse_versions(text_of(field, "nullableVersions"));
    if (field.HasMember("tag")) facts.tag = field["tag"].GetInt();
    facts.fallback = text_of(field, "default");
    const bool number = facts.type.starts_with("int") || facts.type.starts_with("uint");
    if (number && !facts.fallback.empty()) {
      const auto value = std::stoll(facts.fallback, nullptr, 0);
      facts.fallback = value == 0 ? "" : std::to_string(value);
    }
    if (facts.fallback == "false") facts.fallback.clear();
    const auto* inner = field.HasMember("fields") ? &field["fields"] : common_struct(schema, facts.type);
    if (inner != nullptr) {
      facts.type = facts.type.starts_with("[]") ? "[]struct" : "struct";
      facts.fields = facts_of(*inner, schema);
    }
  }
  return out;
}

std::string with_versions(Versions v) {
  return v == kNoVersions ? "none" : std::to_string(v.first) + "-" + std::to_string(v.last);
}

/// Compares what both say about the versions `scope`, in which both are valid.
void compare(const std::vector<FieldFacts>& ours, const std::vector<FieldFacts>& theirs, Versions scope,
             const std::string& where) {
  std::vector<std::string> our_order;
  std::vector<std::string> their_order;
  for (const auto& their : theirs) {
    const auto versions = intersection(their.versions, scope);
    if (versions == kNoVersions) continue;
    const auto at = where + "." + their.name;
    const auto found = std::ranges::find(ours, their.name, &FieldFacts::name);
    ASSERT_NE(found, ours.end()) << at << " is missing";
    const auto& our = *found;
    EXPECT_EQ(with_versions(intersection(our.versions, scope)), with_versions(versions)) << at;
    EXPECT_EQ(with_versions(intersection(our.nullable, versions)),
              with_versions(intersection(their.nullable, versions)))
        << at << " nullable";
    EXPECT_EQ(our.tag, their.tag) << at;
    EXPECT_EQ(our.type, their.type) << at;
    // A nullable field without a default of its own is empty in Kafka's classes and absent in ours.
    if (their.nullable == kNoVersions || !their.fallback.empty()) {
      EXPECT_EQ(our.fallback, their.fallback) << at;
    }
    compare(our.fields, their.fields, versions, at);
    if (their.tag < 0) their_order.push_back(their.name);
  }
  for (const auto& our : ours) {
    if (intersection(our.versions, scope) == kNoVersions) continue;
    EXPECT_NE(std::ranges::find(theirs, our.name, &FieldFacts::name), theirs.end())
        << where << "." << our.name << " is not in the schema";
    if (our.tag < 0) our_order.push_back(our.name);
  }
  EXPECT_EQ(our_order, their_order) << where;
}

std::filesystem::path reference_folder() {
  if (const char* shared = std::getenv("MILLRACE_SHARED")) return std::filesystem::path{shared} / "reference";
  auto folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  while (folder.has_relative_path() && !std::filesystem::exists(folder / "shared" / "reference")) {
    folder = folder.parent_path();
  }
  return folder / "shared" / "reference";
}

rapidjson::Document read_schema(const std::filesystem::path& file) {
  std::ifstream in{file};
  std::stringstream text;
  text << in.rdbuf();
  rapidjson::Document schema;
  schema.Parse<rapidjson::kParseCommentsFlag | rapidjson::kParseTrailingCommasFlag>(text.str().c_str());
  EXPECT_FALSE(schema.HasParseError()) << file;
  return schema;
}

/// Compares with a schema if the file is there, and widens `covered` by the versions that it has.
void compare_with(const std::filesystem::path& file, const MessageKind& kind, Versions& covered) {
  if (!std::filesystem::exists(file)) return;
  SCOPED_TRACE(file);
  const auto schema = read_schema(file);
  ASSERT_TRUE(schema.IsObject());
  const auto valid = parse_versions(text_of(schema, "validVersions"));
  covered.first = std::min(covered.first, valid.first);
  covered.last = std::max(covered.last, valid.last);
  EXPECT_EQ(with_versions(intersection(kind.flexible, valid)),
            with_versions(intersection(parse_versions(text_of(schema, "flexibleVersions")), valid)));
  if (kind.number) {
    EXPECT_EQ(std::to_string(*kind.number), text_of(schema, "apiKey"));
  }
  compare(facts_of(*kind.fields, kind.fields->defaults), facts_of(schema["fields"], schema), valid, kind.name);
}

/// Compares each kind with the schemas of its name in these folders, which together have all its versions.
void compare_all(const std::vector<MessageKind>& kinds, const std::vector<std::string>& folders) {
  for (const auto& kind : kinds) {
    Versions covered{std::numeric_limits<std::int16_t>::max(), 0};
    for (const auto& folder : folders) {
      compare_with(reference_folder() / folder / (std::string{kind.name} + ".json"), kind, covered);
    }
    EXPECT_EQ(with_versions(kind.versions), with_versions(covered)) << kind.name;
  }
}

class Schemas : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(reference_folder())) {
      GTEST_SKIP() << "NOT RUN: no schemas in " << reference_folder() << "; set MILLRACE_SHARED to where they are";
    }
  }
};

TEST_F(Schemas, OfBothKafkasAgreeWithTheFieldListsOfAllApis) {
  compare_all(api_messages(), {"kafka-4.3.1/clients", "kafka-3.9"});
}

TEST_F(Schemas, AgreeWithTheFieldListsOfAllMetadataRecords) {
  const std::string folder = "kafka-4.3.1/metadata";
  auto kinds = metadata_record_kinds();
  for (auto& kind : kinds) {
    // The only schema that is not named after its record.
    if (!std::filesystem::exists(reference_folder() / folder / (std::string{kind.name} + ".json"))) {
      kind.name = "ZkMigrationRecord";
    }
  }
  compare_all(kinds, {folder});
  const std::filesystem::directory_iterator files{reference_folder() / folder};
  EXPECT_EQ(static_cast<std::ptrdiff_t>(kinds.size()), std::distance(begin(files), end(files)));
}

TEST_F(Schemas, AgreeWithTheFieldListsOfGroupRecords) {
  compare_all(group_record_kinds(), {"kafka-4.3.1/group-coordinator"});
}

TEST_F(Schemas, AgreeWithTheFieldListsOfTransactionRecords) {
  compare_all(transaction_record_kinds(), {"kafka-4.3.1/transaction-coordinator"});
}

}  // namespace
}  // namespace millrace::protocol
