#include "cli/record_form.h"

#include <fmt/format.h>
#include <rapidjson/document.h>
#include <rapidjson/error/en.h>

#include <algorithm>

#include "base/suggest.h"
#include "base/utf8.h"
#include "cli/json_text.h"

namespace millrace::cli {
namespace {

constexpr std::pair<std::string_view, RecordForm> kForms[] = {{"raw", RecordForm::kRaw},
                                                              {"hex", RecordForm::kHex},
                                                              {"key-value", RecordForm::kKeyValue},
                                                              {"json", RecordForm::kJson}};

std::unexpected<Error> wrong_line(std::string message) { return fail(ErrorCode::kInvalidConfig, std::move(message)); }

std::optional<unsigned> digit_of(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

Result<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return wrong_line("an odd number of hexadecimal digits");
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = digit_of(text[i]);
    const auto low = digit_of(text[i + 1]);
    if (!high || !low) return wrong_line(fmt::format("\"{}\" is not hexadecimal", text.substr(i, 2)));
    bytes += static_cast<char>(*high << 4U | *low);
  }
  return bytes;
}

void append_hex(std::string_view bytes, std::string& text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const auto byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4U];
    text += kDigits[static_cast<unsigned char>(byte) & 0xfU];
  }
}

std::string to_hex(std::string_view bytes) {
  std::string text;
  append_hex(bytes, text);
  return text;
}

// --- JSON ------------------------------------------------------------------------------------------------------------

using JsonValue = rapidjson::Value;

/// "key" as text, or "key_hex" as bytes; absent or null is none.
Result<std::optional<std::string>> bytes_member(const JsonValue& object, const char* name) {
  if (const auto text = object.FindMember(name); text != object.MemberEnd() && !text->value.IsNull()) {
    if (!text->value.IsString()) return wrong_line(fmt::format("\"{}\" is no string", name));
    return std::string{text->value.GetString(), text->value.GetStringLength()};
  }
  const auto hex_name = fmt::format("{}_hex", name);
  if (const auto hex = object.FindMember(hex_name.c_str()); hex != object.MemberEnd() && !hex->value.IsNull()) {
    if (!hex->value.IsString()) return wrong_line(fmt::format("\"{}\" is no string", hex_name));
    MILLRACE_TRY(bytes, from_hex({hex->value.GetString(), hex->value.GetStringLength()}));
    return bytes;
  }
  return std::nullopt;
}

Result<std::optional<std::string>> header_value(const JsonValue& value) {
  if (value.IsNull()) return std::nullopt;
  if (value.IsString()) return std::string{value.GetString(), value.GetStringLength()};
  if (value.IsObject() && value.HasMember("hex") && value["hex"].IsString()) {
    MILLRACE_TRY(bytes, from_hex({value["hex"].GetString(), value["hex"].GetStringLength()}));
    return bytes;
  }
  return wrong_line("a header is neither a string, null nor {\"hex\": \"...\"}");
}

Result<std::optional<std::int64_t>> number_member(const JsonValue& object, const char* name) {
  const auto found = object.FindMember(name);
  if (found == object.MemberEnd() || found->value.IsNull()) return std::nullopt;
  if (!found->value.IsInt64() || found->value.GetInt64() < 0) {
    return wrong_line(fmt::format("\"{}\" is no whole number from 0 up", name));
  }
  return found->value.GetInt64();
}

/// A member that nobody knows would be lost in silence, and a line that is the value itself become an empty record.
Result<void> check_members(const JsonValue& object) {
  // Where a record was is no part of it: `millrace consume` says it.
  constexpr std::string_view kMembers[] = {"key",       "key_hex",   "value", "value_hex", "headers",
                                           "partition", "timestamp", "topic", "offset"};
  for (const auto& member : object.GetObject()) {
    const std::string_view name{member.name.GetString(), member.name.GetStringLength()};
    if (std::ranges::find(kMembers, name) != std::end(kMembers)) continue;
    return wrong_line(
        fmt::format("unknown member \"{}\".{} A record is {{\"key\": ..., \"value\": ...}}; lines that are "
                    "values themselves go without --form json",
                    name, did_you_mean(name, kMembers)));
  }
  return {};
}

