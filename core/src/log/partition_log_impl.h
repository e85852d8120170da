#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/logger.h"
#include "log/durable_positions.h"
#include "log/epoch_cache.h"
#include "log/flusher.h"
#include "log/partition_log.h"
#include "log/producer_state.h"
#include "log/segment.h"
#include "log/undecided_transactions.h"

namespace millrace {

using SegmentList = std::vector<std::shared_ptr<Segment>>;

/// Where an offset lies: the place before which everything is older.
using LogPlace = DurablePosition;

enum class WaitFor : std::uint8_t { kDurable, kHighWatermark };

/// Whether a file's name is one that an interrupted compaction leaves.
[[nodiscard]] bool is_swap_leftover(std::string_view name);
/// The first offset of the segment that a file belongs to which was about to take its place.
[[nodiscard]] std::optional<Offset> offset_of_swapped(std::string_view name);

/// What readers see, always consistent. Copied out under a lock that is held for no longer than that.
struct LogView {
  std::shared_ptr<const SegmentList> segments;
  Offset log_start{0};
  LogPlace end;
  LogPlace high;
  LogPlace stable;
};

/// Locks, in this order: `trim_mutex_` (who removes or replaces old segments, one after the other), `mutex_` (who
/// changes the log: appends, rolling, trimming, closing), `view_mutex_` (what is published, who waits; never held over
/// I/O or a callback). Readers take only the last.
class PartitionLog::Impl final : public Flushable, public std::enable_shared_from_this<PartitionLog::Impl> {
 public:
  Impl(const LogContext& context, TopicPartition name, Path directory, LogConfig config, TopicId id);

  // partition_recovery.cc
  Result<void> load(const LogHints& hints);

  // partition_append.cc
  Result<AppendInfo> append(MutableBytes batch, LeaderEpoch epoch, const AppendOptions& options);
  TransactionGuard begin_transaction(const RecordBatchView& batch);
  [[nodiscard]] std::vector<ActiveProducer> active_producers() const;
  Result<void> roll();

  // partition_read.cc
  Result<LogSlice> read(Offset from, std::size_t max_bytes, Isolation isolation);
  Result<std::optional<OffsetAndTimestamp>> offset_for_time(Timestamp time, Isolation isolation);
  Result<std::optional<OffsetAndTimestamp>> max_timestamp();
  Result<void> verify();

  // partition_trim.cc
  Result<Offset> delete_records(Offset before);
  Result<std::size_t> apply_retention();

  // partition_clean.cc
  std::optional<CleanableRange> cleanable(Offset cleaned_to);
  std::unique_ptr<PartitionCleaning> clean(const CleanableRange& range, const CleaningOptions& options);

  // partition_swap.cc
  void remove_replaced_files();
  /// Returns once no segment is being replaced or removed.
  void wait_for_trimming() { const std::lock_guard lock{trim_mutex_}; }

  // partition_flush.cc
  void begin_flush() override;
  Result<void> sync() override;
  void end_flush(const Result<void>& result) override;
  void when(Offset end, DurableCallback callback, WaitFor what);
  Result<void> close();
  void abandon();

  [[nodiscard]] LogView view() const;
  [[nodiscard]] LogPositions positions() const;
  [[nodiscard]] LogPlace durable() const;
  [[nodiscard]] std::optional<Error> failure() const;
  [[nodiscard]] bool is_closed() const {
    const std::lock_guard lock{view_mutex_};
    return closed_;
  }
  void set_progress_listener(ProgressListener listener);
  void configure(LogConfig config);
  [[nodiscard]] LogConfig config() const;
  [[nodiscard]] EpochCache epochs() const;

  const TopicPartition& name() const { return name_; }
  const Path& directory() const { return directory_; }
  const RecoveryReport& report() const { return report_; }

 private:
  struct Waiter {
    Offset end;
    DurableCallback callback;
  };
  struct Unsynced {
    std::shared_ptr<Segment> segment;
    std::shared_ptr<File> file;
    bool sealed = false;
  };
  using Waiters = std::deque<Waiter>;
  class Notice;

