// Compaction: what of a log can be cleaned, and one pass over it.

#include <fmt/core.h>

#include <algorithm>

#include "log/cleaned_transactions.h"
#include "log/offset_map.h"
#include "log/partition_log_impl.h"
#include "record/batch_filter.h"

namespace millrace {

std::optional<CleanableRange> PartitionLog::Impl::cleanable(Offset cleaned_to) {
  const auto settings = config();
  if (!settings.cleanup_compact || !check_open() || swap_failed_) return std::nullopt;
  const auto now = view();
  // Whole segments of which all is durable and no transaction is open.
  const auto limit = std::min(now.stable.offset, durable().offset);
  const auto& segments = *now.segments;
  const auto wall = context_.clock.wall();
  CleanableRange range{.first_dirty = cleaned_to};
  if (cleaned_to < now.log_start || cleaned_to > now.end.offset) range.first_dirty = now.log_start;
  range.end = segments.front()->base();
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    const auto& segment = *segments[i];
    const auto next = segments[i + 1]->base();
    if (next > limit) break;
    range.end = next;
    if (next <= range.first_dirty) {
      range.clean_bytes += segment.size();
      continue;
    }
    const auto newest = segment.largest_timestamp();
    if (settings.min_compaction_lag.count() > 0 && newest > wall - settings.min_compaction_lag) {
      range.end = segment.base();
      break;
    }
    range.dirty_bytes += segment.size();
    if (settings.max_compaction_lag != std::chrono::milliseconds::max() && !range.overdue) {
      // What cannot be read is left alone: whoever reads its records is told why.
      if (!learn_first_timestamp(*segments[i])) return std::nullopt;
      range.overdue = segment.first_timestamp() && *segment.first_timestamp() < wall - settings.max_compaction_lag;
    }
  }
  if (range.dirty_bytes == 0) return std::nullopt;
  if (!range.overdue && range.dirty_ratio() <= settings.min_cleanable_dirty_ratio) return std::nullopt;
  return range;
}

/// The pass: aborted transactions are looked up, then the newest offset of each key, then segments are written anew.
///
///     kTransactions -> kKeys -> kCopy (group after group) -> kDone
class PartitionLog::Impl::Cleaning final : public PartitionCleaning {
 public:
  Cleaning(std::shared_ptr<Impl> log, const CleanableRange& range, const CleaningOptions& options)
      : log_(std::move(log)),
        range_(range),
        end_(range.end),
        now_(log_->context_.clock.wall()),
        config_(log_->config()),
        horizon_(config_.delete_retention < Timestamp::max() - now_ ? now_ + config_.delete_retention
                                                                    : Timestamp::max()),
        segments_(*log_->view().segments),
        // Offsets are at least as many as keys.
        keys_(static_cast<std::size_t>(std::max<std::int64_t>(range.end - range.first_dirty, 1)), options.map_bytes,
              options.map_load_factor, options.secret) {
    go_to_dirty();
  }

  ~Cleaning() override {
    if (!cleaned_) return;
    out_.clear();
    (void)cleaned_->remove_files(log_->context_.files);
  }

  Result<Step> step(std::uint64_t bytes) override {
    spent_ = 0;
    while (phase_ != Phase::kDone && spent_ < bytes) {
      MILLRACE_CHECK(log_->check_open());
      if (const auto advanced = advance(bytes - spent_); !advanced) return std::unexpected(advanced.error());
    }
    return Step{spent_, phase_ == Phase::kDone};
  }

  const Report& report() const override { return report_; }

 private:
  enum class Phase : std::uint8_t { kTransactions, kKeys, kCopy, kDone };

  Result<void> advance(std::uint64_t bytes) {
    switch (phase_) {
      case Phase::kTransactions:
        return look_for_transactions(bytes);
      case Phase::kKeys:
        return look_for_keys(bytes);
      case Phase::kCopy:
        return copy(bytes);
      case Phase::kDone:
        break;
    }
    return {};
  }

  /// To the segment that holds the first dirty offset.
  void go_to_dirty() {
    at_ = 0;
    while (at_ + 1 < segments_.size() && segments_[at_ + 1]->base() <= range_.first_dirty) ++at_;
    position_ = 0;
  }

