#include "millrace/streams/detail/chunk_index.h"

#include <algorithm>
#include <bit>

namespace millrace::streams::detail {

void ChunkIndex::reset(std::uint32_t count) {
  const auto size = std::bit_ceil(std::max<std::uint32_t>(count * 2, 16));
  slots_.assign(size, Slot{0, 0});
  mask_ = size - 1;
}

void ChunkIndex::grow(std::span<const std::uint64_t> hashes) {
  reset(mask_ + 1);
  std::uint32_t number = 0;
  for (const auto hash : hashes) find_or_add(hash, number++, [](std::uint32_t) { return false; });
}

}  // namespace millrace::streams::detail
