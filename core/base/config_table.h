#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace {

/// Configuration as text, as it comes from a file, a command line or a program. Keys are Kafka's where Kafka has one.
using Properties = std::map<std::string, std::string, std::less<>>;

enum class ConfigType : std::uint8_t { kString, kBool, kInt, kLong, kDouble, kList };

/// One configuration key, declared once: parsing, checking, defaults and the reference page all come from it.
struct ConfigKey {
  std::string_view name;
  ConfigType type;
  std::string_view fallback;  ///< the default, as text
  std::string_view doc;       ///< one sentence; a unit where there is one
  std::optional<std::int64_t> min = std::nullopt;
  std::optional<std::int64_t> max = std::nullopt;
  std::string_view choices = {};  ///< for strings: the allowed words, separated by '|'; empty: any
};

/// The keys one component understands. A view over static data.
///
/// Threading: a value.
class ConfigTable {
 public:
  constexpr ConfigTable(std::string_view component, std::span<const ConfigKey> keys)
      : component_(component), keys_(keys) {}

  [[nodiscard]] std::string_view component() const { return component_; }
  [[nodiscard]] std::span<const ConfigKey> keys() const { return keys_; }
  [[nodiscard]] const ConfigKey* find(std::string_view name) const;

  /// Checks every entry: unknown keys (with a suggestion), types, ranges, choices. Errors: `kInvalidConfig`, naming
  /// the key, the value and what is allowed.
  [[nodiscard]] Result<void> check(const Properties& properties) const;

  /// The value of a key of this table, or its default. The properties were checked; asking for a key that is not in
  /// the table is our own mistake.
  [[nodiscard]] std::string get_string(const Properties& properties, std::string_view name) const;
  [[nodiscard]] bool get_bool(const Properties& properties, std::string_view name) const;
  [[nodiscard]] std::int64_t get_long(const Properties& properties, std::string_view name) const;
  [[nodiscard]] double get_double(const Properties& properties, std::string_view name) const;

  /// A Markdown table of the keys: the reference page.
  [[nodiscard]] std::string markdown() const;

 private:
  [[nodiscard]] Result<void> check_value(const ConfigKey& key, const std::string& value) const;

  std::string_view component_;
  std::span<const ConfigKey> keys_;
};

/// Reads a `.properties` text: `key=value` or `key: value` lines, `#` and `!` comments, `\` continuations.
/// Errors: `kInvalidConfig` with the line's number.
[[nodiscard]] Result<Properties> parse_properties(std::string_view text);

}  // namespace millrace
