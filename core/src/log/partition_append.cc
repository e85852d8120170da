// Appending: offsets, leader epochs, producers' sequences, rolling.

#include <fmt/core.h>

#include <algorithm>

#include "base/random.h"
#include "log/partition_log_impl.h"

namespace millrace {

Result<void> PartitionLog::Impl::check_open() const {
  const std::lock_guard lock{view_mutex_};
  if (failure_) {
    return millrace::fail(ErrorCode::kStorageError, failure_->message());
  }
  if (closed_) return millrace::fail(ErrorCode::kClosed, name_.to_string() + " is closed");
  return {};
}

Result<AppendInfo> PartitionLog::Impl::append(MutableBytes batch, LeaderEpoch epoch, const AppendOptions& options) {
  auto time = kNoTimestamp;
  if (timestamp_type_.load(std::memory_order_relaxed) == TimestampType::kLogAppendTime) {
    // Before the lock: it recomputes the CRC.
    time = context_.clock.wall();
    stamp_append_time(batch, time);
  }
  // Destroyed after the lock is let go of.
  Notice notice{*this};
  const std::lock_guard lock{mutex_};
  auto info = append_locked(batch, epoch, options, notice);
  if (info) info->append_time = time;
  note_trouble(info);
  return info;
}

TransactionGuard PartitionLog::Impl::begin_transaction(const RecordBatchView& batch) {
  const std::lock_guard lock{mutex_};
  return producers_.begin_transaction(batch, context_.clock.wall());
}

std::vector<ActiveProducer> PartitionLog::Impl::active_producers() const {
  const std::lock_guard lock{mutex_};
  return producers_.active();
}

Result<std::optional<AppendInfo>> PartitionLog::Impl::written_before(const RecordBatchView& batch,
                                                                     const AppendOptions& options) const {
  if (!batch.has_producer_id()) return std::nullopt;
  AppendInfo info{.log_start = view().log_start, .duplicate = true};
  if (batch.is_control()) {
    MILLRACE_TRY(has_marker, producers_.has_marker(batch, options.transaction_version));
    if (!has_marker) return std::nullopt;
    // Somewhere before the end; whoever waits for it waits for no less.
    info.base_offset = info.last_offset = view().end.offset + -1;
    return info;
  }
  MILLRACE_TRY(verdict, producers_.check(batch, options));
  if (!verdict.duplicate_of) return std::nullopt;
  info.base_offset = *verdict.duplicate_of;
  info.last_offset = info.base_offset + batch.last_offset_delta();
  return info;
}

Result<AppendInfo> PartitionLog::Impl::append_locked(MutableBytes bytes, LeaderEpoch epoch,
                                                     const AppendOptions& options, Notice& notice) {
  MILLRACE_CHECK(check_open());
  if (epoch < epochs_.last()) {
    return millrace::fail(ErrorCode::kFencedLeaderEpoch,
                          fmt::format("{}: leader epoch {} is older than the log's, {}", name_.to_string(),
                                      epoch.value(), epochs_.last().value()));
  }
  if (bytes.size() > static_cast<std::uint64_t>(config_.segment_bytes)) {
    return millrace::fail(ErrorCode::kRecordListTooLarge,
                          fmt::format("{}: a batch of {} bytes is larger than segment.bytes, {}", name_.to_string(),
                                      bytes.size(), config_.segment_bytes));
  }
  const auto batch = RecordBatchView::trusted(bytes);
  auto before = written_before(batch, options);
  if (!before) return std::unexpected(std::move(before).error().in(name_.to_string()));
  if (*before) return **before;

  // Only this thread moves the end.
  const auto base = view_.end.offset;
  stamp(bytes, base, epoch);
  if (needs_roll(batch, bytes.size())) {
    if (auto rolled = roll_locked(base); !rolled)
      return std::unexpected(std::move(rolled).error().in(name_.to_string()));
  }
  const LogPlace at{base, active().base(), active().size()};
  MILLRACE_TRY(file, write(batch, notice));
  if (epochs_.assign(epoch, base)) save_epochs();
  const auto ended = producers_.update(batch, options.transaction_version);

  const std::lock_guard lock{view_mutex_};
  view_.end = {batch.next_offset(), active().base(), active().size()};
  changed_ = true;
  if (unsynced_.empty() || unsynced_.back().segment != segments_.back())
    unsynced_.push_back({segments_.back(), std::move(file)});
  if (batch.is_transactional()) note_transaction(batch, at);
  // Before anybody can read behind the marker.
  if (ended && ended->end == TransactionEnd::kAbort) active().transactions().append(index_entry(*ended, base));
  mark_dirty_locked(notice);
  if (write_caching_) advance_locked(notice);
  AppendInfo info;
  info.base_offset = base;
  info.last_offset = batch.last_offset();
  info.log_start = view_.log_start;
  return info;
}

bool PartitionLog::Impl::needs_roll(const RecordBatchView& batch, std::size_t size) const {
  const auto& segment = *segments_.back();
  if (segment.size() == 0) return false;
  if (roll_due_) return true;
  if (segment.size() + size > static_cast<std::uint64_t>(config_.segment_bytes)) return true;
  if (segment.is_full(batch.last_offset(), size, config_.segment_index_bytes)) return true;
  const auto age = most_age(segment.base());
  // By the records' own time where they have one: a replay of old records makes the segments that live capture made.
  const auto first = segment.first_timestamp();
  const bool has_times = first && *first >= Timestamp{} && batch.max_timestamp() >= Timestamp{};
  return has_times ? batch.max_timestamp() - *first > age : context_.clock.wall() - segment_made_ > age;
}

std::chrono::milliseconds PartitionLog::Impl::most_age(Offset base) const {
  auto age = config_.segment_ms;
  if (config_.cleanup_compact) age = std::min(age, config_.max_compaction_lag);
  const auto jitter = std::min(config_.segment_jitter, age);
  if (jitter.count() <= 0) return age;
  // Chance enough: it differs between partitions and segments, and stays the same for each.
  Random random{std::hash<std::string>{}(name_.topic) * 31 + static_cast<std::uint64_t>(name_.partition.value()) * 131 +
                static_cast<std::uint64_t>(base.value())};
  return age - std::chrono::milliseconds{random.below(static_cast<std::uint64_t>(jitter.count()))};
}

Result<std::shared_ptr<File>> PartitionLog::Impl::write(const RecordBatchView& batch, Notice& notice) {
  auto opened = active().file();
  if (!opened) return std::unexpected(std::move(opened).error().in(name_.to_string()));
  const auto& file = *opened;
  auto written = active().append(*file, batch, config_.index_interval_bytes);
  if (written) return file;
  // Part of it may be in the file: it must not stay there.
  const auto cut = file->truncate(active().size());
  if (cut && written.error().code() == ErrorCode::kNoSpace) {
    return std::unexpected(std::move(written).error().in(name_.to_string()));
  }
  fail(written.error(), notice);
  return millrace::fail(ErrorCode::kStorageError, offline(written.error()).message());
}

void PartitionLog::Impl::note_trouble(const Result<AppendInfo>& appended) {
  if (appended) {
    if (appended->duplicate || trouble_ == ErrorCode::kNone) return;
    const auto* over = trouble_ == ErrorCode::kNoSpace ? "there is space again, " : "";
    trouble_ = ErrorCode::kNone;
    context_.logger.warn("{}: {}writing goes on", name_.to_string(), over);
    return;
  }
  const auto code = appended.error().code();
  if ((code != ErrorCode::kNoSpace && code != ErrorCode::kIo) || trouble_ != ErrorCode::kNone) return;
  trouble_ = code;
  const auto* next = code == ErrorCode::kNoSpace ? "Free some space; writing goes on by itself"
                                                 : "Nothing is lost; writing goes on by itself once that is over";
  context_.logger.warn("{}. {}", appended.error().message(), next);
}

void PartitionLog::Impl::note_transaction(const RecordBatchView& batch, const LogPlace& at) {
  if (batch.is_control()) {
    transactions_.end(batch.producer_id(), batch.base_offset());
  } else {
    transactions_.begin(batch.producer_id(), at);
  }
}

TransactionIndexEntry PartitionLog::Impl::index_entry(const ProducerState::Ended& ended, Offset marker) const {
  return {.producer = ended.producer,
          .first = ended.first,
          .last = marker,
          .last_stable = transactions_.first_open().value_or(marker + 1)};
}

Result<void> PartitionLog::Impl::roll() {
  const std::lock_guard lock{mutex_};
  MILLRACE_CHECK(check_open());
  if (active().size() == 0) return {};
  return roll_locked(view_.end.offset);
}

Result<void> PartitionLog::Impl::roll_locked(Offset base) {
  MILLRACE_CHECK(save_producers(base));
  MILLRACE_CHECK(active().seal());
  roll_due_ = true;
  auto next = std::make_shared<Segment>(context_.open_files, directory_, base);
  MILLRACE_CHECK(next->create());
  MILLRACE_TRY(sealed_file, active().file());
  const auto sealed = segments_.back();
  segments_.push_back(std::move(next));
  roll_due_ = false;
  segment_made_ = context_.clock.wall();
  const std::lock_guard lock{view_mutex_};
  view_.segments = std::make_shared<const SegmentList>(segments_);
  changed_ = true;
  // The round that makes the new segment's bytes durable covers the old one's indexes and the new names.
  if (unsynced_.empty() || unsynced_.back().segment != sealed) unsynced_.push_back({sealed, std::move(sealed_file)});
  unsynced_.back().sealed = true;
  folder_dirty_ = true;
  return {};
}

void PartitionLog::Impl::save_epochs() {
  // Can be told again from the batches: that it cannot be written is no reason to refuse an append.
  const auto saved =
      replace_file(context_.files, join(directory_, "leader-epoch-checkpoint"), as_bytes(epochs_.encode()));
  if (!saved) context_.logger.warn("{}: {}", name_.to_string(), saved.error().message());
}

Result<void> PartitionLog::Impl::save_producers(Offset at) {
  producers_.expire(context_.clock.wall() - config_.producer_id_expiration);
  const auto path = join(directory_, segment_stem(at) + ".snapshot");
  const auto bytes = producers_.encode();
  {
    MILLRACE_TRY(file, context_.files.open(path, OpenMode::kCreate));
    MILLRACE_CHECK(file->truncate(0));
    MILLRACE_CHECK(file->write(0, bytes));
    // What a power cut leaves of it is checked by its CRC; without it the batches are read again, as long as they are
    // there (`keep_producers`).
  }
  if (std::ranges::find(snapshots_, at) == snapshots_.end()) snapshots_.push_back(at);
  // One for each segment, as Kafka keeps them, and the newest.
  std::erase_if(snapshots_, [&](Offset snapshot) {
    const bool wanted = snapshot == at || std::ranges::any_of(segments_, [snapshot](const auto& segment) {
                          return segment->base() == snapshot;
                        });
    if (!wanted) (void)context_.files.remove(join(directory_, segment_stem(snapshot) + ".snapshot"));
    return !wanted;
  });
  return {};
}

}  // namespace millrace
