#pragma once

#include <string>
#include <string_view>

namespace millrace::connect {

/// `text` with every byte that is no part of valid UTF-8 replaced by U+FFFD. (JSON can hold nothing else.)
[[nodiscard]] std::string to_valid_utf8(std::string_view text);

}  // namespace millrace::connect
