#include "cli/config_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"

namespace millrace::cli {
namespace {

/// "PATH:LINE: ..." of an error that begins with "line LINE: ...".
Error at_line_of(const std::string& path, const Error& error) {
  constexpr std::string_view kLine = "line ";
  const std::string_view message = error.message();
  if (!message.starts_with(kLine)) return {error.code(), fmt::format("{}: {}", path, message)};
  return {error.code(), fmt::format("{}:{}", path, message.substr(kLine.size()))};
}

/// The line where the text says `key`: the first one up to which the key is known.
std::size_t line_of(std::string_view text, std::string_view key) {
  std::size_t line = 0;
  std::size_t end = 0;
  while (end < text.size()) {
    ++line;
    const auto newline = text.find('\n', end);
    end = newline == std::string_view::npos ? text.size() : newline + 1;
    const auto before = parse_properties(text.substr(0, end));
    if (before && before->contains(key)) return line;
  }
  return line;
}

}  // namespace

Result<ConfigFile> ConfigFile::read(const std::string& path) {
  PosixFileSystem files;
  MILLRACE_TRY(text, read_file(files, path));
  return parse(path, text);
}

Result<ConfigFile> ConfigFile::parse(const std::string& path, std::string_view text) {
  auto parsed = parse_properties(text);
  if (!parsed) return std::unexpected(at_line_of(path, parsed.error()));
  ConfigFile file;
  file.path_ = path;
  file.text_ = text;
  file.properties_ = *std::move(parsed);
  return file;
}

Error ConfigFile::at_its_line(const Error& error) const {
  if (error.code() != ErrorCode::kInvalidConfig) return error;
  std::string_view message = error.message();
  // Errors quote the key before anything else.
  const auto open = message.find('"');
  const auto close = open == std::string_view::npos ? open : message.find('"', open + 1);
  if (close == std::string_view::npos) return error;
  const auto key = message.substr(open + 1, close - open - 1);
  if (!properties_.contains(key)) return error;
  constexpr std::string_view kComponent = "configuration: ";
  if (message.starts_with(kComponent)) message.remove_prefix(kComponent.size());
  return {error.code(), fmt::format("{}:{}: {}", path_, line_of(text_, key), message)};
}

}  // namespace millrace::cli