  /// Goes over a part of the segment; true at its end. `checksums_from`: those batches are whole and checked.
  Result<bool> scan_on(const Segment& segment, std::uint64_t bytes, Offset checksums_from, const BatchVisitor& visit) {
    if (position_ == 0) expected_ = segment.base();
    const auto size = segment.size();
    const ScanOptions options{.from = position_,
                              .to = size,
                              .expected = expected_,
                              .checksums_from = checksums_from,
                              .gaps_before = log_->gaps_before(),
                              .most_bytes = bytes};
    MILLRACE_TRY(scanned, scan(segment, options, log_->context_.buffers, visit));
    MILLRACE_CHECK(visited_);
    if (scanned.damage) {
      Notice notice{*log_};
      const auto error = log_->damage_error(segment, *scanned.damage);
      log_->fail(error, notice);
      return std::unexpected(error);
    }
    spent_ += scanned.position - position_;
    position_ = scanned.position;
    expected_ = scanned.next_offset;
    return position_ >= size;
  }

  Result<void> look_for_transactions(std::uint64_t bytes) {
    const auto& segment = *segments_[at_];
    MILLRACE_TRY(file, segment.file());
    const auto visit = [&](const RecordBatchView& head, std::uint64_t position, std::size_t size) {
      if (!visited_ || !head.is_transactional()) return;
      if (!head.is_control()) {
        // Only those matter that begin in what is cleaned; they have all ended, though perhaps later in the log.
        if (head.base_offset() < end_) open_.try_emplace(head.producer_id(), head.base_offset());
        return;
      }
      const auto open = open_.find(head.producer_id());
      if (open == open_.end()) return;
      auto whole = log_->context_.buffers.take(size);
      const auto got = file->read(position, whole.bytes().first(size));
      if (!got) visited_ = std::unexpected(got.error());
      if (!got || *got < size) return;
      const auto batch = RecordBatchView::trusted(whole.bytes().first(size));
      if (read_marker(batch).end == TransactionEnd::kAbort) {
        aborted_.push_back({open->first, open->second});
      }
      open_.erase(open);
    };
    MILLRACE_TRY(through, scan_on(segment, bytes, kEverywhere, visit));
    if (!through) return {};
    ++at_;
    position_ = 0;
    const bool past_end = at_ >= segments_.size() || segments_[at_]->base() >= end_;
    if (at_ < segments_.size() && (!past_end || !open_.empty())) return {};
    std::ranges::sort(aborted_, {}, &AbortedTransaction::first);
    transactions_ = CleanedTransactions{aborted_};
    phase_ = Phase::kKeys;
    go_to_dirty();
    return {};
  }

  Result<void> look_for_keys(std::uint64_t bytes) {
    const auto visit = [this](const RecordBatchView& batch, std::uint64_t, std::size_t) {
      if (visited_ && !full_) visited_ = add_keys(batch);
    };
    MILLRACE_TRY(through, scan_on(*segments_[at_], bytes, Offset{0}, visit));
    if (!through && !full_) return {};
    ++at_;
    position_ = 0;
    if (!full_ && at_ < segments_.size() && segments_[at_]->base() < range_.end) return {};
    transactions_ = CleanedTransactions{std::move(aborted_)};
    make_groups();
    MILLRACE_CHECK(log_->prepare_to_replace(end_));
    phase_ = Phase::kCopy;
    return {};
  }

  Result<void> add_keys(const RecordBatchView& batch) {
    auto& buffers = log_->context_.buffers;
    if (batch.is_control()) {
      (void)transactions_.on_control(batch, read_marker(batch).end);
      return {};
    }
    if (transactions_.on_data(batch) || batch.last_offset() < range_.first_dirty) return {};
    MILLRACE_TRY(cursor, batch.records(buffers));
    while (cursor.next()) {
      const auto& record = cursor.record();
      if (record.key.is_null() || record.offset < range_.first_dirty) continue;
      if (keys_.full()) {
        // The rest is for another pass.
        full_ = true;
        end_ = record.offset;
        return {};
      }
      keys_.put(record.key.bytes(), record.offset);
    }
    return cursor.status();
  }

