#include "base/config_table.h"

#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "base/assert.h"
#include "base/suggest.h"

namespace millrace {
namespace {

constexpr std::string_view type_name(ConfigType type) {
  constexpr std::string_view kNames[] = {"string", "boolean", "int", "long", "double", "list"};
  return kNames[static_cast<std::size_t>(type)];
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\f";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool is_choice(std::string_view choices, std::string_view value) {
  while (!choices.empty()) {
    const auto bar = choices.find('|');
    if (choices.substr(0, bar) == value) return true;
    if (bar == std::string_view::npos) break;
    choices.remove_prefix(bar + 1);
  }
  return false;
}

}  // namespace

const ConfigKey* ConfigTable::find(std::string_view name) const {
  for (const auto& key : keys_) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

Result<void> ConfigTable::check_value(const ConfigKey& key, const std::string& value) const {
  const auto wrong = [&](std::string_view allowed) {
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("{}: \"{}\" is \"{}\", but must be {}", component_, key.name, value, allowed));
  };
  switch (key.type) {
    case ConfigType::kBool:
      if (value != "true" && value != "false") return wrong("true or false");
      return {};
    case ConfigType::kInt:
    case ConfigType::kLong: {
      const auto number = parse_number<std::int64_t>(value);
      if (!number) return wrong("a whole number");
      if (key.min && *number < *key.min) return wrong(fmt::format("at least {}", *key.min));
      if (key.max && *number > *key.max) return wrong(fmt::format("at most {}", *key.max));
      return {};
    }
    case ConfigType::kDouble:
      if (!parse_number<double>(value)) return wrong("a number");
      return {};
    case ConfigType::kString:
      if (!key.choices.empty() && !is_choice(key.choices, value)) {
        return wrong(fmt::format("one of {}", key.choices));
      }
      return {};
    case ConfigType::kList:
      return {};
  }
  return {};
}

Result<void> ConfigTable::check(const Properties& properties) const {
  for (const auto& [name, value] : properties) {
    const auto* key = find(name);
    if (key == nullptr) {
      std::vector<std::string_view> names;
      for (const auto& known : keys_) names.push_back(known.name);
      return fail(ErrorCode::kInvalidConfig,
                  fmt::format("{}: unknown key \"{}\".{}", component_, name, did_you_mean(name, names)));
    }
    MILLRACE_CHECK(check_value(*key, value));
  }
  return {};
}

std::string ConfigTable::get_string(const Properties& properties, std::string_view name) const {
  const auto* key = find(name);
  MILLRACE_ASSERT(key != nullptr);
  const auto found = properties.find(name);
  return found == properties.end() ? std::string{key->fallback} : found->second;
}

bool ConfigTable::get_bool(const Properties& properties, std::string_view name) const {
  return get_string(properties, name) == "true";
}

std::int64_t ConfigTable::get_long(const Properties& properties, std::string_view name) const {
  const auto number = parse_number<std::int64_t>(get_string(properties, name));
  MILLRACE_ASSERT(number.has_value());
  return *number;
}

double ConfigTable::get_double(const Properties& properties, std::string_view name) const {
  const auto number = parse_number<double>(get_string(properties, name));
  MILLRACE_ASSERT(number.has_value());
  return *number;
}

std::string ConfigTable::markdown() const {
  std::string page = fmt::format("## {}\n\n| key | type | default | what |\n| --- | --- | --- | --- |\n", component_);
  for (const auto& key : keys_) {
    auto doc = std::string{key.doc};
    if (!key.choices.empty()) {
      doc += " One of:";
      for (const auto character : key.choices) doc += character == '|' ? ',' : character;
    }
    page += fmt::format("| `{}` | {} | {} | {} |\n", key.name, type_name(key.type),
                        key.fallback.empty() ? "" : fmt::format("`{}`", key.fallback), doc);
  }
  return page;
}

Result<Properties> parse_properties(std::string_view text) {
  Properties properties;
  std::string logical;
  std::size_t line_number = 0;
  std::size_t first_line = 1;
  while (!text.empty()) {
    const auto newline = text.find('\n');
    auto line = trim(text.substr(0, newline));
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    ++line_number;
    if (logical.empty()) {
      first_line = line_number;
      if (line.empty() || line.front() == '#' || line.front() == '!') continue;
    }
    if (line.ends_with('\\') && !text.empty()) {
      logical += line.substr(0, line.size() - 1);
      continue;
    }
    logical += line;
    const auto separator = logical.find_first_of("=:");
    if (separator == std::string::npos || separator == 0) {
      return fail(ErrorCode::kInvalidConfig,
                  fmt::format("line {}: \"{}\" is not of the form key=value", first_line, logical));
    }
    const std::string_view whole = logical;
    const auto name = std::string{trim(whole.substr(0, separator))};
    if (!properties.emplace(name, trim(whole.substr(separator + 1))).second) {
      return fail(ErrorCode::kInvalidConfig, fmt::format("line {}: \"{}\" is given twice", first_line, name));
    }
    logical.clear();
  }
  return properties;
}

}  // namespace millrace
