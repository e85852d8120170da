#include "weblog/printable.h"

#include <fmt/core.h>

#include "base/utf8.h"

namespace millrace::weblog {
namespace {

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
    const auto length = utf8_sequence(text);
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
