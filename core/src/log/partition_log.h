#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/buffers.h"
#include "base/files.h"
#include "base/result.h"
#include "base/types.h"
#include "log/epoch_cache.h"
#include "log/log_calls.h"
#include "log/log_config.h"
#include "log/partition_cleaning.h"
#include "record/transaction_marker.h"

namespace millrace {

class Clock;
class DurablePositions;
class FileCache;
class Flusher;
class Logger;

/// What the partitions of a data folder share. All of it outlives the logs.
struct LogContext {
  FileSystem& files;
  FileCache& open_files;
  BufferPool& buffers;
  Flusher& flusher;
  const Clock& clock;
  Logger& logger;
  /// Where syncs are written down; null: nowhere.
  DurablePositions* positions = nullptr;
};

/// What a valid append was given.
struct AppendInfo {
  Offset base_offset = kNoOffset;
  Offset last_offset = kNoOffset;
  /// The append time, with LogAppendTime; else `kNoTimestamp`.
  Timestamp append_time = kNoTimestamp;
  Offset log_start = kNoOffset;
  /// The batch was a retry of one already in the log: nothing was written, the offsets are the first append's.
  bool duplicate = false;
};

/// Whole record batches, as they lie on disk, in pooled buffers that were read once. Copies share the bytes.
struct LogSlice {
  std::shared_ptr<const void> owner;
  Bytes bytes;
  /// The offset behind the last batch; none when there is no batch.
  Offset next = kNoOffset;
  /// Read with `kCommitted`: whose records among the bytes are to be skipped, each from its first offset to its marker.
  std::vector<AbortedTransaction> aborted = {};
  /// The log's positions when the slice was taken.
  Offset log_start = kNoOffset;
  Offset high_watermark = kNoOffset;
  Offset last_stable = kNoOffset;
};

/// How far a read may go.
enum class Isolation : std::uint8_t { kLogEnd, kHighWatermark, kCommitted };

struct OffsetAndTimestamp {
  Offset offset;
  Timestamp timestamp;
  LeaderEpoch epoch;
};

/// The log's positions at one moment: log_start <= last_stable <= high_watermark <= log_end.
struct LogPositions {
  Offset log_start{0};
  Offset last_stable{0};
  Offset high_watermark{0};
  Offset log_end{0};
};

/// A place in a log that a sync has made durable: all before `offset` lies in segments up to `segment`, in that one in
/// its first `position` bytes.
struct DurablePosition {
  Offset offset{0};
  Offset segment{0};
  std::uint64_t position = 0;
  auto operator<=>(const DurablePosition&) const = default;
};

/// What was known of a log when it was last open.
struct LogHints {
  /// Whose log it is: tells a partition from one of the same name that was deleted.
  TopicId topic_id{};
  /// It was closed: nothing needs to be looked at.
  bool clean = false;
  /// All before this was durable and needs no check (recovery-point-offset-checkpoint).
  Offset recovery_point{0};
  /// The newest position that was written down after a sync; damage before it is no torn tail. Absent when nothing
  /// is known: then damage that intact batches follow is none either.
  std::optional<DurablePosition> durable;
  Offset log_start{0};
};

/// What opening a log found and did.
struct RecoveryReport {
  bool clean = true;
  /// Bytes that were looked at.
  std::uint64_t scanned_bytes = 0;
  /// The tail that was cut: a write that a crash interrupted, never acknowledged as durable.
  std::uint64_t cut_bytes = 0;
  Offset cut_at = kNoOffset;
  std::string cut_file;
  std::uint64_t cut_position = 0;
  std::string cut_reason;
  std::int32_t rebuilt_indexes = 0;
};

/// The records of one partition: an append-only sequence of record batches in segment files of Kafka's format.
///
/// Threading: any thread may call any function. Appends take turns; reads take a snapshot and never wait for an append
/// or a sync. What a `LogSlice` holds stays readable until it is let go. Callbacks run on the flusher's thread (or
/// inside the call that makes their condition true), with no lock held; they must not wait.
///
/// Offsets, always: log_start <= last_stable <= high_watermark <= log_end
///
///     | deleted | readable                      | written, not yet durable |
///     0         log_start        high_watermark                           log_end
///
/// Durability: `append` returns when the bytes are in the page cache; `when_durable` tells when they are on the disk.
/// Without `write_caching` the high watermark is the durable end: a consumer never sees what a power cut could take
/// back. After a failed sync the log refuses every append with `kStorageError` until it is opened again: what the disk
/// holds is no longer known. The same after damage was read: the error names file, byte and offset, and nothing is
/// changed on disk.
class PartitionLog {
 public:
  using DurableCallback = std::move_only_function<void(const Result<void>&)>;
  /// Gets the positions after the high watermark or the log start has moved.
  using ProgressListener = std::function<void(const LogPositions&)>;

