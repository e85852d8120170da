#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/buffers.h"
#include "base/bytes_io.h"
#include "base/result.h"
#include "base/types.h"
#include "millrace/client.h"
#include "record/compression.h"

namespace millrace {

enum class TimestampType : std::uint8_t { kCreateTime = 0, kLogAppendTime = 1 };

/// Where the fields of a batch of format 2 lie (Kafka's documentation, "Record Batch"); all are big-endian.
///
///     baseOffset 8 | batchLength 4 | partitionLeaderEpoch 4 | magic 1 | crc 4 | attributes 2 | lastOffsetDelta 4 |
///     baseTimestamp 8 | maxTimestamp 8 | producerId 8 | producerEpoch 2 | baseSequence 4 | recordCount 4 | records
///
/// batchLength counts what follows it; the CRC-32C covers what follows it. So the log may change base offset and leader
/// epoch without touching the CRC.
namespace batch_layout {
inline constexpr std::size_t kBaseOffset = 0;
inline constexpr std::size_t kLength = 8;
inline constexpr std::size_t kLeaderEpoch = 12;
inline constexpr std::size_t kMagic = 16;
inline constexpr std::size_t kCrc = 17;
inline constexpr std::size_t kAttributes = 21;
inline constexpr std::size_t kLastOffsetDelta = 23;
inline constexpr std::size_t kBaseTimestamp = 27;
inline constexpr std::size_t kMaxTimestamp = 35;
inline constexpr std::size_t kProducerId = 43;
inline constexpr std::size_t kProducerEpoch = 51;
inline constexpr std::size_t kBaseSequence = 53;
inline constexpr std::size_t kRecordCount = 57;
inline constexpr std::size_t kRecords = 61;
/// Base offset and length: what is needed to find the next batch.
inline constexpr std::size_t kLogOverhead = 12;
/// The least that a batch's length can be: that of one without records.
inline constexpr auto kSmallestLength = static_cast<std::int32_t>(kRecords - kLogOverhead);
}  // namespace batch_layout

/// No batch unpacks to more than this: what a hostile one can make us allocate.
inline constexpr std::size_t kMaxUnpackedBytes = 256U << 20;

/// Walks over the records of a batch.
///
///     while (cursor.next()) use(cursor.record());
///     MILLRACE_CHECK(cursor.status());
///
/// Threading: one thread. Records point into the batch's bytes, or those of `owner()` when they were packed.
class RecordCursor {
 public:
  /// False at the end, and at the first record that makes no sense; then `status` has an error.
  bool next();
  [[nodiscard]] const RecordView& record() const { return record_; }
  /// All bytes of the record, its length included.
  [[nodiscard]] Bytes raw() const { return {begin_, next_}; }
  /// `kCorruptMessage` when a record's fields contradict the bytes or the batch's header, or bytes are left after the
  /// last.
  [[nodiscard]] const Result<void>& status() const { return status_; }
  /// Keeps the unpacked bytes; null when the records lie in the batch itself.
  [[nodiscard]] const std::shared_ptr<std::byte>& owner() const { return unpacked_.owner(); }

 private:
  friend class RecordBatchView;
  RecordCursor() = default;
  bool stop(const char* problem);

  const std::byte* begin_ = nullptr;
  const std::byte* next_ = nullptr;
  const std::byte* end_ = nullptr;
  std::int64_t base_offset_ = 0;
  std::int64_t base_timestamp_ = 0;
  std::int32_t count_ = 0;
  std::int32_t index_ = 0;
  std::int32_t last_delta_ = 0;
  std::int32_t previous_delta_ = -1;
  bool append_time_ = false;
  RecordView record_{};
  Result<void> status_;
  SharedBuffer unpacked_;
};

/// One record batch of format 2 in memory, as it lies on disk and on the wire.
///
/// Threading: a view; it owns nothing. Costs a pointer; fields are read from the bytes when asked for.
class RecordBatchView {
 public:
  /// The batch at the start of `bytes`, which may hold more after it. Checks that it is complete, of format 2 and of a
  /// possible length; not the CRC. Errors: `kCorruptMessage`; `kUnsupportedForMessageFormat` for the message sets of
  /// formats 0 and 1, which Kafka 4 dropped too.
  [[nodiscard]] static Result<RecordBatchView> parse(Bytes bytes);
  /// For bytes that were checked before.
  [[nodiscard]] static RecordBatchView trusted(Bytes batch) { return RecordBatchView{batch}; }

  /// All of it, header included.
  [[nodiscard]] Bytes bytes() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }

