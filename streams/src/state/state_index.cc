#include "millrace/streams/detail/state_index.h"

#include <utility>

#include "base/assert.h"

namespace millrace::streams::detail {
namespace {
constexpr std::uint32_t kFirstBits = 4;
}

StateIndex::StateIndex() { clear(); }

void StateIndex::clear() {
  slots_.assign(std::size_t{1} << kFirstBits, Slot{0, kNone});
  mask_ = (1U << kFirstBits) - 1;
  shift_ = 32 - kFirstBits;
  size_ = 0;
}

void StateIndex::insert(std::uint32_t hash, std::uint32_t entry) {
  auto at = place(hash);
  while (slots_[at].entry != kNone) at = (at + 1) & mask_;
  slots_[at] = {hash, entry};
}

void StateIndex::add(std::uint32_t hash, std::uint32_t entry) {
  if ((size_ + 1) * 3 > slots_.size() * 2) grow();
  insert(hash, entry);
  ++size_;
}

void StateIndex::grow() {
  MILLRACE_ASSERT(shift_ > 1);
  auto old = std::exchange(slots_, {});
  slots_.assign(old.size() * 2, Slot{0, kNone});
  mask_ = static_cast<std::uint32_t>(slots_.size() - 1);
  --shift_;
  for (const auto& slot : old) {
    if (slot.entry != kNone) insert(slot.hash, slot.entry);
  }
}

void StateIndex::remove(std::uint32_t hash, std::uint32_t entry) {
  auto at = place(hash);
  while (slots_[at].entry != entry) {
    MILLRACE_ASSERT(slots_[at].entry != kNone);
    at = (at + 1) & mask_;
  }
  --size_;
  // Moves back what a search would no longer reach over the gap.
  auto gap = at;
  for (auto next = (gap + 1) & mask_; slots_[next].entry != kNone; next = (next + 1) & mask_) {
    const auto home = place(slots_[next].hash);
    if (((next - home) & mask_) >= ((next - gap) & mask_)) {
      slots_[gap] = slots_[next];
      gap = next;
    }
  }
  slots_[gap] = {0, kNone};
}

}  // namespace millrace::streams::detail
