#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/buffers.h"
#include "base/types.h"
#include "log/file_cache.h"
#include "log/sparse_index.h"
#include "log/transaction_index.h"
#include "record/record_batch.h"

namespace millrace {

/// The 20 digits that the files of the segment with this first offset begin with.
[[nodiscard]] std::string segment_stem(Offset base);
/// The offset in "00000000000000000042.log", if the name has that extension (".log").
[[nodiscard]] std::optional<Offset> offset_of_file(std::string_view name, std::string_view extension);

// What the name of a segment's file ends in while compaction replaces segments, as Kafka names them:
// being written; complete, and to take the place of those it was made from; replaced.
inline constexpr std::string_view kCleanedSuffix = ".cleaned";
inline constexpr std::string_view kSwapSuffix = ".swap";
inline constexpr std::string_view kDeletedSuffix = ".deleted";

/// What is wrong with a segment, and where.
struct SegmentDamage {
  std::uint64_t position = 0;
  /// The offset that a batch was expected to have here.
  Offset offset = kNoOffset;
  std::string reason;
};

/// One file of a partition's log with its indexes: by offset, by time, and of aborted transactions.
///
/// Threading: one thread at a time changes it (`append`, `seal`, `rebuild_indexes`, `cut`); any thread may read
/// meanwhile what was published to it: it must not read past the position it was told.
class Segment {
 public:
  /// `version`: tells it from those of the same base offset that it replaces.
  Segment(FileCache& cache, const Path& directory, Offset base, std::string_view suffix = {},
          std::uint32_t version = 0);

  [[nodiscard]] Offset base() const { return base_; }
  [[nodiscard]] std::uint32_t version() const { return version_; }
  [[nodiscard]] const Path& path() const { return log_.path(); }
  [[nodiscard]] std::uint64_t size() const { return size_.load(std::memory_order_acquire); }
  [[nodiscard]] Timestamp largest_timestamp() const {
    return Timestamp{std::chrono::milliseconds{largest_timestamp_.load(std::memory_order_relaxed)}};
  }
  [[nodiscard]] Offset offset_of_largest_timestamp() const {
    return Offset{offset_of_largest_.load(std::memory_order_relaxed)};
  }
  [[nodiscard]] const OffsetIndex& offset_index() const { return offset_index_; }
  [[nodiscard]] const TimeIndex& time_index() const { return time_index_; }
  [[nodiscard]] TransactionIndex& transactions() { return transactions_; }
  [[nodiscard]] const TransactionIndex& transactions() const { return transactions_; }
  /// The largest timestamp of the first batch: what rolling by time counts from.
  [[nodiscard]] std::optional<Timestamp> first_timestamp() const {
    const auto time = first_timestamp_.load(std::memory_order_relaxed);
    if (time == kUnknownTime) return std::nullopt;
    return Timestamp{std::chrono::milliseconds{time}};
  }
  void set_first_timestamp(Timestamp time) {
    first_timestamp_.store(time.time_since_epoch().count(), std::memory_order_relaxed);
  }

  /// Whether a batch can no longer be added, whatever the topic's settings.
  [[nodiscard]] bool is_full(Offset last_offset, std::size_t bytes, std::int32_t max_index_bytes) const;

  [[nodiscard]] Result<std::shared_ptr<File>> file() const { return log_.get(); }
  /// Makes the files of a segment that is new. What an earlier attempt left in them is gone.
  [[nodiscard]] Result<void> create();

  /// Writes a stamped batch after the last one. After an error the segment is as it was if `cut` to its size succeeds.
  [[nodiscard]] Result<void> append(File& file, const RecordBatchView& batch, std::int32_t index_interval);
  /// No more is added: completes the indexes and writes them.
  [[nodiscard]] Result<void> seal();
  /// Makes the indexes durable; nothing if the segment has been removed.
  [[nodiscard]] Result<void> sync_indexes();
  [[nodiscard]] Result<void> cut(std::uint64_t size);

  /// Takes over the size of the file and the indexes. False when an index is missing or cannot be right.
  [[nodiscard]] Result<bool> load(FileSystem& files);
  /// The same without looking at the indexes, which are empty afterwards: `note` fills them.
  [[nodiscard]] Result<void> load_without_indexes(FileSystem& files);
  /// Adds what the indexes need to know of a batch that is at `position`.
  void note(const RecordBatchView& header, std::uint64_t position, std::size_t batch_size, std::int32_t index_interval);
  /// Sets the size to what was found to be sound.
  void set_size(std::uint64_t size) { size_.store(size, std::memory_order_release); }

  /// A position from which, going forward, the batch with `offset` is found.
  [[nodiscard]] Result<std::uint64_t> position_before(Offset offset) const;

  /// Bytes before this have been written or checked by this process.
  [[nodiscard]] std::uint64_t verified() const { return verified_.load(std::memory_order_relaxed); }
  void add_verified(std::uint64_t from, std::uint64_t to);

  /// Gives its files another suffix, the log first. Who reads goes on. An index that is missing stays so.
  [[nodiscard]] Result<void> move(FileSystem& files, std::string_view suffix);
  /// Removes its files.
  [[nodiscard]] Result<void> remove_files(FileSystem& files);

 private:
  static constexpr std::int64_t kUnknownTime = INT64_MIN;
  Offset base_;
  std::uint32_t version_;
  CachedFile log_;
  OffsetIndex offset_index_;
  TimeIndex time_index_;
  TransactionIndex transactions_;
  std::atomic<std::uint64_t> size_ = 0;
  std::atomic<std::int64_t> largest_timestamp_ = -1;
  std::atomic<std::int64_t> offset_of_largest_;
  std::atomic<std::uint64_t> verified_ = 0;
  std::atomic<bool> removed_ = false;
  std::uint64_t bytes_since_index_entry_ = 0;
  std::atomic<std::int64_t> first_timestamp_ = kUnknownTime;
};

/// For `gaps_before`: anywhere.
inline constexpr Offset kEverywhere{INT64_MAX};

struct ScanOptions {
  std::uint64_t from = 0;
  std::uint64_t to = UINT64_MAX;
  /// The offset of the first batch; any when it is `kNoOffset`.
  Offset expected = kNoOffset;
  /// Batches from this offset on have their CRC checked.
  Offset checksums_from{INT64_MAX};
  /// Before this offset compaction may have left gaps between batches.
  Offset gaps_before{0};
  std::uint64_t most_batches = UINT64_MAX;
  /// It ends with the batch that makes it so many bytes.
  std::uint64_t most_bytes = UINT64_MAX;
};

struct ScanResult {
  /// After the last sound batch.
  std::uint64_t position = 0;
  Offset next_offset = kNoOffset;
  std::uint64_t batches = 0;
  std::optional<SegmentDamage> damage;
};

/// Called for each sound batch: its header (the view holds no more than that when only headers are read), its position
/// and size.
using BatchVisitor = std::function<void(const RecordBatchView&, std::uint64_t position, std::size_t size)>;

/// Goes over the batches of a segment from one that begins at `options.from`, until the first that is not sound.
/// Errors: `kIo`.
[[nodiscard]] Result<ScanResult> scan(const Segment& segment, const ScanOptions& options, BufferPool& buffers,
                                      const BatchVisitor& visit);

/// How many records after a damaged place look intact.
[[nodiscard]] Result<std::uint64_t> count_records_after(const Segment& segment, const SegmentDamage& damage,
                                                        BufferPool& buffers);

}  // namespace millrace
