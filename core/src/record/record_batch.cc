#include "record/record_batch.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/crc32c.h"

namespace millrace {
namespace {

namespace layout = batch_layout;

// What follows the length field of a batch that has no records.

/// A place in a record's bytes; any read that does not fit makes it fail.
struct Scan {
  const std::byte* at;
  const std::byte* end;
  bool ok = true;

  std::int64_t zigzag(unsigned bits) {
    const auto found = get_varint(at, end, bits);
    if (found.next == nullptr) [[unlikely]] {
      ok = false;
      return 0;
    }
    at = found.next;
    return unzigzag(found.value);
  }
  NullableBytes nullable() {
    const auto size = zigzag(32);
    if (size == -1) return nullptr;
    if (size < 0 || size > end - at) [[unlikely]] {
      ok = false;
      return nullptr;
    }
    const Bytes bytes{at, static_cast<std::size_t>(size)};
    at += size;
    return bytes;
  }
};

}  // namespace

bool RecordCursor::stop(const char* problem) {
  status_ = fail(ErrorCode::kCorruptMessage,
                 fmt::format("record {} of the batch at offset {}: {}", index_, base_offset_, problem));
  index_ = count_;
  next_ = end_;
  return false;
}

bool RecordCursor::next() {
  if (index_ >= count_) {
    if (next_ != end_ && status_) (void)stop("there are bytes after the last record");
    return false;
  }
  Scan scan{next_, end_};
  const auto size = scan.zigzag(32);
  if (!scan.ok || size < 0 || size > scan.end - scan.at) [[unlikely]]
    return stop("its length does not fit");
  const auto* const record_end = scan.at + size;
  scan.end = record_end;
  if (size == 0) [[unlikely]]
    return stop("it is empty");
  ++scan.at;  // attributes: none are in use
  const auto time_delta = scan.zigzag(64);
  const auto offset_delta = scan.zigzag(32);
  record_.key = scan.nullable();
  record_.value = scan.nullable();
  const auto* const headers = scan.at;
  const auto header_count = scan.zigzag(32);
  if (!scan.ok || header_count < 0) [[unlikely]]
    return stop("its fields do not fit its length");
  if (header_count == 0) {
    record_.raw_headers = {};
  } else {
    for (std::int64_t i = 0; scan.ok && i < header_count; ++i) {
      if (scan.nullable().is_null()) scan.ok = false;
      (void)scan.nullable();
    }
    if (!scan.ok) [[unlikely]]
      return stop("its headers do not fit its length");
    record_.raw_headers = {headers, record_end};
  }
  if (scan.at != record_end) [[unlikely]]
    return stop("its fields are shorter than its length");
  if (offset_delta <= previous_delta_ || offset_delta > last_delta_) [[unlikely]]
    return stop("its offset is out of order");
  previous_delta_ = static_cast<std::int32_t>(offset_delta);
  record_.offset = Offset{base_offset_ + offset_delta};
  if (!append_time_) {
    // Unsigned: a hostile delta must not overflow.
    const auto time = static_cast<std::uint64_t>(base_timestamp_) + static_cast<std::uint64_t>(time_delta);
    record_.timestamp = Timestamp{std::chrono::milliseconds{static_cast<std::int64_t>(time)}};
  }
  begin_ = next_;
  next_ = record_end;
  ++index_;
  return true;
}

Result<RecordBatchView> RecordBatchView::parse(Bytes bytes) {
  const auto damaged = [](std::string problem) { return fail(ErrorCode::kCorruptMessage, std::move(problem)); };
  if (bytes.size() <= layout::kMagic) return damaged(fmt::format("a batch cannot be {} bytes long", bytes.size()));
  const auto length = load_be<std::int32_t>(bytes.data() + layout::kLength);
  const auto magic = load_be<std::int8_t>(bytes.data() + layout::kMagic);
  if (magic == 0 || magic == 1) {
    return fail(ErrorCode::kUnsupportedForMessageFormat,
                fmt::format("message format {} is not supported; send record batches of format 2 (Kafka 0.11 or later)",
                            magic));
  }
  if (magic != 2) return damaged(fmt::format("unknown message format {}", magic));
  if (length < layout::kSmallestLength) return damaged(fmt::format("a batch length of {} is too small", length));
  const auto size = layout::kLogOverhead + static_cast<std::size_t>(length);
  if (bytes.size() < size) return damaged(fmt::format("a batch of {} bytes is cut off after {}", size, bytes.size()));
  return RecordBatchView{bytes.first(size)};
}

std::int32_t RecordBatchView::last_sequence() const {
  if (base_sequence() < 0) return base_sequence();
  const auto last = static_cast<std::int64_t>(base_sequence()) + last_offset_delta();
  return static_cast<std::int32_t>(last & INT32_MAX);
}

std::uint32_t RecordBatchView::compute_crc() const { return crc32c(bytes_.subspan(layout::kAttributes)); }

Result<RecordCursor> RecordBatchView::records(BufferPool& pool, std::size_t max_unpacked) const {
  RecordCursor cursor;
  Bytes packed = bytes_.subspan(layout::kRecords);
  if (compression_bits() != 0) {
    MILLRACE_TRY(unpacked, decompress(compression(), packed, max_unpacked, pool));
    cursor.unpacked_ = std::move(unpacked.buffer);
    packed = unpacked.bytes;
  }
  cursor.next_ = packed.data();
  cursor.end_ = packed.data() + packed.size();
  cursor.base_offset_ = base_offset().value();
  cursor.base_timestamp_ = get<std::int64_t>(layout::kBaseTimestamp);
  cursor.count_ = record_count();
  cursor.last_delta_ = last_offset_delta();
  cursor.append_time_ = timestamp_type() == TimestampType::kLogAppendTime;
  if (cursor.append_time_) cursor.record_.timestamp = max_timestamp();
  return cursor;
}

bool BatchCursor::next() {
  if (!status_) return false;
  const auto rest = bytes_.subspan(used_);
  if (rest.size() <= layout::kMagic) return false;
  const auto length = load_be<std::int32_t>(rest.data() + layout::kLength);
  const auto magic = load_be<std::int8_t>(rest.data() + layout::kMagic);
  const bool cut_off = magic == 2 && length >= layout::kSmallestLength &&
                       rest.size() < layout::kLogOverhead + static_cast<std::size_t>(length);
  if (cut_off) return false;
  auto parsed = RecordBatchView::parse(rest);
  if (!parsed) {
    status_ = std::unexpected(std::move(parsed).error());
    return false;
  }
  batch_ = *parsed;
  used_ += batch_.size();
  return true;
}

void stamp(MutableBytes batch, Offset base_offset, LeaderEpoch epoch) {
  store_be<std::int64_t>(batch.data() + layout::kBaseOffset, base_offset.value());
  store_be<std::int32_t>(batch.data() + layout::kLeaderEpoch, epoch.value());
}

void stamp_append_time(MutableBytes batch, Timestamp time) {
  const auto view = RecordBatchView::trusted(batch);
  store_be<std::int16_t>(batch.data() + layout::kAttributes, static_cast<std::int16_t>(view.attributes() | 8));
  store_be<std::int64_t>(batch.data() + layout::kMaxTimestamp, time.time_since_epoch().count());
  store_be<std::uint32_t>(batch.data() + layout::kCrc, view.compute_crc());
}

Result<std::vector<Header>> parse_headers(Bytes raw_headers) {
  std::vector<Header> headers;
  if (raw_headers.empty()) return headers;
  Scan scan{raw_headers.data(), raw_headers.data() + raw_headers.size()};
  const auto count = scan.zigzag(32);
  for (std::int64_t i = 0; scan.ok && i < count; ++i) {
    const auto name = scan.nullable();
    const auto value = scan.nullable();
    if (name.is_null()) scan.ok = false;
    headers.push_back({name.text(), value});
  }
  if (!scan.ok || scan.at != scan.end) return fail(ErrorCode::kCorruptMessage, "the headers of a record are damaged");
  return headers;
}

std::vector<Header> headers_of(const RecordView& record) {
  // The cursor that gave the record has looked at them.
  return parse_headers(record.raw_headers).value_or(std::vector<Header>{});
}

}  // namespace millrace
