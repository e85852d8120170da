#include "protocol/printer.h"

#include <fmt/format.h>

namespace millrace::protocol {

void Printer::label(const char* name) {
  if (!first_) text_ += ", ";
  text_ += name;
  text_ += ": ";
}

void Printer::quoted(std::string_view text) {
  text_ += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') text_ += '\\';
    if (static_cast<unsigned char>(c) < 0x20)
      text_ += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    else
      text_ += c;
  }
  text_ += '"';
}

void Printer::size_only(std::size_t size) { text_ += fmt::format("<{} bytes>", size); }

}  // namespace millrace::protocol
