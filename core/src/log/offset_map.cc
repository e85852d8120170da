#include "log/offset_map.h"

#include <algorithm>

#include "base/assert.h"

namespace millrace {
namespace {

std::size_t slots_for(std::size_t keys, std::size_t most_bytes, double load_factor) {
  // One more than the keys need, so that a search ends.
  const auto wanted = static_cast<double>(keys) / load_factor + 1;
  const auto most = std::max<std::size_t>(most_bytes / OffsetMap::kSlotBytes, 2);
  return wanted < static_cast<double>(most) ? std::max<std::size_t>(static_cast<std::size_t>(wanted), 2) : most;
}

}  // namespace

OffsetMap::OffsetMap(std::size_t keys, std::size_t most_bytes, double load_factor, const HashSecret& secret)
    : secret_(secret),
      slots_(slots_for(keys, most_bytes, load_factor)),
      most_keys_(std::clamp<std::size_t>(static_cast<std::size_t>(static_cast<double>(slots_.size()) * load_factor), 1,
                                         slots_.size() - 1)) {}

std::size_t OffsetMap::slot_of(const KeyHash& hash) const {
  auto at = static_cast<std::size_t>((static_cast<unsigned __int128>(hash.low) * slots_.size()) >> 64);
  while (slots_[at].after != 0 && slots_[at].hash != hash) at = at + 1 == slots_.size() ? 0 : at + 1;
  return at;
}

void OffsetMap::put(Bytes key, Offset offset) {
  MILLRACE_ASSERT(!full());
  const auto hash = hash_key(key, secret_);
  auto& slot = slots_[slot_of(hash)];
  if (slot.after == 0) ++size_;
  slot = {hash, offset.value() + 1};
}

Offset OffsetMap::find(Bytes key) const { return Offset{slots_[slot_of(hash_key(key, secret_))].after - 1}; }

}  // namespace millrace
