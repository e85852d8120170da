#pragma once

#include <cstdint>

#include "base/types.h"

namespace millrace {

/// MurmurHash2 (Austin Appleby, 32 bit) with the seed of Kafka's clients, so that a key goes to the partition it would
/// go to from any of them. The same on every machine. O(bytes).
[[nodiscard]] std::uint32_t murmur2(Bytes bytes);

/// The partition of a record with this key: murmur2 without its sign bit, modulo. `partitions` > 0.
[[nodiscard]] inline PartitionIndex partition_of_key(Bytes key, std::int32_t partitions) {
  return PartitionIndex{static_cast<std::int32_t>(murmur2(key) & 0x7fffffffU) % partitions};
}

}  // namespace millrace
