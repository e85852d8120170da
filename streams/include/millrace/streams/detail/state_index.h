#pragma once

#include <cstdint>
#include <vector>

namespace millrace::streams::detail {

/// Finds entries of a store by hash: open addressing over (32 bits of the hash, entry number). The hash bits are kept,
/// so that growing it touches no entry, and entries stay where they are, in the order in which they came: nothing that
/// can be seen ever depends on the hash. See docs/decisions/streams-state-index.md.
///
/// Threading: one thread.
class StateIndex {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  StateIndex();

  template <class IsIt>
  [[nodiscard]] std::uint32_t find(std::uint32_t hash, IsIt&& is_it) const {
    for (auto at = place(hash);; at = (at + 1) & mask_) {
      const auto& slot = slots_[at];
      if (slot.entry == kNone) return kNone;
      if (slot.hash == hash && is_it(slot.entry)) return slot.entry;
    }
  }
  /// The caller has looked: it is not there.
  void add(std::uint32_t hash, std::uint32_t entry);
  /// The caller knows: it is there.
  void remove(std::uint32_t hash, std::uint32_t entry);
  void clear();
  void prefetch(std::uint32_t hash) const { __builtin_prefetch(&slots_[place(hash)]); }
  /// The entry that is probably the one with this hash, for prefetching; `kNone` when there is none.
  [[nodiscard]] std::uint32_t guess(std::uint32_t hash) const {
    const auto& slot = slots_[place(hash)];
    return slot.hash == hash ? slot.entry : kNone;
  }

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Slot {
    std::uint32_t hash;
    std::uint32_t entry;
  };
  [[nodiscard]] std::uint32_t place(std::uint32_t hash) const {
    // Fibonacci spread: the tag of a chunk's index and this one use different bits of the same 64.
    return (hash * 0x9e3779b1U) >> shift_;
  }
  void insert(std::uint32_t hash, std::uint32_t entry);
  void grow();

  std::vector<Slot> slots_;
  std::uint32_t mask_;
  std::uint32_t shift_;
  std::size_t size_ = 0;
};

}  // namespace millrace::streams::detail