  /// Opens the log in `directory` (made if absent) and repairs what a crash may leave: a torn tail is cut off and
  /// reported, missing or damaged indexes are rebuilt. O(1) after a clean close, else O(bytes after the recovery
  /// point). Errors: `kCorruptLog` for damage below the durable position in `hints` (nothing is changed on disk),
  /// `kIo`.
  static Result<std::shared_ptr<PartitionLog>> open(const LogContext& context, TopicPartition name, Path directory,
                                                    LogConfig config, const LogHints& hints = {});
  ~PartitionLog();

  [[nodiscard]] const TopicPartition& name() const;
  [[nodiscard]] const Path& directory() const;
  [[nodiscard]] const RecoveryReport& recovery_report() const;

  /// Gives `batch` its base offset and leader epoch in place (neither is under its CRC) and writes it. The caller has
  /// checked it with `check_produced_batch`. A retry of one of the producer's last five batches is not written again:
  /// the answer is the first append's. Errors: `kOutOfOrderSequenceNumber`, `kDuplicateSequenceNumber` (a retry of an
  /// older one), `kInvalidProducerEpoch`, `kRecordListTooLarge` (larger than a segment), `kFencedLeaderEpoch` (older
  /// than the log's last), `kInvalidTxnState` (the batch must not begin a transaction here; see `begin_transaction`),
  /// `kTransactionCoordinatorFenced` (a marker of an older coordinator), `kNoSpace`, `kStorageError`, `kClosed`. The
  /// marker of an abort is also an entry of the segment's transaction index.
  [[nodiscard]] Result<AppendInfo> append(MutableBytes batch, LeaderEpoch epoch, const AppendOptions& options = {});

  /// Before a client's batch of a transaction is appended: what `append` is to be given with it. `kAlreadyOpen` when
  /// the producer's transaction is open here; else the coordinator is to be asked first whether it goes on in this
  /// partition. A marker that comes in between takes the leave back, so that nobody opens what has ended.
  [[nodiscard]] TransactionGuard begin_transaction(const RecordBatchView& batch);
  /// The idempotent and transactional producers that are remembered, by id.
  [[nodiscard]] std::vector<ActiveProducer> active_producers() const;

  /// Whole batches from the one that holds `from`, up to about `max_bytes`; at least one batch, however large, if there
  /// is one below the isolation's bound. Empty at the bound. The first batch may begin before `from`. Nothing past the
  /// bound is read from the disk. Bytes that this process has neither written nor read before are checked against their
  /// CRC. Errors: `kOffsetOutOfRange`, `kCorruptLog`, `kIo`, `kClosed`.
  [[nodiscard]] Result<LogSlice> read(Offset from, std::size_t max_bytes, Isolation isolation) const;

