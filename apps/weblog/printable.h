#pragma once

#include <string>
#include <string_view>

namespace millrace::weblog {

/// Which bytes are left as they are.
enum class Printable : std::uint8_t {
  kUtf8,      ///< all valid UTF-8: for JSON, which escapes control characters itself
  kTerminal,  ///< without control characters
};

/// `text` with every other byte written as `\xff`.
[[nodiscard]] std::string printable(std::string_view text, Printable kept);

}  // namespace millrace::weblog