  /// Puts segments together that make one of `segment.bytes` at most.
  void make_groups() {
    const auto most_bytes = std::min<std::uint64_t>(static_cast<std::uint64_t>(config_.segment_bytes), 1U << 30);
    const auto most_index = static_cast<std::size_t>(config_.segment_index_bytes);
    std::uint64_t bytes = 0;
    std::size_t index = 0;
    std::size_t times = 0;
    for (std::size_t i = 0; i < segments_.size() && segments_[i]->base() < end_; ++i) {
      const auto& segment = segments_[i];
      bytes += segment->size();
      index += segment->offset_index().count() * OffsetIndexEntry::kBytes;
      times += segment->time_index().count() * TimeIndexEntry::kBytes;
      const auto last = i + 1 < segments_.size() ? segments_[i + 1]->base() : end_;
      const bool fits = !groups_.empty() && bytes <= most_bytes && index <= most_index && times <= most_index &&
                        last - groups_.back().front()->base() <= INT32_MAX;
      if (!fits) {
        groups_.emplace_back();
        bytes = segment->size();
        index = segment->offset_index().count() * OffsetIndexEntry::kBytes;
        times = segment->time_index().count() * TimeIndexEntry::kBytes;
      }
      groups_.back().push_back(segment);
    }
    group_ = 0;
    at_ = 0;
    position_ = 0;
  }

  Result<void> copy(std::uint64_t bytes) {
    if (group_ == groups_.size()) {
      report_.cleaned_to = end_;
      phase_ = Phase::kDone;
      return {};
    }
    const auto& group = groups_[group_];
    if (!cleaned_) MILLRACE_CHECK(begin_group(group));
    const auto visit = [this](const RecordBatchView& batch, std::uint64_t, std::size_t) {
      if (visited_) visited_ = copy_batch(batch);
    };
    MILLRACE_TRY(through, scan_on(*group[at_], bytes, Offset{0}, visit));
    if (!through) return {};
    ++at_;
    position_ = 0;
    return at_ < group.size() ? Result<void>{} : end_group(group);
  }

  Result<void> begin_group(const SegmentList& group) {
    std::uint32_t version = 0;
    for (const auto& segment : group) version = std::max(version, segment->version() + 1);
    cleaned_ = std::make_shared<Segment>(log_->context_.open_files, log_->directory_, group.front()->base(),
                                         kCleanedSuffix, version);
    MILLRACE_CHECK(cleaned_->create());
    producers_ = log_->last_records();
    changed_ = false;
    too_large_ = false;
    return {};
  }

  Result<void> copy_batch(const RecordBatchView& batch) {
    auto& buffers = log_->context_.buffers;
    const bool control = batch.is_control();
    const bool horizon_is_over = batch.has_delete_horizon() && batch.base_timestamp() <= now_;
    const auto end = control ? read_marker(batch).end : TransactionEnd::kUnknown;
    const bool useless = control ? transactions_.on_control(batch, end) : transactions_.on_data(batch);
    // A marker is deleted no sooner than a tombstone would be, so that slow readers see it.
    const bool discard = useless && (!control || horizon_is_over);
    report_.records_before += static_cast<std::uint64_t>(batch.record_count());
    BatchFilter filter;
    filter.keep = [&](const RecordView& record) {
      if (discard) return false;
      if (control || record.offset >= end_) return true;
      if (record.key.is_null() || record.offset < keys_.find(record.key.bytes())) return false;
      return !record.value.is_null() || !horizon_is_over;
    };
    // The last batch of the pass stays, so that the end of what was cleaned can be told from the log.
    const bool keeps_its_place = is_last_of_producer(batch) || batch.next_offset() == end_;
    filter.when_empty = keeps_its_place ? EmptyBatch::kKeep : EmptyBatch::kDrop;
    filter.horizon_for = useless && control ? HorizonFor::kAll : HorizonFor::kTombstones;
    filter.horizon = horizon_;
    MILLRACE_TRY(filtered, filter_batch(batch, filter, buffers));
    report_.records_after += static_cast<std::uint64_t>(filtered.records);
    changed_ = changed_ || filtered.outcome != FilteredBatch::Outcome::kUnchanged;
    // A reader skips what the index names up to the marker: the entry must not outlive it.
    if (end == TransactionEnd::kAbort && filtered.records > 0) keep_index_entry(batch.last_offset());
    switch (filtered.outcome) {
      case FilteredBatch::Outcome::kUnchanged:
        return write(batch.bytes());
      case FilteredBatch::Outcome::kRewritten:
        return write(filtered.rewritten.bytes);
      case FilteredBatch::Outcome::kDropped:
        break;
    }
    return {};
  }

