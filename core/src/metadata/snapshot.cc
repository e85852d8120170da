#include "metadata/snapshot.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <vector>

#include "base/bytes_io.h"
#include "metadata/metadata_delta.h"
#include "record/record_batch_builder.h"

namespace millrace {
namespace {

constexpr std::string_view kSuffix = ".checkpoint";
constexpr std::size_t kOffsetDigits = 20;
constexpr std::size_t kEpochDigits = 10;
constexpr std::size_t kBatchBytes = 1U << 20;

// Kinds of control records (Kafka's ControlRecordType) and the only version of what they hold.
constexpr std::int16_t kHeader = 3;
constexpr std::int16_t kFooter = 4;
constexpr std::int16_t kVersion = 0;

std::optional<SnapshotId> parse_name(std::string_view name) {
  if (!name.ends_with(kSuffix)) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  if (name.size() != kOffsetDigits + 1 + kEpochDigits || name[kOffsetDigits] != '-') return std::nullopt;
  std::int64_t end = 0;
  std::int32_t epoch = 0;
  const auto* text = name.data();
  const bool numbers = std::from_chars(text, text + kOffsetDigits, end).ec == std::errc{} &&
                       std::from_chars(text + kOffsetDigits + 1, text + name.size(), epoch).ec == std::errc{};
  if (!numbers) return std::nullopt;
  return SnapshotId{Offset{end}, LeaderEpoch{epoch}};
}

Result<std::vector<SnapshotId>> list_snapshots(FileSystem& files, const Path& directory) {
  MILLRACE_TRY(entries, files.list(directory));
  std::vector<SnapshotId> found;
  for (const auto& entry : entries) {
    if (const auto id = parse_name(entry.name)) found.push_back(*id);
  }
  return found;  // sorted by name, so by offset
}

/// Collects batches behind one another.
class SnapshotWriter {
 public:
  SnapshotWriter(BufferPool& buffers, LeaderEpoch epoch, Timestamp now)
      : buffers_(buffers), epoch_(epoch), now_(now), builder_(buffers, kBatchBytes) {}

  Result<void> control(std::int16_t kind, Bytes value) {
    MILLRACE_CHECK(end_batch());
    ByteWriter key;
    key.write<std::int16_t>(kVersion);
    key.write<std::int16_t>(kind);
    RecordBatchBuilder control{buffers_, kBatchBytes, {.control = true}};
    const auto key_bytes = key.take();
    (void)control.try_append(now_, Bytes{key_bytes}, value);  // An empty batch takes any record.
    return finish(control);
  }

  Result<void> record(const MetadataRecord& record) {
    const auto value = protocol::encode_metadata_record(record);
    if (builder_.try_append(now_, nullptr, Bytes{value})) return {};
    MILLRACE_CHECK(end_batch());
    (void)builder_.try_append(now_, nullptr, Bytes{value});
    return {};
  }

  [[nodiscard]] Bytes bytes() const { return bytes_; }

 private:
  Result<void> end_batch() { return builder_.empty() ? Result<void>{} : finish(builder_); }

  Result<void> finish(RecordBatchBuilder& builder) {
    const auto count = builder.count();
    MILLRACE_TRY(batch, builder.finish({}, next_, epoch_));
    next_ += count;
    bytes_.insert(bytes_.end(), batch.bytes.begin(), batch.bytes.end());
    return {};
  }

  BufferPool& buffers_;
  const LeaderEpoch epoch_;
  const Timestamp now_;
  RecordBatchBuilder builder_;
  Offset next_{0};
  std::vector<std::byte> bytes_;
};

/// What lies in the file, with the footer seen: a file without one was not written to its end.
Result<MetadataRecords> read_records(Bytes bytes, BufferPool& buffers) {
  MetadataRecords records;
  bool complete = false;
  BatchCursor batches{bytes};
  while (batches.next()) {
    const auto& batch = batches.batch();
    if (!batch.crc_matches())
      return fail(ErrorCode::kCorruptLog, fmt::format("wrong checksum at byte {}", batches.used()));
    MILLRACE_TRY(cursor, batch.records(buffers));
    while (cursor.next()) {
      if (batch.is_control()) {
        ByteReader key{cursor.record().key.bytes()};
        key.skip(sizeof(std::int16_t));
        complete = key.read<std::int16_t>() == kFooter;
        continue;
      }
      MILLRACE_TRY(record, protocol::decode_metadata_record(cursor.record().value.bytes()));
      records.push_back(std::move(record));
    }
    MILLRACE_CHECK(cursor.status());
  }
  MILLRACE_CHECK(batches.status());
  if (!complete || batches.used() != bytes.size()) return fail(ErrorCode::kCorruptLog, "it has no end");
  return records;
}

}  // namespace

std::string SnapshotId::file_name() const {
  return fmt::format("{:0{}}-{:0{}}{}", end.value(), kOffsetDigits, epoch.value(), kEpochDigits, kSuffix);
}

Result<void> write_snapshot(FileSystem& files, const Path& directory, const MetadataImage& image, LeaderEpoch epoch,
                            Timestamp now, BufferPool& buffers) {
  SnapshotWriter writer{buffers, epoch, now};
  ByteWriter header;
  header.write<std::int16_t>(kVersion);
  header.write<std::int64_t>(now.time_since_epoch().count());
  header.write_varint(0);
  MILLRACE_CHECK(writer.control(kHeader, header.take()));
  for (const auto& record : records_of(image)) MILLRACE_CHECK(writer.record(record));
  ByteWriter footer;
  footer.write<std::int16_t>(kVersion);
  footer.write_varint(0);
  MILLRACE_CHECK(writer.control(kFooter, footer.take()));

  const SnapshotId id{image.last_offset + 1, epoch};
  MILLRACE_CHECK(replace_file(files, join(directory, id.file_name()), writer.bytes()));
  MILLRACE_TRY(found, list_snapshots(files, directory));
  for (const auto& older : found) {
    if (older.end < id.end) MILLRACE_CHECK(files.remove(join(directory, older.file_name())));
  }
  return {};
}

Result<std::shared_ptr<const MetadataImage>> read_newest_snapshot(FileSystem& files, const Path& directory,
                                                                  const std::string& cluster_id, BufferPool& buffers) {
  MILLRACE_TRY(found, list_snapshots(files, directory));
  if (found.empty()) return nullptr;
  const auto path = join(directory, found.back().file_name());
  MILLRACE_TRY(text, read_file(files, path));
  auto records = read_records(as_bytes(text), buffers);
  if (!records) {
    return fail(ErrorCode::kCorruptLog,
                fmt::format("the metadata snapshot {} is damaged: {}", path, records.error().message()));
  }
  MetadataImage empty;
  empty.cluster_id = cluster_id;
  return apply_records(empty, *records, found.back().end + -1);
}

}  // namespace millrace
