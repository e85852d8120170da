#include "record/batch_filter.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/varint.h"

namespace millrace {
namespace {

namespace layout = batch_layout;

constexpr std::int16_t kCodecBits = 0x07;
constexpr std::int16_t kHorizonBit = 0x40;

struct KeptRecord {
  Bytes raw;
  Timestamp time;
};

/// Writes the length and the CRC, last of all.
void seal(MutableBytes batch) {
  store_be<std::int32_t>(batch.data() + layout::kLength,
                         static_cast<std::int32_t>(batch.size() - layout::kLogOverhead));
  store_be<std::uint32_t>(batch.data() + layout::kCrc, RecordBatchView::trusted(batch).compute_crc());
}

/// A batch with the header of `like` and these records, not yet sealed.
Result<PooledBytes> with_records(const RecordBatchView& like, Bytes plain, Compression compression, int level,
                                 BufferPool& pool) {
  PooledBytes batch;
  if (compression == Compression::kNone) {
    batch.buffer = pool.take(layout::kRecords + plain.size());
    batch.bytes = batch.buffer.bytes().first(layout::kRecords + plain.size());
    if (!plain.empty()) std::memcpy(batch.bytes.data() + layout::kRecords, plain.data(), plain.size());
  } else {
    MILLRACE_TRY(packed, compress(compression, plain, level, layout::kRecords, pool));
    batch = {packed.buffer, packed.buffer.bytes().first(layout::kRecords + packed.bytes.size())};
  }
  std::memcpy(batch.bytes.data(), like.bytes().data(), layout::kRecords);
  const auto attributes = static_cast<std::int16_t>((like.attributes() & ~kCodecBits) | static_cast<int>(compression));
  store_be<std::int16_t>(batch.bytes.data() + layout::kAttributes, attributes);
  return batch;
}

/// Appends the record with its time counted from another one.
void put_record(const KeptRecord& record, Timestamp base, ByteWriter& out) {
  ByteReader reader{record.raw};
  (void)reader.read_zigzag();  // length
  const auto attributes = reader.read_bytes(1);
  (void)reader.read_zigzag_long();  // time
  const auto rest = record.raw.subspan(reader.position());
  const auto delta = zigzag((record.time - base).count());
  out.write_zigzag(static_cast<std::int32_t>(1 + varint_size(delta) + rest.size()));
  out.write_bytes(attributes);
  out.write_varint(delta);
  out.write_bytes(rest);
}

PooledBytes empty_batch(const RecordBatchView& batch, BufferPool& pool) {
  PooledBytes empty{pool.take(layout::kRecords), {}};
  empty.bytes = empty.buffer.bytes().first(layout::kRecords);
  auto* const header = empty.bytes.data();
  std::memcpy(header, batch.bytes().data(), layout::kRecords);
  const auto attributes = static_cast<std::int16_t>(batch.attributes() & ~(kCodecBits | kHorizonBit));
  store_be<std::int16_t>(header + layout::kAttributes, attributes);
  store_be<std::int64_t>(header + layout::kBaseTimestamp, kNoTimestamp.time_since_epoch().count());
  store_be<std::int32_t>(header + layout::kRecordCount, 0);
  seal(empty.bytes);
  return empty;
}

}  // namespace

Result<FilteredBatch> filter_batch(const RecordBatchView& batch, const BatchFilter& filter, BufferPool& pool) {
  std::vector<KeptRecord> kept;
  kept.reserve(static_cast<std::size_t>(std::clamp(batch.record_count(), 0, 1024)));
  std::size_t bytes = 0;
  bool tombstones = false;
  auto largest = kNoTimestamp;
  MILLRACE_TRY(cursor, batch.records(pool));
  while (cursor.next()) {
    const auto& record = cursor.record();
    if (!filter.keep(record)) continue;
    kept.push_back({cursor.raw(), record.timestamp});
    bytes += cursor.raw().size();
    tombstones = tombstones || record.value.is_null();
    largest = std::max(largest, record.timestamp);
  }
  MILLRACE_CHECK(cursor.status());

  FilteredBatch result;
  result.records = static_cast<std::int32_t>(kept.size());
  if (kept.empty()) {
    if (filter.when_empty == EmptyBatch::kDrop) {
      result.outcome = FilteredBatch::Outcome::kDropped;
    } else if (batch.record_count() > 0) {
      result.outcome = FilteredBatch::Outcome::kRewritten;
      result.rewritten = empty_batch(batch, pool);
    }
    return result;
  }
  const bool new_horizon = !batch.has_delete_horizon() && (tombstones || filter.horizon_for == HorizonFor::kAll);
  if (!new_horizon && result.records == batch.record_count()) return result;

  ByteWriter plain;
  plain.reserve(bytes + (new_horizon ? kept.size() * kMaxVarint64Bytes : 0));
  for (const auto& record : kept) {
    if (new_horizon) {
      put_record(record, filter.horizon, plain);
    } else {
      plain.write_bytes(record.raw);
    }
  }
  MILLRACE_TRY(rewritten, with_records(batch, plain.bytes(), batch.compression(), kDefaultLevel, pool));
  auto* const header = rewritten.bytes.data();
  store_be<std::int32_t>(header + layout::kRecordCount, result.records);
  if (batch.timestamp_type() == TimestampType::kCreateTime) {
    store_be<std::int64_t>(header + layout::kMaxTimestamp, largest.time_since_epoch().count());
  }
  if (new_horizon) {
    const auto attributes = load_be<std::int16_t>(header + layout::kAttributes);
    store_be<std::int16_t>(header + layout::kAttributes, static_cast<std::int16_t>(attributes | kHorizonBit));
    store_be<std::int64_t>(header + layout::kBaseTimestamp, filter.horizon.time_since_epoch().count());
  }
  seal(rewritten.bytes);
  result.outcome = FilteredBatch::Outcome::kRewritten;
  result.rewritten = std::move(rewritten);
  return result;
}

Result<PooledBytes> recompress_batch(const RecordBatchView& batch, Compression compression, int level,
                                     BufferPool& pool) {
  // Nobody has looked into what came packed.
  MILLRACE_TRY(cursor, batch.records(pool));
  Bytes plain;
  while (cursor.next()) {
    const auto* const begin = plain.empty() ? cursor.raw().data() : plain.data();
    plain = Bytes{begin, cursor.raw().data() + cursor.raw().size()};
  }
  MILLRACE_CHECK(cursor.status());
  MILLRACE_TRY(packed, with_records(batch, plain, compression, level, pool));
  seal(packed.bytes);
  return packed;
}

}  // namespace millrace
