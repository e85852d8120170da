#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace millrace {

/// Bytes of the well-formed UTF-8 sequence that `text` begins with, no overlong form and no surrogate (RFC 3629,
/// section 4); 0 when it begins with none.
[[nodiscard]] std::size_t utf8_sequence(std::string_view text);

/// Whether all of it is well-formed UTF-8.
[[nodiscard]] bool is_utf8(std::string_view text);

/// `text` with every byte that is no part of well-formed UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string to_utf8(std::string_view text);

}  // namespace millrace