  void keep_index_entry(Offset marker) {
    const auto entry = groups_[group_][at_]->transactions().ended_at(marker);
    if (entry) cleaned_->transactions().append(*entry);
  }

  bool is_last_of_producer(const RecordBatchView& batch) const {
    if (!batch.has_producer_id()) return false;
    const auto last = producers_.find(batch.producer_id().value());
    if (last == producers_.end()) return false;
    if (last->second.data_offset) return batch.last_offset() == *last->second.data_offset;
    // Only a marker is left of it: its epoch fences.
    return batch.is_control() && batch.producer_epoch() == last->second.epoch;
  }

  Result<void> write(Bytes batch) {
    const auto position = cleaned_->size() + out_.size();
    // Horizons can make records longer; positions must fit the index.
    if (position + batch.size() > INT32_MAX) too_large_ = true;
    if (too_large_) return {};
    cleaned_->note(RecordBatchView::trusted(batch), position, batch.size(), config_.index_interval_bytes);
    out_.write_bytes(batch);
    spent_ += batch.size();
    constexpr std::size_t kChunk = 1 << 20;
    return out_.size() < kChunk ? Result<void>{} : write_out();
  }

  Result<void> write_out() {
    MILLRACE_TRY(file, cleaned_->file());
    const auto begin = cleaned_->size();
    MILLRACE_CHECK(file->write(begin, out_.bytes()));
    cleaned_->add_verified(begin, begin + out_.size());
    cleaned_->set_size(begin + out_.size());
    out_.clear();
    return {};
  }

  Result<void> end_group(const SegmentList& group) {
    MILLRACE_CHECK(write_out());
    std::uint64_t before = 0;
    for (const auto& segment : group) before += segment->size();
    const bool useful = !too_large_ && (changed_ || group.size() > 1);
    report_.bytes_before += before;
    report_.bytes_after += useful ? cleaned_->size() : before;
    const auto cleaned = std::exchange(cleaned_, nullptr);
    auto replaced = useful ? log_->replace_segments(group, cleaned) : cleaned->remove_files(log_->context_.files);
    ++group_;
    at_ = 0;
    position_ = 0;
    return replaced;
  }

  const std::shared_ptr<Impl> log_;
  const CleanableRange range_;
  /// What is cleaned ends here: at the end of the range, or where there was no room for more keys.
  Offset end_;
  const Timestamp now_;
  const LogConfig config_;
  const Timestamp horizon_;
  const SegmentList segments_;
  OffsetMap keys_;
  Report report_;
  Phase phase_ = Phase::kTransactions;
  std::uint64_t spent_ = 0;

  // Where the scan is: which segment (of the log or of the group), where in it, and what comes next.
  std::size_t at_ = 0;
  std::uint64_t position_ = 0;
  Offset expected_ = kNoOffset;
  /// What went wrong with a batch that was visited.
  Result<void> visited_;

  std::map<ProducerId, Offset> open_;
  std::vector<AbortedTransaction> aborted_;
  CleanedTransactions transactions_{{}};
  bool full_ = false;

  std::vector<SegmentList> groups_;
  std::size_t group_ = 0;
  std::shared_ptr<Segment> cleaned_;
  ProducerState::LastRecords producers_;
  ByteWriter out_;
  bool changed_ = false;
  bool too_large_ = false;
};

std::unique_ptr<PartitionCleaning> PartitionLog::Impl::clean(const CleanableRange& range,
                                                             const CleaningOptions& options) {
  return std::make_unique<Cleaning>(shared_from_this(), range, options);
}

ProducerState::LastRecords PartitionLog::Impl::last_records() const {
  const std::lock_guard lock{mutex_};
  return producers_.last_records();
}

}  // namespace millrace
