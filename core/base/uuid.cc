#include "base/uuid.h"

namespace millrace {
namespace {

std::optional<unsigned> digit_of(char character) {
  if (character >= 'A' && character <= 'Z') return character - 'A';
  if (character >= 'a' && character <= 'z') return character - 'a' + 26;
  if (character >= '0' && character <= '9') return character - '0' + 52;
  if (character == '-') return 62;
  if (character == '_') return 63;
  return std::nullopt;
}

}  // namespace

std::optional<Uuid> parse_uuid(std::string_view text) {
  constexpr std::size_t kLength = 22;
  if (text.size() != kLength) return std::nullopt;
  Uuid id;
  unsigned buffer = 0;
  int bits = 0;
  std::size_t at = 0;
  for (const auto character : text) {
    const auto digit = digit_of(character);
    if (!digit) return std::nullopt;
    buffer = (buffer << 6) | *digit;
    bits += 6;
    if (bits < 8 || at == id.bytes.size()) continue;
    bits -= 8;
    id.bytes[at++] = static_cast<std::uint8_t>(buffer >> bits);
  }
  return id;
}

Uuid random_uuid(Random& random) {
  for (;;) {
    Uuid id;
    for (std::size_t half = 0; half < 2; ++half) {
      auto number = random();
      for (std::size_t i = 0; i < 8; ++i, number >>= 8) id.bytes[half * 8 + i] = static_cast<std::uint8_t>(number);
    }
    id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x40);
    id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
    if (!id.to_string().starts_with('-')) return id;
  }
}

}  // namespace millrace