  [[nodiscard]] Offset base_offset() const { return Offset{get<std::int64_t>(batch_layout::kBaseOffset)}; }
  [[nodiscard]] Offset last_offset() const { return base_offset() + last_offset_delta(); }
  /// The offset after the batch.
  [[nodiscard]] Offset next_offset() const { return last_offset() + 1; }
  [[nodiscard]] LeaderEpoch leader_epoch() const { return LeaderEpoch{get<std::int32_t>(batch_layout::kLeaderEpoch)}; }
  [[nodiscard]] std::int8_t magic() const { return get<std::int8_t>(batch_layout::kMagic); }
  [[nodiscard]] std::uint32_t crc() const { return get<std::uint32_t>(batch_layout::kCrc); }
  [[nodiscard]] std::int16_t attributes() const { return get<std::int16_t>(batch_layout::kAttributes); }
  [[nodiscard]] std::int32_t last_offset_delta() const { return get<std::int32_t>(batch_layout::kLastOffsetDelta); }
  /// With `has_delete_horizon`, the time from which a tombstone may go, and deltas count from it.
  [[nodiscard]] Timestamp base_timestamp() const { return time(batch_layout::kBaseTimestamp); }
  [[nodiscard]] Timestamp max_timestamp() const { return time(batch_layout::kMaxTimestamp); }
  [[nodiscard]] ProducerId producer_id() const { return ProducerId{get<std::int64_t>(batch_layout::kProducerId)}; }
  [[nodiscard]] ProducerEpoch producer_epoch() const {
    return ProducerEpoch{get<std::int16_t>(batch_layout::kProducerEpoch)};
  }
  [[nodiscard]] std::int32_t base_sequence() const { return get<std::int32_t>(batch_layout::kBaseSequence); }
  /// The sequence of the last record; wraps after 2^31 - 1.
  [[nodiscard]] std::int32_t last_sequence() const;
  [[nodiscard]] std::int32_t record_count() const { return get<std::int32_t>(batch_layout::kRecordCount); }

  /// Attribute bits 0-2; 5 to 7 name no codec.
  [[nodiscard]] std::uint8_t compression_bits() const { return static_cast<std::uint8_t>(attributes() & 7); }
  [[nodiscard]] Compression compression() const { return static_cast<Compression>(compression_bits()); }
  [[nodiscard]] TimestampType timestamp_type() const { return static_cast<TimestampType>((attributes() >> 3) & 1); }
  [[nodiscard]] bool is_transactional() const { return (attributes() & 0x10) != 0; }
  [[nodiscard]] bool is_control() const { return (attributes() & 0x20) != 0; }
  [[nodiscard]] bool has_delete_horizon() const { return (attributes() & 0x40) != 0; }
  [[nodiscard]] bool has_producer_id() const { return producer_id() != kNoProducerId; }

  [[nodiscard]] std::uint32_t compute_crc() const;
  [[nodiscard]] bool crc_matches() const { return compute_crc() == crc(); }

  /// A walk over the records; unpacks them into a buffer of `pool` when they are packed. Errors: `kCorruptMessage`,
  /// `kUnsupportedCompressionType`.
  [[nodiscard]] Result<RecordCursor> records(BufferPool& pool, std::size_t max_unpacked = kMaxUnpackedBytes) const;

 private:
  explicit RecordBatchView(Bytes bytes) : bytes_(bytes) {}
  template <class Integer>
  [[nodiscard]] Integer get(std::size_t at) const {
    return load_be<Integer>(bytes_.data() + at);
  }
  [[nodiscard]] Timestamp time(std::size_t at) const {
    return Timestamp{std::chrono::milliseconds{get<std::int64_t>(at)}};
  }

  Bytes bytes_;
};

/// The batches that follow one another in `bytes`. A batch that is cut off at the end is not an error: it is not given,
/// and `used()` says where it begins.
///
///     for (BatchCursor cursor{slice.bytes}; cursor.next();) use(cursor.batch());
class BatchCursor {
 public:
  explicit BatchCursor(Bytes bytes) : bytes_(bytes) {}
  /// False at the end, at an incomplete batch, and at bytes that are no batch; then `status` has an error.
  bool next();
  [[nodiscard]] const RecordBatchView& batch() const { return batch_; }
  [[nodiscard]] std::size_t used() const { return used_; }
  [[nodiscard]] const Result<void>& status() const { return status_; }

 private:
  Bytes bytes_;
  RecordBatchView batch_ = RecordBatchView::trusted({});
  std::size_t used_ = 0;
  Result<void> status_;
};

/// What the log writes into a batch: neither field is under the CRC.
void stamp(MutableBytes batch, Offset base_offset, LeaderEpoch epoch);
/// Makes the batch's timestamps `time` (LogAppendTime) and recomputes the CRC.
void stamp_append_time(MutableBytes batch, Timestamp time);

/// How strict `check_produced_batch` is; what a topic's settings say.
struct ProduceLimits {
  std::int32_t max_message_bytes = 1048588;
  TimestampType timestamp_type = TimestampType::kCreateTime;
  /// CreateTime may be this much before and after `now`.
  std::chrono::milliseconds timestamp_before_max = std::chrono::milliseconds::max();
  std::chrono::milliseconds timestamp_after_max = std::chrono::hours{1};
  /// A compacted topic: every record needs a key, so records are looked at.
  bool keys_required = false;
};

/// What a client sent for one partition, checked before it goes near the log, without any lock: exactly one batch of
/// format 2, complete, CRC right, counts and offset deltas consistent, no control batch, LZ4 as Java reads it,
/// within the limits. Errors, as Kafka's: `kCorruptMessage`, `kInvalidRecord`, `kMessageTooLarge`, `kInvalidTimestamp`,
/// `kUnsupportedForMessageFormat`, `kUnsupportedCompressionType`. Cost: that of the CRC.
[[nodiscard]] Result<RecordBatchView> check_produced_batch(Bytes bytes, const ProduceLimits& limits, Timestamp now,
                                                           BufferPool& pool);

/// Reads the headers of a record from their wire form (count first), as `RecordView::raw_headers` holds it.
[[nodiscard]] Result<std::vector<Header>> parse_headers(Bytes raw_headers);

}  // namespace millrace
