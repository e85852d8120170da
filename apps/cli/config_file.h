#pragma once

#include <string>
#include <string_view>

#include "base/config_table.h"
#include "base/result.h"

namespace millrace::cli {

/// A file of settings that remembers which line says what.
///
/// Threading: a value.
class ConfigFile {
 public:
  /// Errors: `kInvalidConfig` as "PATH:LINE: what is wrong"; those of reading the file.
  static Result<ConfigFile> read(const std::string& path);
  static Result<ConfigFile> parse(const std::string& path, std::string_view text);

  [[nodiscard]] const Properties& properties() const { return properties_; }
  /// An error about a setting, with the place of the setting instead of the component before it:
  /// `server.properties:3: unknown key "num.partition"`. Any other error as it is.
  [[nodiscard]] Error at_its_line(const Error& error) const;

 private:
  std::string path_;
  std::string text_;
  Properties properties_;
};

}  // namespace millrace::cli
