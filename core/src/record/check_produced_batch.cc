#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "record/record_batch.h"

namespace millrace {
namespace {

std::unexpected<Error> invalid(std::string problem) { return fail(ErrorCode::kInvalidRecord, std::move(problem)); }

Result<void> check_counts(const RecordBatchView& batch) {
  const auto count = batch.record_count();
  const auto last_delta = batch.last_offset_delta();
  if (count <= 0) return invalid(fmt::format("a batch cannot have {} records", count));
  if (last_delta != count - 1) {
    return invalid(
        fmt::format("the batch says it has {} records, and that the last is its number {}", count, last_delta));
  }
  if (batch.base_offset().value() < 0) return invalid("the base offset is negative");
  return {};
}

/// What Java clients read of LZ4: frames of version 1 with independent blocks and without a dictionary. librdkafka
/// reads others too, so one producer could stop every Java consumer of a partition.
Result<void> check_lz4(Bytes frame) {
  static constexpr std::uint8_t kMagic[] = {0x04, 0x22, 0x4d, 0x18};
  static constexpr unsigned kVersionAndKind = 0xe3;
  static constexpr unsigned kReadable = 0x60;
  if (frame.size() <= std::size(kMagic) || std::memcmp(frame.data(), kMagic, std::size(kMagic)) != 0) {
    return invalid("the records are said to be compressed by lz4, but are no LZ4 frame");
  }
  const auto flags = std::to_integer<unsigned>(frame[std::size(kMagic)]);
  if ((flags & kVersionAndKind) == kReadable) return {};
  return invalid(fmt::format(
      "the records are an LZ4 frame that Java clients cannot read (its flags are {:#04x}); compress into independent "
      "blocks, without a dictionary",
      flags));
}

Result<void> check_kind(const RecordBatchView& batch) {
  if (batch.is_control()) return invalid("clients must not write control batches");
  if (batch.compression_bits() > static_cast<std::uint8_t>(Compression::kZstd)) {
    return fail(ErrorCode::kUnsupportedCompressionType,
                fmt::format("compression type {} is unknown", batch.compression_bits()));
  }
  if (batch.compression_bits() == static_cast<std::uint8_t>(Compression::kLz4)) {
    MILLRACE_CHECK(check_lz4(batch.bytes().subspan(batch_layout::kRecords)));
  }
  if (batch.has_delete_horizon()) return invalid("clients must not set a delete horizon");
  if (batch.timestamp_type() == TimestampType::kLogAppendTime) {
    return fail(ErrorCode::kInvalidTimestamp,
                "a producer's batch must have CreateTime timestamps; it says LogAppendTime");
  }
  if (batch.has_producer_id()) {
    if (batch.producer_id().value() < 0) return invalid("the producer id is negative");
    if (batch.producer_epoch().value() < 0) return invalid("a batch with a producer id needs a producer epoch");
    if (batch.base_sequence() < 0) return invalid("a batch with a producer id needs a sequence number");
  } else if (batch.is_transactional()) {
    return invalid("a transactional batch needs a producer id");
  }
  return {};
}

Result<void> check_time(const RecordBatchView& batch, const ProduceLimits& limits, Timestamp now) {
  if (limits.timestamp_type == TimestampType::kLogAppendTime) return {};
  const auto check = [&](Timestamp time) -> Result<void> {
    if (time == kNoTimestamp) return {};
    // Compared without differences: a hostile timestamp must not overflow.
    const auto never = std::chrono::milliseconds::max();
    const bool early = limits.timestamp_before_max != never && time < now - limits.timestamp_before_max;
    const bool late = limits.timestamp_after_max != never &&
                      now.time_since_epoch() <= never - limits.timestamp_after_max &&
                      time > now + limits.timestamp_after_max;
    if (!early && !late) return {};
    return fail(ErrorCode::kInvalidTimestamp,
                fmt::format("timestamp {} is out of the range that the topic allows around the broker's time, {}",
                            time.time_since_epoch().count(), now.time_since_epoch().count()));
  };
  MILLRACE_CHECK(check(batch.base_timestamp()));
  return check(batch.max_timestamp());
}

Result<void> check_keys(const RecordBatchView& batch, BufferPool& pool) {
  MILLRACE_TRY(cursor, batch.records(pool));
  while (cursor.next()) {
    if (cursor.record().key.is_null()) {
      return invalid(fmt::format("record {} has no key; the topic is compacted and needs one",
                                 cursor.record().offset - batch.base_offset()));
    }
  }
  return cursor.status();
}

}  // namespace

Result<RecordBatchView> check_produced_batch(Bytes bytes, const ProduceLimits& limits, Timestamp now,
                                             BufferPool& pool) {
  if (bytes.empty()) return invalid("there is no record batch");
  MILLRACE_TRY(batch, RecordBatchView::parse(bytes));
  if (batch.size() != bytes.size()) return invalid("there must be exactly one record batch for a partition");
  if (batch.size() > static_cast<std::size_t>(std::max(limits.max_message_bytes, 0))) {
    return fail(ErrorCode::kMessageTooLarge,
                fmt::format("a batch of {} bytes is larger than the topic's max.message.bytes, {}", batch.size(),
                            limits.max_message_bytes));
  }
  if (!batch.crc_matches()) {
    return fail(ErrorCode::kCorruptMessage, fmt::format("wrong checksum: the batch says {:#010x}, its bytes {:#010x}",
                                                        batch.crc(), batch.compute_crc()));
  }
  MILLRACE_CHECK(check_counts(batch));
  MILLRACE_CHECK(check_kind(batch));
  MILLRACE_CHECK(check_time(batch, limits, now));
  if (limits.keys_required) MILLRACE_CHECK(check_keys(batch, pool));
  return batch;
}

}  // namespace millrace
