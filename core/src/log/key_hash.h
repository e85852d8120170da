#pragma once

#include <array>
#include <cstdint>

#include "base/types.h"

namespace millrace {

/// 128 bits that stand for a record's key.
struct KeyHash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  auto operator<=>(const KeyHash&) const = default;
};

/// What a hash is made with. Random for each use, so that nobody can choose keys that collide: two keys with one hash
/// would be one key to compaction, and a record would be lost.
using HashSecret = std::array<std::uint64_t, 2>;

/// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, 2012). About a nanosecond a byte.
[[nodiscard]] KeyHash hash_key(Bytes key, const HashSecret& secret);

}  // namespace millrace
