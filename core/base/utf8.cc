#include "base/utf8.h"

#include <cstdint>

namespace millrace {

std::size_t utf8_sequence(std::string_view text) {
  struct Form {
    std::uint8_t first_from, first_to, second_from, second_to;
    std::size_t length;
  };
  static constexpr Form kForms[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                                    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
                                    {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
                                    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  if (text.empty()) return 0;
  if (byte(0) < 0x80) return 1;
  for (const auto& form : kForms) {
    if (byte(0) < form.first_from || byte(0) > form.first_to) continue;
    if (text.size() < form.length || byte(1) < form.second_from || byte(1) > form.second_to) return 0;
    for (std::size_t at = 2; at < form.length; ++at) {
      if (byte(at) < 0x80 || byte(at) > 0xbf) return 0;
    }
    return form.length;
  }
  return 0;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string to_utf8(std::string_view text) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const auto length = utf8_sequence(text);
    valid += length == 0 ? kReplacement : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return valid;
}

}  // namespace millrace
