#include "record/record_batch_builder.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/varint.h"

namespace millrace {
namespace {

std::byte* put_zigzag(std::byte* out, std::int64_t value) { return put_varint(out, zigzag(value)); }

/// A length (-1 for absent) and the bytes.
std::byte* put_nullable(std::byte* out, NullableBytes bytes) {
  out = put_zigzag(out, bytes.is_null() ? -1 : static_cast<std::int64_t>(bytes.size()));
  if (bytes.size() != 0) std::memcpy(out, bytes.bytes().data(), bytes.size());
  return out + bytes.size();
}

std::size_t size_of_zigzag(std::int64_t value) { return varint_size(zigzag(value)); }
std::size_t size_of_nullable(NullableBytes bytes) {
  return size_of_zigzag(bytes.is_null() ? -1 : static_cast<std::int64_t>(bytes.size())) + bytes.size();
}

std::size_t size_of(std::span<const Header> headers) {
  auto size = size_of_zigzag(static_cast<std::int64_t>(headers.size()));
  for (const auto& header : headers) size += size_of_nullable(header.name) + size_of_nullable(header.value);
  return size;
}

std::byte* put_headers(std::byte* out, std::span<const Header> headers) {
  out = put_zigzag(out, static_cast<std::int64_t>(headers.size()));
  for (const auto& header : headers) out = put_nullable(put_nullable(out, header.name), header.value);
  return out;
}

}  // namespace

RecordBatchBuilder::RecordBatchBuilder(BufferPool& pool, std::size_t max_bytes, BatchAttributes attributes)
    : pool_(&pool), max_bytes_(max_bytes), attributes_(attributes) {}

bool RecordBatchBuilder::make_room(std::size_t size) {
  const auto needed = used_ + size;
  if (count_ > 0 && (needed > max_bytes_ || count_ == INT32_MAX)) return false;
  if (needed <= buffer_.capacity()) return true;
  // The first buffer of a batch is as large as the batch before needed.
  const auto wanted = count_ == 0 ? last_size_ : buffer_.capacity() * 2;
  auto larger = pool_->take(std::max(needed, std::min(wanted, max_bytes_)));
  if (count_ > 0) std::memcpy(larger.data(), buffer_.data(), used_);
  buffer_ = std::move(larger);
  return true;
}

// A record: length, attributes (0), timestamp delta, offset delta, key, value, headers; all lengths and deltas zigzag.
template <class WriteHeaders>
bool RecordBatchBuilder::append(Timestamp timestamp, NullableBytes key, NullableBytes value, std::size_t headers_size,
                                WriteHeaders write_headers) {
  const auto time = timestamp.time_since_epoch().count();
  const auto base = count_ == 0 ? time : base_timestamp_;
  // The length comes first and has a size of its own. It is left room for by what the record can be at most, which is
  // nearly always right; else the record moves.
  constexpr std::size_t kMostBeside = 1 + kMaxVarint64Bytes + 3 * kMaxVarint32Bytes;
  const auto bound = kMostBeside + key.size() + value.size() + headers_size;
  if (bound > INT32_MAX || !make_room(kMaxVarint32Bytes + bound)) return false;
  auto* const begin = buffer_.data() + used_;
  auto* const body = begin + size_of_zigzag(static_cast<std::int64_t>(bound));
  auto* out = body;
  *out++ = std::byte{0};
  out = put_zigzag(put_zigzag(out, time - base), count_);
  out = write_headers(put_nullable(put_nullable(out, key), value));
  const auto size = out - body;
  auto* const after_length = put_zigzag(begin, size);
  if (after_length != body) [[unlikely]] {
    std::memmove(after_length, body, static_cast<std::size_t>(size));
    out = after_length + size;
  }
  used_ = static_cast<std::size_t>(out - buffer_.data());
  base_timestamp_ = base;
  max_timestamp_ = count_ == 0 ? time : std::max(max_timestamp_, time);
  ++count_;
  return true;
}

bool RecordBatchBuilder::try_append(Timestamp timestamp, NullableBytes key, NullableBytes value,
                                    std::span<const Header> headers) {
  if (headers.empty()) return try_append_raw(timestamp, key, value, {});
  return append(timestamp, key, value, size_of(headers),
                [headers](std::byte* out) { return put_headers(out, headers); });
}

bool RecordBatchBuilder::try_append_raw(Timestamp timestamp, NullableBytes key, NullableBytes value,
                                        Bytes raw_headers) {
  if (raw_headers.empty()) {
    return append(timestamp, key, value, 1, [](std::byte* out) {
      *out = std::byte{0};
      return out + 1;
    });
  }
  return append(timestamp, key, value, raw_headers.size(), [raw_headers](std::byte* out) {
    std::memcpy(out, raw_headers.data(), raw_headers.size());
    return out + raw_headers.size();
  });
}

Result<PooledBytes> RecordBatchBuilder::finish(const BatchProducer& producer, Offset base_offset, LeaderEpoch epoch) {
  namespace layout = batch_layout;
  MILLRACE_ASSERT(count_ > 0);
  PooledBytes batch{buffer_, buffer_.bytes().first(used_)};
  if (attributes_.compression != Compression::kNone) {
    MILLRACE_TRY(packed, compress(attributes_.compression, batch.bytes.subspan(layout::kRecords), attributes_.level,
                                  layout::kRecords, *pool_));
    batch = {packed.buffer, packed.buffer.bytes().first(layout::kRecords + packed.bytes.size())};
  }
  const auto attributes = static_cast<int>(attributes_.compression) |
                          (static_cast<int>(attributes_.timestamp_type) << 3) | (attributes_.transactional ? 0x10 : 0) |
                          (attributes_.control ? 0x20 : 0);
  auto* header = batch.bytes.data();
  store_be<std::int64_t>(header + layout::kBaseOffset, base_offset.value());
  store_be<std::int32_t>(header + layout::kLength,
                         static_cast<std::int32_t>(batch.bytes.size() - layout::kLogOverhead));
  store_be<std::int32_t>(header + layout::kLeaderEpoch, epoch.value());
  store_be<std::int8_t>(header + layout::kMagic, 2);
  store_be<std::int16_t>(header + layout::kAttributes, static_cast<std::int16_t>(attributes));
  store_be<std::int32_t>(header + layout::kLastOffsetDelta, count_ - 1);
  store_be<std::int64_t>(header + layout::kBaseTimestamp, base_timestamp_);
  store_be<std::int64_t>(header + layout::kMaxTimestamp, max_timestamp_);
  store_be<std::int64_t>(header + layout::kProducerId, producer.id.value());
  store_be<std::int16_t>(header + layout::kProducerEpoch, producer.epoch.value());
  store_be<std::int32_t>(header + layout::kBaseSequence, producer.base_sequence);
  store_be<std::int32_t>(header + layout::kRecordCount, count_);
  store_be<std::uint32_t>(header + layout::kCrc, RecordBatchView::trusted(batch.bytes).compute_crc());
  // The buffer is the batch's now.
  buffer_ = {};
  last_size_ = used_;
  used_ = layout::kRecords;
  count_ = 0;
  return batch;
}

}  // namespace millrace
