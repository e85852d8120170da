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

/// Reads our facts off a field list: a visitor of a default-constructed message.
class Describer : public FieldVisitor<Describer> {
 public:
  template <class T>
  void field(const char* name, const T& member, const Field& field) {
    auto& facts = facts_.emplace_back();
    facts.name = plain(name);
    facts.versions = field.versions;
    facts.nullable = field.nullable;
    facts.tag = field.tag;
    describe(member, facts);
  }
  std::vector<FieldFacts> take() && { return std::move(facts_); }

 private:
  template <class T>
  static void describe(const T& member, FieldFacts& facts) {
    if constexpr (WireOptional<T>) {
      describe(typename T::value_type{}, facts);
      facts.fallback = "null";
    } else if constexpr (WireArray<T>) {
      describe(typename T::value_type{}, facts);
      facts.type = "[]" + facts.type;
      facts.fallback.clear();
    } else if constexpr (std::same_as<T, bool>) {
      facts.type = "bool";
      facts.fallback = member ? "true" : "";
    } else if constexpr (std::same_as<T, double>) {
      facts.type = "float64";
    } else if constexpr (WireScalar<T>) {
      using Rep = ScalarRep<T>;
      facts.type = (std::is_unsigned_v<Rep> ? "uint" : "int") + std::to_string(8 * sizeof(Rep));
      facts.fallback = to_rep(member) == 0 ? "" : std::to_string(to_rep(member));
    } else if constexpr (std::same_as<T, Uuid>) {
      facts.type = "uuid";
    } else if constexpr (std::same_as<T, std::string>) {
      facts.type = "string";
      facts.fallback = member;
    } else if constexpr (std::same_as<T, ByteString>) {
      facts.type = "bytes";
    } else if constexpr (std::same_as<T, Records>) {
      facts.type = "records";
    } else {
      facts.type = "struct";
      Describer inner;
      T::fields(member, inner);
      facts.fields = std::move(inner).take();
    }
  }

  std::vector<FieldFacts> facts_;
};

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

template <class Message>
void compare_with(const std::filesystem::path& file, Versions* covered) {
  if (!std::filesystem::exists(file)) return;
  SCOPED_TRACE(file);
  const auto schema = read_schema(file);
  ASSERT_TRUE(schema.IsObject());
  const auto valid = parse_versions(text_of(schema, "validVersions"));
  covered->first = std::min(covered->first, valid.first);
  covered->last = std::max(covered->last, valid.last);
  EXPECT_EQ(with_versions(intersection(Message::kFlexible, valid)),
            with_versions(intersection(parse_versions(text_of(schema, "flexibleVersions")), valid)));
  if constexpr (requires { Message::kApi; }) {
    EXPECT_EQ(std::to_string(static_cast<int>(Message::kApi)), text_of(schema, "apiKey"));
  }
  if constexpr (requires { Message::kKey; }) {
    EXPECT_EQ(std::to_string(Message::kKey), text_of(schema, "apiKey"));
  }
  Describer describer;
  const Message message;
  Message::fields(message, describer);
  compare(std::move(describer).take(), facts_of(schema["fields"], schema), valid, Message::kName);
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
  for_each_api_message([]<class Message>() {
    const auto name = std::string(Message::kName) + ".json";
    Versions covered{std::numeric_limits<std::int16_t>::max(), 0};
    compare_with<Message>(reference_folder() / "kafka-4.3.1" / "clients" / name, &covered);
    compare_with<Message>(reference_folder() / "kafka-3.9" / name, &covered);
    EXPECT_EQ(with_versions(Message::kVersions), with_versions(covered)) << Message::kName;
  });
}

TEST_F(Schemas, AgreeWithTheFieldListsOfAllMetadataRecords) {
  std::size_t records = 0;
  for_each_metadata_record([&records]<class Record>() {
    const auto folder = reference_folder() / "kafka-4.3.1" / "metadata";
    auto file = folder / (std::string(Record::kName) + ".json");
    if (!std::filesystem::exists(file))
      file = folder / "ZkMigrationRecord.json";  // the only one not named after itself
    Versions covered{std::numeric_limits<std::int16_t>::max(), 0};
    compare_with<Record>(file, &covered);
    EXPECT_EQ(with_versions(Record::kVersions), with_versions(covered)) << Record::kName;
    ++records;
  });
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& file :
       std::filesystem::directory_iterator(reference_folder() / "kafka-4.3.1" / "metadata")) {
    ++files;
  }
  EXPECT_EQ(records, files);
}

TEST_F(Schemas, AgreeWithTheFieldListsOfGroupRecords) {
  for_each_group_record([]<class Record>() {
    Versions covered{std::numeric_limits<std::int16_t>::max(), 0};
    compare_with<Record>(
        reference_folder() / "kafka-4.3.1" / "group-coordinator" / (std::string(Record::kName) + ".json"), &covered);
    EXPECT_EQ(with_versions(Record::kVersions), with_versions(covered)) << Record::kName;
  });
}

TEST_F(Schemas, AgreeWithTheFieldListsOfTransactionRecords) {
  for_each_transaction_record([]<class Record>() {
    Versions covered{std::numeric_limits<std::int16_t>::max(), 0};
    compare_with<Record>(
        reference_folder() / "kafka-4.3.1" / "transaction-coordinator" / (std::string(Record::kName) + ".json"),
        &covered);
    EXPECT_EQ(with_versions(Record::kVersions), with_versions(covered)) << Record::kName;
  });
}

}  // namespace
}  // namespace millrace::protocol
