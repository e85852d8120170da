#include <algorithm>

#include "base/assert.h"
#include "millrace/streams/detail/node.h"

namespace millrace::streams::detail {

std::uint32_t Chunk::first_index_reaching(std::int64_t time) {
  if (time <= stream_time_before || size == 0) return size;
  if (!reached_known_) find_reached();
  return static_cast<std::uint32_t>(std::ranges::lower_bound(reached_, time) - reached_.begin());
}

void Chunk::find_reached() {
  reached_.resize(size);
  auto reached = stream_time_before;
  for (std::uint32_t i = 0; i < size; ++i) {
    reached = std::max(reached, event_times[i]);
    reached_[i] = reached;
  }
  reached_known_ = true;
}

const Piece& Chunk::piece_of(std::uint32_t index) const {
  MILLRACE_ASSERT(index < size);
  const auto after = std::ranges::upper_bound(pieces, index, {}, &Piece::first_index);
  return *std::prev(after);
}

void Chunk::clear() {
  pieces.clear();
  size = 0;
  bytes = 0;
  event_times.clear();
  max_event_time = kNoTime;
  stream_time_before = kNoTime;
  stream_time_after = kNoTime;
  failures.clear();
  flush = Flush::kNo;
  reached_known_ = false;
}

}  // namespace millrace::streams::detail
