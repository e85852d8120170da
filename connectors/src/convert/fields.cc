#include "millrace/connect/fields.h"

#include <fmt/core.h>
#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "base/utf8.h"

namespace millrace::connect {
namespace {

template <class Value>
const Value* find(const Fields& fields, std::string_view name) {
  const auto found = fields.find(name);
  return found == fields.end() ? nullptr : std::get_if<Value>(&found->second);
}

}  // namespace

std::optional<std::int64_t> int_field(const Fields& fields, std::string_view name) {
  const auto* value = find<std::int64_t>(fields, name);
  return value == nullptr ? std::nullopt : std::optional{*value};
}

std::optional<std::string> text_field(const Fields& fields, std::string_view name) {
  const auto* value = find<std::string>(fields, name);
  return value == nullptr ? std::nullopt : std::optional{*value};
}

bool flag_field(const Fields& fields, std::string_view name) {
  const auto* value = find<bool>(fields, name);
  return value != nullptr && *value;
}

std::string to_json(const Fields& fields) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer writer{buffer};
  const auto write_text = [&](std::string_view text) {
    const auto valid = to_utf8(text);
    writer.String(valid.data(), static_cast<rapidjson::SizeType>(valid.size()));
  };
  writer.StartObject();
  for (const auto& [name, value] : fields) {
    write_text(name);
    if (const auto* number = std::get_if<std::int64_t>(&value)) writer.Int64(*number);
    if (const auto* flag = std::get_if<bool>(&value)) writer.Bool(*flag);
    if (const auto* text = std::get_if<std::string>(&value)) write_text(*text);
  }
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

Result<Fields> fields_from_json(std::string_view json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError()) {
    return fail(ErrorCode::kMalformed,
                fmt::format("cannot read \"{}\": {} at byte {}", json,
                            rapidjson::GetParseError_En(document.GetParseError()), document.GetErrorOffset()));
  }
  if (!document.IsObject()) return fail(ErrorCode::kMalformed, fmt::format("\"{}\" is not a JSON object", json));

  Fields fields;
  for (const auto& member : document.GetObject()) {
    std::string name{member.name.GetString(), member.name.GetStringLength()};
    if (member.value.IsInt64()) {
      fields.emplace(std::move(name), member.value.GetInt64());
    } else if (member.value.IsBool()) {
      fields.emplace(std::move(name), member.value.GetBool());
    } else if (member.value.IsString()) {
      fields.emplace(std::move(name), std::string{member.value.GetString(), member.value.GetStringLength()});
    } else {
      return fail(ErrorCode::kMalformed,
                  fmt::format("\"{}\": \"{}\" is neither a whole number, a text, true nor false", json, name));
    }
  }
  return fields;
}

}  // namespace millrace::connect
