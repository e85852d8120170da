// The old end of a log: deleted records and retention.

#include <fmt/core.h>

#include <algorithm>

#include "log/partition_log_impl.h"

namespace millrace {

Result<Offset> PartitionLog::Impl::delete_records(Offset before) {
  const std::lock_guard trim_lock{trim_mutex_};
  auto start = before;
  SegmentList removed;
  {
    Notice notice{*this};
    const std::lock_guard lock{mutex_};
    MILLRACE_CHECK(check_open());
    {
      const std::lock_guard view_lock{view_mutex_};
      if (before == kNoOffset) start = view_.high.offset;
      if (start > view_.high.offset || start.value() < 0) {
        return millrace::fail(ErrorCode::kOffsetOutOfRange,
                              fmt::format("cannot delete the records of {} before offset {}: its high watermark is {}",
                                          name_.to_string(), start.value(), view_.high.offset.value()));
      }
      if (start <= view_.log_start) return view_.log_start;
      raise_log_start_locked(start, notice);
    }
    std::size_t count = 0;
    while (count + 1 < segments_.size() && segments_[count + 1]->base() <= start) ++count;
    removed = detach_segments(count);
  }
  MILLRACE_CHECK(remove_files(removed));
  return start;
}

void PartitionLog::Impl::raise_log_start_locked(Offset start, Notice& notice) {
  view_.log_start = std::max(view_.log_start, start);
  if (listener_) notice.progress(listener_, positions_of(view_));
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
    const bool last = count + 1 == segments_.size();
    if (end > high || (segment.size() == 0 && last)) break;
    // Compaction left nothing of it.
    if (segment.size() == 0) continue;
    const bool over_size = config_.retention_bytes >= 0 &&
                           total - segment.size() >= static_cast<std::uint64_t>(config_.retention_bytes) && !last;
    const bool over_time = config_.retention_ms.count() >= 0 && segment.largest_timestamp() >= Timestamp{} &&
                           now - segment.largest_timestamp() > config_.retention_ms;
    if (!over_size && !over_time) break;
    total -= segment.size();
  }
  return count;
}

Result<std::size_t> PartitionLog::Impl::apply_retention() {
  const std::lock_guard trim_lock{trim_mutex_};
  SegmentList removed;
  {
    Notice notice{*this};
    const std::lock_guard lock{mutex_};
    MILLRACE_CHECK(check_open());
    producers_.expire(context_.clock.wall() - config_.producer_id_expiration);
    const auto count = segments_over_retention();
    if (count == 0) return 0;
    // The last segment is never removed: a new one takes its place.
    if (count == segments_.size()) MILLRACE_CHECK(roll_locked(view_.end.offset));
    {
      const std::lock_guard view_lock{view_mutex_};
      raise_log_start_locked(segments_[count]->base(), notice);
    }
    removed = detach_segments(count);
  }
  MILLRACE_CHECK(remove_files(removed));
  return removed.size();
}

SegmentList PartitionLog::Impl::detach_segments(std::size_t count) {
  if (count == 0) return {};
  const auto end = segments_.begin() + static_cast<std::ptrdiff_t>(count);
  SegmentList removed{segments_.begin(), end};
  segments_.erase(segments_.begin(), end);
  epochs_.raise_start(segments_.front()->base());
  save_epochs();
  for (const auto& segment : removed) {
    std::erase_if(snapshots_, [&](Offset snapshot) {
      if (snapshot > segment->base()) return false;
      (void)context_.files.remove(join(directory_, segment_stem(snapshot) + ".snapshot"));
      return true;
    });
  }
  const std::lock_guard lock{view_mutex_};
  view_.segments = std::make_shared<const SegmentList>(segments_);
  // Nobody waits for these to be durable any more.
  std::erase_if(unsynced_, [this](const Unsynced& item) { return item.segment->base() < segments_.front()->base(); });
  return removed;
}

Result<void> PartitionLog::Impl::keep_producers() {
  std::optional<Offset> snapshot;
  {
    const std::lock_guard lock{mutex_};
    const auto base = segments_.front()->base();
    if (std::ranges::find(snapshots_, base) != snapshots_.end()) snapshot = base;
  }
  if (!snapshot) return {};
  MILLRACE_TRY(file,
               context_.files.open(join(directory_, segment_stem(*snapshot) + ".snapshot"), OpenMode::kReadWrite));
  MILLRACE_CHECK(file->sync());
  return context_.files.sync_directory(directory_);
}

Result<void> PartitionLog::Impl::remove_files(const SegmentList& removed) {
  if (!removed.empty()) MILLRACE_CHECK(keep_producers());
  // Removing a large file takes its time, so nobody who appends waits for it. Oldest first, each made durable before
  // the next: whatever a crash leaves is one sequence.
  for (const auto& segment : removed) {
    MILLRACE_CHECK(segment->remove_files(context_.files));
    MILLRACE_CHECK(context_.files.sync_directory(directory_));
  }
  return {};
}

}  // namespace millrace
