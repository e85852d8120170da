#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace millrace::streams::detail {

/// Finds the numbers 0, 1, 2, ... that were given to the different hashes of one chunk. Open addressing with linear
/// probing; cleared by one memset.
///
/// Threading: one thread.
class ChunkIndex {
 public:
  /// Empty, with room for `count` numbers.
  void reset(std::uint32_t count);
  /// Numbers it has room for: `grow` before there are more.
  [[nodiscard]] std::uint32_t room() const { return (mask_ + 1) / 2; }
  /// Twice the room; `hashes` are those of the numbers so far.
  void grow(std::span<const std::uint64_t> hashes);

  static constexpr std::uint32_t kNone = UINT32_MAX;
  template <class IsIt>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, IsIt&& is_it) const {
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (auto at = static_cast<std::uint32_t>(hash) & mask_;; at = (at + 1) & mask_) {
      const auto& slot = slots_[at];
      if (slot.number_plus_one == 0) return kNone;
      if (slot.tag == tag && is_it(slot.number_plus_one - 1)) return slot.number_plus_one - 1;
    }
  }
  /// The number of the entry with this hash for which `is_it(number)` holds, or `next`, which is then given to it.
  template <class IsIt>
  std::uint32_t find_or_add(std::uint64_t hash, std::uint32_t next, IsIt&& is_it) {
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (auto at = static_cast<std::uint32_t>(hash) & mask_;; at = (at + 1) & mask_) {
      auto& slot = slots_[at];
      if (slot.number_plus_one == 0) {
        slot = {tag, next + 1};
        return next;
      }
      if (slot.tag == tag && is_it(slot.number_plus_one - 1)) return slot.number_plus_one - 1;
    }
  }

 private:
  struct Slot {
    std::uint32_t tag;
    std::uint32_t number_plus_one;
  };
  std::vector<Slot> slots_;
  std::uint32_t mask_ = 0;
};

}  // namespace millrace::streams::detail