  /// The first record whose timestamp is `time` or later, in offset order, below the isolation's bound; none if there
  /// is none.
  [[nodiscard]] Result<std::optional<OffsetAndTimestamp>> offset_for_time(
      Timestamp time, Isolation isolation = Isolation::kHighWatermark) const;
  /// The record with the largest timestamp; none in an empty log.
  [[nodiscard]] Result<std::optional<OffsetAndTimestamp>> max_timestamp() const;

  [[nodiscard]] LogPositions positions() const;
  [[nodiscard]] Offset log_start() const { return positions().log_start; }
  [[nodiscard]] Offset high_watermark() const { return positions().high_watermark; }
  [[nodiscard]] Offset last_stable() const { return positions().last_stable; }
  [[nodiscard]] Offset log_end() const { return positions().log_end; }
  [[nodiscard]] DurablePosition durable() const;
  /// Bytes of all segments.
  [[nodiscard]] std::uint64_t size() const;
  /// Those of them below the high watermark.
  [[nodiscard]] std::uint64_t readable_size() const;
  [[nodiscard]] std::size_t segment_count() const;
  /// The epoch of the last batch, and that of the batch that holds `offset`; `kNoLeaderEpoch` when there is none.
  [[nodiscard]] LeaderEpoch last_epoch() const;
  [[nodiscard]] LeaderEpoch epoch_of(Offset offset) const;
  /// As `EpochCache::end_of`: where the records of `epoch`, or of the newest before it, end.
  [[nodiscard]] std::optional<EpochEnd> end_of_epoch(LeaderEpoch epoch, LeaderEpoch current) const;
  /// Why the partition is offline, if it is.
  [[nodiscard]] std::optional<Error> failure() const;

  /// Calls back once all before `end` is durable, or with `kStorageError` / `kClosed` when it can no longer become so.
  void when_durable(Offset end, DurableCallback callback);
  /// The same for the high watermark: what an acks=all append waits for.
  void when_high_watermark(Offset end, DurableCallback callback);
  /// At most one; replaces the one before. Calls may overlap: the positions of the later one are the newer or equal.
  void set_progress_listener(ProgressListener listener);

  /// New settings, from now on.
  void configure(LogConfig config);
  [[nodiscard]] LogConfig config() const;

  /// Makes records before `before` unreadable and removes segments that hold no others; `kNoOffset` stands for the high
  /// watermark. Gives the new log start. Errors: `kOffsetOutOfRange` beyond the high watermark.
  [[nodiscard]] Result<Offset> delete_records(Offset before);
  /// Removes the oldest segments that are over the retention's size or time; gives the count. Never past the high
  /// watermark. Forgets producers that have been silent for `producer_id_expiration`.
  [[nodiscard]] Result<std::size_t> apply_retention();
  /// What compaction should do now, as the settings say; nothing when there is too little to do. `cleaned_to`: where
  /// the last pass ended.
  [[nodiscard]] std::optional<CleanableRange> cleanable(Offset cleaned_to) const;
  /// Begins a pass; at most one at a time. It may outlive this object, and ends with `close` or `abandon`.
  [[nodiscard]] std::unique_ptr<PartitionCleaning> clean(const CleanableRange& range, const CleaningOptions& options);
  /// Removes the files of segments that compaction has replaced and nobody reads any more. Others: the next time.
  void remove_replaced_files();
  /// Ends the current segment, if it holds anything, and begins the next.
  [[nodiscard]] Result<void> roll();
  /// Reads every batch of the log and checks its CRC. Errors: `kCorruptLog` for the first damage.
  [[nodiscard]] Result<void> verify() const;

  /// Whether `close` or `abandon` was called.
  [[nodiscard]] bool is_closed() const;
  /// Syncs and closes: afterwards every call gives `kClosed`. Idempotent. Errors: the sync's; then the close was not
  /// clean.
  [[nodiscard]] Result<void> close();
  /// Ends without writing anything more, as before the folder is removed. Waiting callbacks get `kClosed`.
  void abandon();

 private:
  class Impl;
  explicit PartitionLog(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace millrace
