#include "log/durable_positions.h"

#include <cstring>

#include "base/bytes_io.h"
#include "base/crc32c.h"
#include "log/data_folder.h"

namespace millrace {
namespace {

constexpr std::uint64_t kRewriteAfter = 4 << 20;
constexpr std::size_t kFixedBytes = 4 + 2 + 16 + 8 + 8 + 8;

void write_entry(ByteWriter& writer, const DurablePositions::Key& key, const DurablePosition& at) {
  const auto begin = writer.size();
  writer.write<std::uint32_t>(0);
  writer.write<std::uint16_t>(static_cast<std::uint16_t>(key.name.size()));
  writer.write_bytes(std::as_bytes(std::span{key.id.bytes}));
  writer.write<std::int64_t>(at.offset.value());
  writer.write<std::int64_t>(at.segment.value());
  writer.write<std::uint64_t>(at.position);
  writer.write_text(key.name);
  writer.patch<std::uint32_t>(begin, crc32c(writer.bytes().subspan(begin + 4)));
}

}  // namespace

void DurablePositions::load(Bytes bytes) {
  while (bytes.size() >= kFixedBytes) {
    ByteReader reader{bytes};
    const auto crc = reader.read<std::uint32_t>();
    const auto name_size = reader.read<std::uint16_t>();
    if (bytes.size() < kFixedBytes + name_size) return;
    const auto entry = bytes.first(kFixedBytes + name_size);
    if (crc32c(entry.subspan(4)) != crc) return;
    Key key;
    std::memcpy(key.id.bytes.data(), reader.read_bytes(16).data(), 16);
    DurablePosition at;
    at.offset = Offset{reader.read<std::int64_t>()};
    at.segment = Offset{reader.read<std::int64_t>()};
    at.position = reader.read<std::uint64_t>();
    key.name = as_text(reader.read_bytes(name_size));
    positions_[std::move(key)] = at;
    bytes = bytes.subspan(entry.size());
  }
}

Result<std::unique_ptr<DurablePositions>> DurablePositions::read(FileSystem& files, Path path) {
  std::unique_ptr<DurablePositions> positions{new DurablePositions{files, std::move(path)}};
  const auto content = read_file(files, positions->path_);
  if (content) {
    positions->existed_ = true;
    positions->load(as_bytes(*content));
  } else if (content.error().code() != ErrorCode::kNotFound) {
    return std::unexpected(content.error());
  }
  return positions;
}

Result<std::unique_ptr<DurablePositions>> DurablePositions::open(FileSystem& files, Path path) {
  MILLRACE_TRY(positions, read(files, std::move(path)));
  // Also drops what a crash may have torn at the end.
  MILLRACE_CHECK(positions->rewrite());
  return positions;
}

DurablePosition DurablePositions::find(const Key& key) const {
  const std::lock_guard lock{mutex_};
  const auto found = positions_.find(key);
  return found == positions_.end() ? DurablePosition{} : found->second;
}

Result<void> DurablePositions::add(std::span<const Update> updates) {
  const std::lock_guard lock{mutex_};
  ByteWriter writer;
  for (const auto& [key, at] : updates) {
    positions_[key] = at;
    write_entry(writer, key, at);
  }
  if (!file_ || size_ + writer.size() > size_after_rewrite_ * 2 + kRewriteAfter) return rewrite();
  MILLRACE_CHECK(file_->write(size_, writer.bytes()));
  size_ += writer.size();
  return {};
}

void DurablePositions::forget(const Key& key) {
  const std::lock_guard lock{mutex_};
  positions_.erase(key);
}

Result<void> DurablePositions::sync() {
  std::shared_ptr<File> file;
  {
    const std::lock_guard lock{mutex_};
    // A rewrite that failed left no file open; the next one is durable when it is done. So is one that comes meanwhile.
    if (!file_) return rewrite();
    file = file_;
  }
  auto synced = file->sync();
  if (!synced) {
    const std::lock_guard lock{mutex_};
    // Never tried again on this file: a second sync would lie.
    if (file_ == file) file_.reset();
  }
  return synced;
}

Result<void> DurablePositions::rewrite() {
  ByteWriter writer;
  for (const auto& [key, at] : positions_) write_entry(writer, key, at);
  file_.reset();
  MILLRACE_CHECK(replace_file(*files_, path_, writer.bytes()));
  MILLRACE_TRY(file, files_->open(path_, OpenMode::kReadWrite));
  file_ = std::move(file);
  size_ = size_after_rewrite_ = writer.size();
  return {};
}

std::optional<DurablePosition> durable_position_of(FileSystem& files, const Path& partition_folder) {
  const auto positions = DurablePositions::read(files, join(folder_of(partition_folder), "durable-positions"));
  if (!positions || !(*positions)->existed()) return std::nullopt;
  const auto id = read_partition_metadata(files, partition_folder).value_or(TopicId{});
  return (*positions)->find({std::string{file_name(partition_folder)}, id});
}

}  // namespace millrace