Result<LineRecord> parse_json(std::string_view line) {
  rapidjson::Document document;
  document.Parse(line.data(), line.size());
  if (document.HasParseError()) {
    return wrong_line(fmt::format("not JSON at byte {}: {}", document.GetErrorOffset(),
                                  rapidjson::GetParseError_En(document.GetParseError())));
  }
  if (!document.IsObject()) return wrong_line("no JSON object");
  MILLRACE_CHECK(check_members(document));
  LineRecord record;
  MILLRACE_TRY(key, bytes_member(document, "key"));
  MILLRACE_TRY(value, bytes_member(document, "value"));
  record.key = std::move(key);
  record.value = std::move(value);
  if (const auto headers = document.FindMember("headers");
      headers != document.MemberEnd() && !headers->value.IsNull()) {
    if (!headers->value.IsObject()) return wrong_line("\"headers\" is no object");
    for (const auto& member : headers->value.GetObject()) {
      MILLRACE_TRY(bytes, header_value(member.value));
      record.headers.emplace_back(std::string{member.name.GetString(), member.name.GetStringLength()},
                                  std::move(bytes));
    }
  }
  MILLRACE_TRY(partition, number_member(document, "partition"));
  if (partition && *partition > 2147483647) return wrong_line("\"partition\" is too large");
  if (partition) record.partition = PartitionIndex{static_cast<std::int32_t>(*partition)};
  MILLRACE_TRY(timestamp, number_member(document, "timestamp"));
  if (timestamp) record.timestamp = Timestamp{std::chrono::milliseconds{*timestamp}};
  return record;
}

void bytes_field(JsonText& json, std::string_view name, const NullableBytes& bytes) {
  if (bytes.is_null()) {
    json.field(name, nullptr);
  } else if (is_utf8(bytes.text())) {
    json.field(name, bytes.text());
  } else {
    json.field(fmt::format("{}_hex", name), to_hex(bytes.text()));
  }
}

std::string to_json(const TopicPartition& partition, const RecordView& record) {
  JsonText json;
  json.object([&] {
    json.field("topic", partition.topic);
    json.field("partition", partition.partition.value());
    json.field("offset", record.offset.value());
    json.field("timestamp", static_cast<std::int64_t>(record.timestamp.time_since_epoch().count()));
    bytes_field(json, "key", record.key);
    bytes_field(json, "value", record.value);
    const auto headers = headers_of(record);
    if (headers.empty()) return;
    json.key("headers");
    json.object([&] {
      for (const auto& header : headers) {
        json.key(is_utf8(header.name) ? std::string{header.name} : to_hex(header.name));
        if (header.value.is_null()) {
          json.value(nullptr);
        } else if (is_utf8(header.value.text())) {
          json.value(header.value.text());
        } else {
          json.object([&] { json.field("hex", to_hex(header.value.text())); });
        }
      }
    });
  });
  return json.take_line();
}

}  // namespace

std::optional<RecordForm> form_of(std::string_view name) {
  const auto* const found = std::ranges::find(kForms, name, &std::pair<std::string_view, RecordForm>::first);
  if (found == std::end(kForms)) return std::nullopt;
  return found->second;
}

std::vector<std::string> form_names() {
  std::vector<std::string> names;
  for (const auto& [name, form] : kForms) names.emplace_back(name);
  return names;
}

Result<LineRecord> parse_record(RecordForm form, std::string_view separator, std::string_view line) {
  LineRecord record;
  switch (form) {
    case RecordForm::kRaw:
      record.value = line;
      return record;
    case RecordForm::kHex: {
      MILLRACE_TRY(bytes, from_hex(line));
      record.value = std::move(bytes);
      return record;
    }
    case RecordForm::kKeyValue: {
      const auto at = line.find(separator);
      if (at == std::string_view::npos) {
        record.value = line;
        return record;
      }
      record.key = line.substr(0, at);
      record.value = line.substr(at + separator.size());
      return record;
    }
    case RecordForm::kJson:
      break;
  }
  return parse_json(line);
}

void print_record(RecordForm form, std::string_view separator, const TopicPartition& partition,
                  const RecordView& record, std::string& text) {
  switch (form) {
    case RecordForm::kRaw:
      text += record.value.text();
      break;
    case RecordForm::kHex:
      append_hex(record.value.text(), text);
      break;
    case RecordForm::kKeyValue:
      if (!record.key.is_null()) {
        text += record.key.text();
        text += separator;
      }
      text += record.value.text();
      break;
    case RecordForm::kJson:
      text += to_json(partition, record);
      return;
  }
  text += '\n';
}

}  // namespace millrace::cli
