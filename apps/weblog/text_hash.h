#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace millrace::weblog {

/// A 64-bit hash of a text: the same on every little-endian machine and in every run, so that it may be stored. Two
/// multiplications for every 16 bytes; not against someone who wants collisions.
[[nodiscard]] inline std::uint64_t text_hash(std::string_view text, std::uint64_t seed = 0) {
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  const auto word = [](const char* at) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return value;
  };
  constexpr std::uint64_t kA = 0xa0761d6478bd642fULL;
  constexpr std::uint64_t kB = 0xe7037ed1a0b428dbULL;
  auto state = seed ^ mix(text.size() ^ kA, kB);
  const char* at = text.data();
  auto left = text.size();
  for (; left > 16; left -= 16, at += 16) state = mix(word(at) ^ kA, word(at + 8) ^ state);
  char tail[16] = {};
  if (left > 0) std::memcpy(tail, at, left);
  return mix(mix(word(tail) ^ kA, word(tail + 8) ^ state), kB ^ text.size());
}

}  // namespace millrace::weblog
