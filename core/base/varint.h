#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace millrace {

/// Variable-length integers as Kafka and Protocol Buffers write them: 7 bits a byte, lowest first. "Zigzag" maps signed
/// to unsigned so that small negative numbers are short.
inline constexpr std::size_t kMaxVarint32Bytes = 5;
inline constexpr std::size_t kMaxVarint64Bytes = 10;

[[nodiscard]] constexpr std::uint32_t zigzag(std::int32_t value) {
  return (static_cast<std::uint32_t>(value) << 1) ^ static_cast<std::uint32_t>(value >> 31);
}
[[nodiscard]] constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
[[nodiscard]] constexpr std::int32_t unzigzag(std::uint32_t value) {
  return static_cast<std::int32_t>((value >> 1) ^ (0U - (value & 1)));
}
[[nodiscard]] constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (0ULL - (value & 1)));
}

[[nodiscard]] constexpr std::size_t varint_size(std::uint64_t value) {
  // The bits over 7, rounded up, without a division.
  return (static_cast<std::size_t>(std::bit_width(value | 1)) * 9 + 64) / 64;
}

/// Writes `value` at `out`, which has room; gives the place after it.
inline std::byte* put_varint(std::byte* out, std::uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<std::byte>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<std::byte>(value);
  return out;
}

/// What a varint in memory says: `next` is the place after it, or null when it does not end before `end` or is too
/// long.
struct Varint {
  std::uint64_t value;
  const std::byte* next;
};

namespace detail {
[[nodiscard]] inline Varint get_long_varint(const std::byte* from, const std::byte* end, unsigned bits) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < bits && from != end; shift += 7) {
    const auto byte = static_cast<std::uint64_t>(*from++);
    if (bits - shift < 7 && ((byte & 0x7f) >> (bits - shift)) != 0) return {0, nullptr};
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return {value, from};
  }
  return {0, nullptr};
}
}  // namespace detail

/// At most 64 bits (`bits` may say 32: a larger value is refused).
[[nodiscard]] inline Varint get_varint(const std::byte* from, const std::byte* end, unsigned bits = 64) {
  if (from != end && static_cast<std::uint8_t>(*from) < 0x80) [[likely]] {
    return {static_cast<std::uint64_t>(*from), from + 1};
  }
  if (end - from >= 2 && static_cast<std::uint8_t>(from[1]) < 0x80) [[likely]] {
    return {(static_cast<std::uint64_t>(from[0]) & 0x7f) | (static_cast<std::uint64_t>(from[1]) << 7), from + 2};
  }
  return detail::get_long_varint(from, end, bits);
}

}  // namespace millrace
