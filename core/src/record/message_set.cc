#include "record/message_set.h"

#include <zlib.h>

#include "record/record_batch.h"

namespace millrace {
namespace {

constexpr std::size_t kOffsetAndSize = 12;
constexpr std::size_t kCrc = 4;
constexpr std::int8_t kAppendTimeBit = 0x08;

std::size_t size_of(const RecordView& record, MessageFormat format) {
  const std::size_t timestamp = format == MessageFormat::kMagic1 ? sizeof(std::int64_t) : 0;
  return kOffsetAndSize + kCrc + 2 + timestamp + 4 + record.key.size() + 4 + record.value.size();
}

void write_nullable(ByteWriter& out, const NullableBytes& bytes) {
  out.write<std::int32_t>(bytes.is_null() ? -1 : static_cast<std::int32_t>(bytes.size()));
  out.write_bytes(bytes.bytes());
}

void write_message(ByteWriter& out, const RecordView& record, MessageFormat format, TimestampType type) {
  out.write<std::int64_t>(record.offset.value());
  out.write<std::int32_t>(static_cast<std::int32_t>(size_of(record, format) - kOffsetAndSize));
  const auto crc_at = out.size();
  out.write<std::uint32_t>(0);
  out.write<std::int8_t>(static_cast<std::int8_t>(format));
  const bool append_time = format == MessageFormat::kMagic1 && type == TimestampType::kLogAppendTime;
  out.write<std::int8_t>(append_time ? kAppendTimeBit : std::int8_t{0});
  if (format == MessageFormat::kMagic1) out.write<std::int64_t>(record.timestamp.time_since_epoch().count());
  write_nullable(out, record.key);
  write_nullable(out, record.value);
  const auto covered = out.bytes().subspan(crc_at + kCrc);
  const auto crc = ::crc32(0, reinterpret_cast<const Bytef*>(covered.data()), static_cast<uInt>(covered.size()));
  out.patch<std::uint32_t>(crc_at, static_cast<std::uint32_t>(crc));
}

}  // namespace

Result<std::vector<std::byte>> to_message_set(Bytes batches, MessageFormat format, std::size_t max_bytes,
                                              BufferPool& pool) {
  ByteWriter out;
  BatchCursor cursor{batches};
  while (cursor.next()) {
    const auto& batch = cursor.batch();
    if (batch.is_control()) continue;
    MILLRACE_TRY(records, batch.records(pool, max_bytes));
    while (records.next()) {
      if (out.size() + size_of(records.record(), format) > max_bytes) {
        return fail(ErrorCode::kMessageTooLarge, "records are larger than may be converted for an old client");
      }
      write_message(out, records.record(), format, batch.timestamp_type());
    }
    MILLRACE_CHECK(records.status());
  }
  MILLRACE_CHECK(cursor.status());
  return out.take();
}

}  // namespace millrace
