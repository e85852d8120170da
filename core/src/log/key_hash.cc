#include "log/key_hash.h"

#include <bit>
#include <cstring>

namespace millrace {
namespace {

std::uint64_t load_le(const std::byte* from) {
  std::uint64_t value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
  return value;
}

struct SipState {
  std::uint64_t v0;
  std::uint64_t v1;
  std::uint64_t v2;
  std::uint64_t v3;

  void rounds(int count) {
    for (int i = 0; i < count; ++i) {
      v0 += v1;
      v1 = std::rotl(v1, 13) ^ v0;
      v0 = std::rotl(v0, 32);
      v2 += v3;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 += v3;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 += v1;
      v1 = std::rotl(v1, 17) ^ v2;
      v2 = std::rotl(v2, 32);
    }
  }
  void absorb(std::uint64_t word) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  [[nodiscard]] std::uint64_t mixed() const { return v0 ^ v1 ^ v2 ^ v3; }
};

}  // namespace

KeyHash hash_key(Bytes key, const HashSecret& secret) {
  SipState state{secret[0] ^ 0x736f6d6570736575ULL, secret[1] ^ 0x646f72616e646f6dULL ^ 0xee,
                 secret[0] ^ 0x6c7967656e657261ULL, secret[1] ^ 0x7465646279746573ULL};
  const auto whole = key.size() / 8 * 8;
  for (std::size_t at = 0; at < whole; at += 8) state.absorb(load_le(key.data() + at));
  auto last = static_cast<std::uint64_t>(key.size()) << 56;
  for (auto at = whole; at < key.size(); ++at) last |= static_cast<std::uint64_t>(key[at]) << (8 * (at - whole));
  state.absorb(last);
  state.v2 ^= 0xee;
  state.rounds(4);
  KeyHash hash{state.mixed(), 0};
  state.v1 ^= 0xdd;
  state.rounds(4);
  hash.high = state.mixed();
  return hash;
}

}  // namespace millrace
