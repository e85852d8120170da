// The old end of a log: deleted records and retention.

#include <fmt/core.h>

#include <algorithm>

#include "log/partition_log_impl.h"

namespace millrace {

Result<Offset> PartitionLog::Impl::delete_records(Offset before) {
  Notice notice{*this};
  const std::lock_guard lock{mutex_};
  MILLRACE_CHECK(check_open());
  auto start = before;
  {
    const std::lock_guard view_lock{view_mutex_};
    if (before == kNoOffset) start = view_.high.offset;
    if (start > view_.high.offset || start.value() < 0) {
      return millrace::fail(ErrorCode::kOffsetOutOfRange,
                            fmt::format("cannot delete the records of {} before offset {}: its high watermark is {}",
                                        name_.to_string(), start.value(), view_.high.offset.value()));
    }
    if (start <= view_.log_start) return view_.log_start;
    view_.log_start = start;
    if (listener_) notice.progress(listener_, {start, view_.stable.offset, view_.high.offset, view_.end.offset});
  }
  std::size_t count = 0;
  while (count + 1 < segments_.size() && segments_[count + 1]->base() <= start) ++count;
  MILLRACE_TRY(removed, remove_segments_before(count));
  (void)removed;
  return start;
}

std::size_t PartitionLog::Impl::segments_over_retention() const {
  if (!config_.cleanup_delete) return 0;
  const auto now = context_.clock.wall();
  const auto high = view().high.offset;
  std::uint64_t total = 0;
  for (const auto& segment : segments_) total += segment->size();
  std::size_t count = 0;
  for (; count < segments_.size(); ++count) {
    const auto& segment = *segments_[count];
    // Up to the high watermark, and only whole segments.
    const auto end = count + 1 < segments_.size() ? segments_[count + 1]->base() : view_.end.offset;
    if (end > high || segment.size() == 0) break;
    const bool over_size = config_.retention_bytes >= 0 &&
                           total - segment.size() >= static_cast<std::uint64_t>(config_.retention_bytes) &&
                           count + 1 < segments_.size();
    const bool over_time = config_.retention_ms.count() >= 0 && segment.largest_timestamp() >= Timestamp{} &&
                           now - segment.largest_timestamp() > config_.retention_ms;
    if (!over_size && !over_time) break;
    total -= segment.size();
  }
  return count;
}

Result<std::size_t> PartitionLog::Impl::apply_retention() {
  Notice notice{*this};
  const std::lock_guard lock{mutex_};
  MILLRACE_CHECK(check_open());
  auto count = segments_over_retention();
  if (count == 0) return 0;
  // The last segment is never removed: a new one takes its place.
  if (count == segments_.size()) MILLRACE_CHECK(roll_locked(view_.end.offset));
  {
    const std::lock_guard view_lock{view_mutex_};
    view_.log_start = std::max(view_.log_start, segments_[count]->base());
    if (listener_) {
      notice.progress(listener_, {view_.log_start, view_.stable.offset, view_.high.offset, view_.end.offset});
    }
  }
  return remove_segments_before(count);
}

Result<std::size_t> PartitionLog::Impl::remove_segments_before(std::size_t count) {
  if (count == 0) return 0;
  const SegmentList removed{segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(count)};
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(count));
  epochs_.raise_start(segments_.front()->base());
  {
    const std::lock_guard lock{view_mutex_};
    view_.segments = std::make_shared<const SegmentList>(segments_);
    // Nobody waits for these to be durable any more.
    std::erase_if(unsynced_, [this](const Unsynced& item) { return item.segment->base() < segments_.front()->base(); });
  }
  // Oldest first: whatever a crash leaves is one sequence.
  for (const auto& segment : removed) {
    MILLRACE_CHECK(segment->remove_files(context_.files));
    std::erase_if(snapshots_, [&](Offset snapshot) {
      if (snapshot > segment->base()) return false;
      (void)context_.files.remove(join(directory_, segment_stem(snapshot) + ".snapshot"));
      return true;
    });
  }
  save_epochs();
  return removed.size();
}

}  // namespace millrace
