#include <fmt/core.h>

#include <algorithm>

#include "base/bytes_io.h"
#include "base/files.h"
#include "log/file_cache.h"
#include "log/producer_state.h"
#include "log/segment.h"
#include "millrace/log_files.h"

namespace millrace {
namespace {

/// What a dump needs everywhere. The words of the lines are those of Kafka's DumpLogSegments.
struct Dump {
  FileSystem& files;
  BufferPool& buffers;
  DumpDetail detail;
  const DumpLine& line;
};

std::string quoted(NullableBytes bytes) {
  std::string text;
  for (const char c : bytes.text()) {
    const auto code = static_cast<unsigned char>(c);
    if (code >= 0x20 && code != 0x7f) {
      text += c;
    } else {
      text += fmt::format("\\x{:02x}", code);
    }
  }
  return text;
}

std::string_view time_word(const RecordBatchView& batch) {
  return batch.timestamp_type() == TimestampType::kLogAppendTime ? "LogAppendTime" : "CreateTime";
}

std::string batch_line(const RecordBatchView& batch, std::uint64_t position) {
  return fmt::format(
      "baseOffset: {} lastOffset: {} count: {} baseSequence: {} lastSequence: {} producerId: {} producerEpoch: {} "
      "partitionLeaderEpoch: {} isTransactional: {} isControl: {} deleteHorizonMs: {} position: {} {}: {} size: {} "
      "magic: {} "
      "compresscodec: {} crc: {} isvalid: true",
      batch.base_offset().value(), batch.last_offset().value(), batch.record_count(), batch.base_sequence(),
      batch.last_sequence(), batch.producer_id().value(), batch.producer_epoch().value(), batch.leader_epoch().value(),
      batch.is_transactional(), batch.is_control(),
      batch.has_delete_horizon() ? fmt::format("{}", batch.base_timestamp().time_since_epoch().count()) : "none",
      position, time_word(batch), batch.max_timestamp().time_since_epoch().count(), batch.size(), batch.magic(),
      name_of(batch.compression()), batch.crc());
}

Result<void> dump_records(const Dump& dump, const RecordBatchView& batch) {
  MILLRACE_TRY(cursor, batch.records(dump.buffers));
  while (cursor.next()) {
    const auto& record = cursor.record();
    std::string headers;
    for (const auto& header : headers_of(record)) headers += (headers.empty() ? "" : ",") + quoted(header.name);
    const auto size_of = [](NullableBytes bytes) {
      return bytes.is_null() ? -1 : static_cast<std::int64_t>(bytes.size());
    };
    auto text = fmt::format("| offset: {} {}: {} keySize: {} valueSize: {} headerKeys: [{}]", record.offset.value(),
                            time_word(batch), record.timestamp.time_since_epoch().count(), size_of(record.key),
                            size_of(record.value), headers);
    if (!record.key.is_null()) text += " key: " + quoted(record.key);
    if (!record.value.is_null()) text += " payload: " + quoted(record.value);
    dump.line(text);
  }
  return cursor.status();
}

Result<void> dump_segment(const Dump& dump, const Path& path, Offset base) {
  FileCache cache{dump.files, 2, OpenMode::kRead};
  Segment segment{cache, Path{folder_of(path)}, base};
  MILLRACE_CHECK(segment.load_without_indexes(dump.files));
  dump.line(fmt::format("Log starting offset: {}", base.value()));
  Result<void> records;
  const auto visit = [&](const RecordBatchView& batch, std::uint64_t position, std::size_t) {
    dump.line(batch_line(batch, position));
    if (dump.detail == DumpDetail::kRecords && records) records = dump_records(dump, batch);
  };
  MILLRACE_TRY(scanned, scan(segment, {.checksums_from = Offset{0}, .gaps_before = kEverywhere}, dump.buffers, visit));
  if (scanned.damage) {
    return fail(ErrorCode::kCorruptLog,
                fmt::format("{}: {} at byte {}; {} bytes follow it", path, scanned.damage->reason,
                            scanned.damage->position, segment.size() - scanned.damage->position));
  }
  if (!records) return std::unexpected(std::move(records).error().in(path));
  return {};
}

template <class Entry, class Print>
Result<void> dump_index(const Dump& dump, const Path& path, Print print) {
  MILLRACE_TRY(content, read_file(dump.files, path));
  if (content.size() % Entry::kBytes != 0) {
    return fail(ErrorCode::kCorruptLog,
                fmt::format("{}: its size, {}, is not a multiple of {}", path, content.size(), Entry::kBytes));
  }
  const auto bytes = as_bytes(content);
  for (std::size_t at = 0; at < bytes.size(); at += Entry::kBytes) print(Entry::load(&bytes[at]));
  return {};
}

Result<void> dump_snapshot(const Dump& dump, const Path& path) {
  MILLRACE_TRY(content, read_file(dump.files, path));
  ProducerState state;
  if (auto decoded = state.decode(as_bytes(content)); !decoded) {
    return fail(ErrorCode::kCorruptLog, path + ": " + decoded.error().message());
  }
  ByteReader reader{as_bytes(content).subspan(10)};
  for (std::size_t i = 0; i < state.size(); ++i) {
    const auto id = reader.read<std::int64_t>();
    const auto epoch = reader.read<std::int16_t>();
    const auto last_sequence = reader.read<std::int32_t>();
    const auto last_offset = reader.read<std::int64_t>();
    const auto offset_delta = reader.read<std::int32_t>();
    const auto timestamp = reader.read<std::int64_t>();
    const auto coordinator_epoch = reader.read<std::int32_t>();
    const auto transaction = reader.read<std::int64_t>();
    dump.line(fmt::format(
        "producerId: {} producerEpoch: {} lastSequence: {} lastOffset: {} offsetDelta: {} lastTimestamp: {} "
        "coordinatorEpoch: {} currentTxnFirstOffset: {}",
        id, epoch, last_sequence, last_offset, offset_delta, timestamp, coordinator_epoch,
        transaction < 0 ? "None" : fmt::format("{}", transaction)));
  }
  return {};
}

/// Whether the file is one of a log; then it is dumped.
Result<bool> dump_file(const Dump& dump, const Path& path) {
  const auto name = file_name(path);
  const auto done = [](Result<void> result) -> Result<bool> {
    if (!result) return std::unexpected(std::move(result).error());
    return true;
  };
  const auto say = [&] { dump.line(fmt::format("Dumping {}", path)); };
  if (const auto base = offset_of_file(name, ".log")) {
    say();
    return done(dump_segment(dump, path, *base));
  }
  if (const auto base = offset_of_file(name, ".index")) {
    say();
    return done(dump_index<OffsetIndexEntry>(dump, path, [&](OffsetIndexEntry entry) {
      dump.line(fmt::format("offset: {} position: {}", base->value() + entry.relative_offset, entry.position));
    }));
  }
  if (const auto base = offset_of_file(name, ".timeindex")) {
    say();
    return done(dump_index<TimeIndexEntry>(dump, path, [&](TimeIndexEntry entry) {
      dump.line(fmt::format("timestamp: {} offset: {}", entry.timestamp, base->value() + entry.relative_offset));
    }));
  }
  if (offset_of_file(name, ".txnindex")) {
    say();
    return done(dump_index<TransactionIndexEntry>(dump, path, [&](const TransactionIndexEntry& entry) {
      dump.line(fmt::format("producerId: {} firstOffset: {} lastOffset: {} lastStableOffset: {}",
                            entry.producer.value(), entry.first.value(), entry.last.value(),
                            entry.last_stable.value()));
    }));
  }
  if (offset_of_file(name, ".snapshot")) {
    say();
    return done(dump_snapshot(dump, path));
  }
  return false;
}

}  // namespace

Result<void> dump_log(const std::string& path, DumpDetail detail, const DumpLine& line) {
  PosixFileSystem files;
  BufferPool buffers;
  const Dump dump{files, buffers, detail, line};
  MILLRACE_TRY(info, files.info(path));
  const auto nothing = [&] {
    return fail(
        ErrorCode::kInvalidArgument,
        path +
            " is no part of a log; give a partition's folder, or a .log, .index, .timeindex, .txnindex or .snapshot "
            "file of one");
  };
  if (!info.is_directory) {
    MILLRACE_TRY(known, dump_file(dump, path));
    if (!known) return nothing();
    return {};
  }
  MILLRACE_TRY(entries, files.list(path));
  bool any = false;
  for (const auto& entry : entries) {
    if (entry.is_directory) continue;
    MILLRACE_TRY(known, dump_file(dump, join(path, entry.name)));
    any |= known;
  }
  if (!any) return nothing();
  return {};
}

}  // namespace millrace