  // The active segment and what follows an append; all with `mutex_`.
  [[nodiscard]] Segment& active() { return *segments_.back(); }
  Result<void> check_open() const;
  Result<AppendInfo> append_locked(MutableBytes bytes, LeaderEpoch epoch, const AppendOptions& options, Notice& notice);
  /// What is answered instead of writing a batch that is there already. Errors: the producers'.
  [[nodiscard]] Result<std::optional<AppendInfo>> written_before(const RecordBatchView& batch,
                                                                 const AppendOptions& options) const;
  /// When a segment that begins at `base` is ended whatever is in it.
  [[nodiscard]] std::chrono::milliseconds most_age(Offset base) const;
  bool needs_roll(const RecordBatchView& batch, std::size_t size) const;
  Result<void> roll_locked(Offset base);
  Result<std::shared_ptr<File>> write(const RecordBatchView& batch, Notice& notice);
  /// Says once that nothing can be written for now (the disk is full, no file can be opened), and once that it can.
  void note_trouble(const Result<AppendInfo>& appended);
  void note_transaction(const RecordBatchView& batch, const LogPlace& at);
  /// Of a transaction that its marker has just ended.
  [[nodiscard]] TransactionIndexEntry index_entry(const ProducerState::Ended& ended, Offset marker) const;
  void save_epochs();
  Result<void> save_producers(Offset at);
  SegmentList detach_segments(std::size_t count);
  Result<void> remove_files(const SegmentList& removed);
  /// Before segments are removed: what their batches tell of producers is then in the first snapshot that stays alone,
  /// so that goes to the disk.
  Result<void> keep_producers();
  std::size_t segments_over_retention() const;

  // Compaction.
  class Cleaning;
  [[nodiscard]] Offset gaps_before() const { return Offset{gaps_before_.load(std::memory_order_relaxed)}; }
  [[nodiscard]] ProducerState::LastRecords last_records() const;
  /// Writes down what a crash must find before segments up to `end` are replaced.
  Result<void> prepare_to_replace(Offset end);
  /// Puts the segment in the place of those. Errors: `kNotFound` when they are not in the log any more.
  Result<void> replace_segments(const SegmentList& group, const std::shared_ptr<Segment>& cleaned);
  void publish_replacement(const SegmentList& group, const std::shared_ptr<Segment>& cleaned);
  Result<void> finish_swaps(const std::vector<std::string>& leftovers);
  Result<void> finish_swap(Offset base);

  // With `view_mutex_`.
  void mark_dirty_locked(Notice& notice);
  void advance_locked(Notice& notice);
  void raise_log_start_locked(Offset start, Notice& notice);
  void fail_locked(const Error& error, Notice& notice);
  /// The error, saying once that the partition is offline.
  [[nodiscard]] Error offline(const Error& error) const;

  /// Takes the partition offline for damage that a read found.
  std::unexpected<Error> damaged(const Segment& segment, const SegmentDamage& damage);
  Error damage_error(const Segment& segment, const SegmentDamage& damage) const;
  void fail(const Error& error, Notice& notice);
  void note_durable(const LogPlace& place);

  // Reading.
  [[nodiscard]] static LogPlace bound(const LogView& view, Isolation isolation);
  /// Records behind an open transaction may be deleted: then nothing before the log's start is stable.
  [[nodiscard]] static LogPositions positions_of(const LogView& view) {
    return {view.log_start, std::max(view.log_start, view.stable.offset), view.high.offset, view.end.offset};
  }
  /// Aborted transactions with records between the two offsets, which lie in segments from `index` on.
  [[nodiscard]] static std::vector<AbortedTransaction> aborted_in(const LogView& view, std::size_t index, Offset from,
                                                                  Offset end);
  Result<LogSlice> read_segment(const LogView& view, std::size_t index, Offset from, std::size_t max_bytes,
                                const LogPlace& bound);
  /// Where to begin reading; when `sure`, the first batch there is the one wanted or follows it.
  struct ReadFrom {
    std::uint64_t position = 0;
    bool sure = false;
  };
  Result<ReadFrom> find_position(const Segment& segment, Offset from) const;
  void remember(Offset next, const Segment& segment, std::uint64_t position) const;
  Result<std::optional<OffsetAndTimestamp>> search(const LogView& view, std::size_t index, std::uint64_t from,
                                                   Timestamp time, const LogPlace& bound);

