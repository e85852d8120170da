#pragma once

#include "base/buffers.h"
#include "record/record_batch.h"

namespace millrace {

/// What is known of a batch besides its records.
struct BatchAttributes {
  Compression compression = Compression::kNone;
  int level = kDefaultLevel;
  TimestampType timestamp_type = TimestampType::kCreateTime;
  bool transactional = false;
  bool control = false;
};

/// Whose batch it is, for idempotence: known when it is sent.
struct BatchProducer {
  ProducerId id = kNoProducerId;
  ProducerEpoch epoch = kNoProducerEpoch;
  std::int32_t base_sequence = -1;
};

/// Writes records one after the other into a pooled buffer, in their wire form; `finish` puts the header before them.
///
/// Threading: one thread. Cost of an append: a copy and about ten nanoseconds; no allocation but when the buffer
/// doubles.
class RecordBatchBuilder {
 public:
  /// `max_bytes`: of the whole batch, before compression.
  RecordBatchBuilder(BufferPool& pool, std::size_t max_bytes, BatchAttributes attributes = {});

  /// Adds a record; false when it does not fit any more. An empty builder takes a record of any size.
  [[nodiscard]] bool try_append(Timestamp timestamp, NullableBytes key, NullableBytes value,
                                std::span<const Header> headers = {});
  /// The same with headers in wire form (`RecordView::raw_headers`).
  [[nodiscard]] bool try_append_raw(Timestamp timestamp, NullableBytes key, NullableBytes value, Bytes raw_headers);

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::int32_t count() const { return count_; }
  /// Bytes of the batch so far, header included, before compression.
  [[nodiscard]] std::size_t size() const { return used_; }
  [[nodiscard]] Timestamp max_timestamp() const { return Timestamp{std::chrono::milliseconds{max_timestamp_}}; }

  /// Packs the records, writes header and CRC and gives the batch; its base offset is `base_offset` (the log gives it
  /// its real one). The builder is empty afterwards and can be used again. Not for an empty builder. Errors: the
  /// codec's.
  [[nodiscard]] Result<PooledBytes> finish(const BatchProducer& producer = {}, Offset base_offset = Offset{0},
                                           LeaderEpoch epoch = kNoLeaderEpoch);

 private:
  template <class WriteHeaders>
  bool append(Timestamp timestamp, NullableBytes key, NullableBytes value, std::size_t headers_size,
              WriteHeaders write_headers);
  [[nodiscard]] bool make_room(std::size_t size);

  BufferPool* pool_;
  std::size_t max_bytes_;
  BatchAttributes attributes_;
  SharedBuffer buffer_;
  std::size_t used_ = batch_layout::kRecords;
  std::size_t last_size_ = 0;
  std::int32_t count_ = 0;
  std::int64_t base_timestamp_ = -1;
  std::int64_t max_timestamp_ = -1;
};

}  // namespace millrace
