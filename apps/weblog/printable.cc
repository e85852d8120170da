#include "weblog/printable.h"

#include <fmt/core.h>

namespace millrace::weblog {
namespace {

/// Length of the valid UTF-8 sequence at the start of `text`; 0 when there is none (Unicode 15, table 3-7).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(0);
  if (first < 0x80) return 1;
  const auto follows = [&](std::size_t i, unsigned low, unsigned high) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  if (first >= 0xc2 && first <= 0xdf) return follows(1, 0x80, 0xbf) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const auto low = first == 0xe0 ? 0xa0U : 0x80U;
    const auto high = first == 0xed ? 0x9fU : 0xbfU;
    return follows(1, low, high) && follows(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const auto low = first == 0xf0 ? 0x90U : 0x80U;
    const auto high = first == 0xf4 ? 0x8fU : 0xbfU;
    return follows(1, low, high) && follows(2, 0x80, 0xbf) && follows(3, 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

/// C0 and DEL; C1 controls are two bytes in UTF-8 and act on some terminals as well.
bool is_control(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  if (first < 0x20 || first == 0x7f) return true;
  return sequence.size() == 2 && first == 0xc2 && static_cast<unsigned char>(sequence[1]) < 0xa0;
}

}  // namespace

std::string printable(std::string_view text, Printable kept) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto length = sequence_length(text);
    const auto sequence = text.substr(0, length == 0 ? 1 : length);
    if (length == 0 || (kept == Printable::kTerminal && is_control(sequence))) {
      for (const char c : sequence) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += sequence;
    }
    text.remove_prefix(sequence.size());
  }
  return out;
}

}  // namespace millrace::weblog