  // Recovery.
  struct Found;
  Result<Found> find_files() const;
  Result<void> load_clean(const Found& found);
  Result<void> recover(const Found& found, const LogHints& hints);
  Result<void> check_lengths(const DurablePosition& durable) const;
  /// Whether the segment can come after one that ends before `expected`; any can after `kNoOffset`.
  [[nodiscard]] bool follows(const Segment& segment, Offset expected) const;
  [[nodiscard]] Error gap_error(const Segment& segment, Offset expected) const;
  /// Reads it from the first batch where it is not known yet; tells when that is damaged.
  Result<std::optional<SegmentDamage>> learn_first_timestamp(Segment& segment) const;
  /// The offset after a segment's last batch, from its last index entry on; `kNoOffset` when no batches lead there.
  Result<Offset> end_of(const Segment& segment) const;
  Result<LogPlace> place_of(Offset offset) const;
  /// Goes over the headers of a segment's batches, from one that begins at `offset` or before it.
  Result<void> scan_from(const Segment& segment, Offset offset, const BatchVisitor& visit) const;
  Result<void> load_producers(const Found& found, Offset end);
  /// The transaction indexes of segments from `base` on are to be made anew.
  void doubt_transactions(Offset base) { transactions_unknown_from_ = std::min(transactions_unknown_from_, base); }
  Result<void> load_transactions(const Found& found, Segment& segment);
  Result<void> write_doubted_transactions();
  Result<void> cut_tail(std::size_t segment, const SegmentDamage& damage);

  const LogContext context_;
  const TopicPartition name_;
  const Path directory_;
  const DurablePositions::Key position_key_;
  RecoveryReport report_;

  std::mutex trim_mutex_;
  // Replaced by compaction; their files are still there.
  SegmentList replaced_;
  // Names on disk are not what they should be: no more replacing until the next start.
  std::atomic<bool> swap_failed_ = false;
  mutable std::mutex mutex_;
  LogConfig config_;
  SegmentList segments_;
  ProducerState producers_;
  EpochCache epochs_;
  std::vector<Offset> snapshots_;
  Timestamp segment_made_ = kNoTimestamp;
  // A roll failed when the next segment's file was there already: nothing more goes behind its name.
  bool roll_due_ = false;
  // Of the last append; none when it was written.
  ErrorCode trouble_ = ErrorCode::kNone;
  // While it is opened: see `doubt_transactions`.
  Offset transactions_unknown_from_{INT64_MAX};
  // Of the settings, for those who do not hold `mutex_`.
  std::atomic<TimestampType> timestamp_type_;
  // Before this offset compaction may have left gaps between batches.
  std::atomic<std::int64_t> gaps_before_ = 0;

  mutable std::mutex view_mutex_;
  LogView view_;
  LogPlace durable_;
  std::vector<Unsynced> unsynced_;
  UndecidedTransactions transactions_;
  Waiters durable_waiters_;
  Waiters high_waiters_;
  std::shared_ptr<const ProgressListener> listener_;
  std::optional<Error> failure_;
  bool write_caching_ = false;
  std::int64_t flush_messages_ = INT64_MAX;
  bool dirty_ = false;
  bool folder_dirty_ = false;
  bool closed_ = false;
  // Since it was opened from what a clean close had left.
  bool changed_ = false;

  // Where recent reads ended: the next read of a consumer that goes on needs no index.
  struct ReadEnd {
    Offset offset = kNoOffset;
    Offset segment = kNoOffset;
    std::uint32_t version = 0;
    std::uint64_t position = 0;
  };
  mutable std::mutex read_ends_mutex_;
  mutable std::array<ReadEnd, 8> read_ends_;
  mutable std::size_t next_read_end_ = 0;

  // The flush under way; only the flusher's.
  std::vector<Unsynced> flushing_;
  LogPlace flushing_end_;
  bool flushing_folder_ = false;
  std::atomic<bool> positions_failed_ = false;
};

/// What has to be told once no lock is held.
class PartitionLog::Impl::Notice {
 public:
  explicit Notice(Impl& log) : log_(&log) {}
  Notice(const Notice&) = delete;
  Notice& operator=(const Notice&) = delete;
  /// Tells it.
  ~Notice();

  void mark_dirty() { mark_dirty_ = true; }
  void progress(std::shared_ptr<const ProgressListener> listener, const LogPositions& positions) {
    listener_ = std::move(listener);
    positions_ = positions;
  }
  /// Takes over the waiters whose condition is met (`end` reached), or all of them when there is an error.
  void take(Waiters& waiters, Offset reached);
  void take_all(Waiters& waiters, const Error& error);

 private:
  Impl* log_;
  bool mark_dirty_ = false;
  std::shared_ptr<const ProgressListener> listener_;
  LogPositions positions_;
  std::vector<DurableCallback> done_;
  std::vector<std::pair<DurableCallback, Error>> failed_;
};

}  // namespace millrace
