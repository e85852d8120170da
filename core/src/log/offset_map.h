#pragma once

#include <cstddef>
#include <vector>

#include "log/key_hash.h"

namespace millrace {

/// The newest offset of each key in a part of a log, in memory that is fixed from the start: 24 bytes a slot, the hash
/// of a key and an offset. Keys themselves are not kept.
///
/// Threading: one thread at a time.
class OffsetMap {
 public:
  static constexpr std::size_t kSlotBytes = 24;

  /// Room for `keys` keys, or for as many as `most_bytes` of memory can hold at `load_factor` (0 to 1), but for one at
  /// least.
  OffsetMap(std::size_t keys, std::size_t most_bytes, double load_factor, const HashSecret& secret);

  [[nodiscard]] bool full() const { return size_ >= most_keys_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t memory_bytes() const { return slots_.size() * kSlotBytes; }

  /// Notes the key's newest offset. Not when it is full.
  void put(Bytes key, Offset offset);
  /// `kNoOffset` for a key that was never put.
  [[nodiscard]] Offset find(Bytes key) const;

 private:
  struct Slot {
    KeyHash hash;
    // The offset and 1; 0 in an empty slot.
    std::int64_t after = 0;
  };
  static_assert(sizeof(Slot) == kSlotBytes);
  [[nodiscard]] std::size_t slot_of(const KeyHash& hash) const;

  HashSecret secret_;
  std::vector<Slot> slots_;
  std::size_t most_keys_;
  std::size_t size_ = 0;
};

}  // namespace millrace
