#include "log/segment.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace millrace {
namespace {

Path file_of(const Path& directory, Offset base, std::string_view extension) {
  return join(directory, segment_stem(base).append(extension));
}

}  // namespace

std::string segment_stem(Offset base) { return fmt::format("{:020}", base.value()); }

std::optional<Offset> offset_of_file(std::string_view name, std::string_view extension) {
  if (name.size() != 20 + extension.size() || !name.ends_with(extension)) return std::nullopt;
  std::int64_t value = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + 20, value);
  if (parsed.ec != std::errc{} || parsed.ptr != name.data() + 20 || value < 0) return std::nullopt;
  return Offset{value};
}

Segment::Segment(FileCache& cache, const Path& directory, Offset base, std::string_view suffix, std::uint32_t version)
    : base_(base),
      version_(version),
      log_(cache, file_of(directory, base, ".log"), std::string{suffix}),
      offset_index_(cache, file_of(directory, base, ".index"), suffix),
      time_index_(cache, file_of(directory, base, ".timeindex"), suffix),
      transactions_(cache, file_of(directory, base, ".txnindex"), suffix),
      offset_of_largest_(base.value()) {}

bool Segment::is_full(Offset last_offset, std::size_t bytes, std::int32_t max_index_bytes) const {
  const auto index_room = [max_index_bytes](std::size_t count, std::size_t entry) {
    return (count + 1) * entry <= static_cast<std::size_t>(max_index_bytes);
  };
  return last_offset - base_ > INT32_MAX || size() + bytes > INT32_MAX ||
         !index_room(offset_index_.count(), OffsetIndexEntry::kBytes) ||
         !index_room(time_index_.count() + 1, TimeIndexEntry::kBytes);
}

Result<void> Segment::append(File& file, const RecordBatchView& batch, std::int32_t index_interval) {
  const auto position = size();
  MILLRACE_CHECK(file.write(position, batch.bytes()));
  note(batch, position, batch.size(), index_interval);
  add_verified(position, position + batch.size());
  set_size(position + batch.size());
  // An index can be rebuilt: that it cannot be written now is no reason to refuse the batch.
  if (offset_index_.wants_write_out()) (void)offset_index_.write_out();
  if (time_index_.wants_write_out()) (void)time_index_.write_out();
  return {};
}

void Segment::note(const RecordBatchView& header, std::uint64_t position, std::size_t batch_size,
                   std::int32_t index_interval) {
  const auto last_offset = header.last_offset();
  const auto timestamp = header.max_timestamp().time_since_epoch().count();
  if (!first_timestamp()) set_first_timestamp(header.max_timestamp());
  if (timestamp > largest_timestamp_.load(std::memory_order_relaxed)) {
    largest_timestamp_.store(timestamp, std::memory_order_relaxed);
    offset_of_largest_.store(last_offset.value(), std::memory_order_relaxed);
  }
  if (bytes_since_index_entry_ > static_cast<std::uint64_t>(index_interval)) {
    offset_index_.append({static_cast<std::int32_t>(last_offset - base_), static_cast<std::int32_t>(position)});
    const auto last = time_index_.last();
    const auto largest = largest_timestamp_.load(std::memory_order_relaxed);
    if (largest >= 0 && (!last || largest > last->timestamp)) {
      time_index_.append({largest, static_cast<std::int32_t>(offset_of_largest_timestamp() - base_)});
    }
    bytes_since_index_entry_ = 0;
  }
  bytes_since_index_entry_ += batch_size;
}

Result<void> Segment::seal() {
  const auto last = time_index_.last();
  const auto largest = largest_timestamp_.load(std::memory_order_relaxed);
  if (largest >= 0 && (!last || largest > last->timestamp)) {
    time_index_.append({largest, static_cast<std::int32_t>(offset_of_largest_timestamp() - base_)});
  }
  MILLRACE_CHECK(offset_index_.write_out());
  MILLRACE_CHECK(time_index_.write_out());
  return transactions_.write_out();
}

Result<void> Segment::sync_indexes() {
  auto synced = offset_index_.sync();
  if (synced) synced = time_index_.sync();
  if (synced) synced = transactions_.sync();
  if (!synced && removed_) return {};
  return synced;
}

Result<void> Segment::create() {
  MILLRACE_TRY(file, log_.get_or_create());
  MILLRACE_CHECK(file->truncate(0));
  // An earlier attempt's.
  if (transactions_.file().get()) transactions_.expect_file();
  // An index of its own, even if it stays empty: one that is missing is taken for damage.
  return seal();
}

Result<void> Segment::cut(std::uint64_t size) {
  MILLRACE_TRY(file, log_.get());
  MILLRACE_CHECK(file->truncate(size));
  set_size(size);
  return {};
}

Result<void> Segment::load_without_indexes(FileSystem& files) {
  MILLRACE_TRY(info, files.info(log_.current_path()));
  set_size(info.size);
  offset_index_.clear();
  time_index_.clear();
  largest_timestamp_.store(-1);
  offset_of_largest_.store(base_.value());
  bytes_since_index_entry_ = 0;
  first_timestamp_.store(kUnknownTime);
  return {};
}

Result<bool> Segment::load(FileSystem& files) {
  MILLRACE_CHECK(load_without_indexes(files));
  // A small segment has no entry in its offset index; then there is nothing to load, but the file must be there.
  const auto info = files.info(offset_index_.file().current_path());
  if (!info || (info->size != 0 && !offset_index_.load(files).value_or(false))) return false;
  if (!time_index_.load(files).value_or(false)) return size() == 0;
  constexpr std::uint64_t kNeedsEntries = 1 << 20;
  const auto last = offset_index_.last();
  if (!last && size() > kNeedsEntries) return false;
  if (last && (last->position < 0 || static_cast<std::uint64_t>(last->position) >= size() || last->relative_offset < 0))
    return false;
  const auto newest = time_index_.last();
  if (newest->relative_offset < 0 || newest->timestamp < 0) return false;
  largest_timestamp_.store(newest->timestamp);
  offset_of_largest_.store(base_.value() + newest->relative_offset);
  return true;
}

Result<std::uint64_t> Segment::position_before(Offset offset) const {
  // An entry names the last offset of its batch: the one at or before `offset` begins no later than the batch wanted.
  MILLRACE_TRY(entry, offset_index_.floor(offset - base_));
  if (!entry || entry->position < 0) return 0;
  return static_cast<std::uint64_t>(entry->position);
}

void Segment::add_verified(std::uint64_t from, std::uint64_t to) {
  auto seen = verified_.load(std::memory_order_relaxed);
  while (from <= seen && seen < to && !verified_.compare_exchange_weak(seen, to, std::memory_order_relaxed)) {
  }
}

Result<void> Segment::move(FileSystem& files, std::string_view suffix) {
  MILLRACE_CHECK(log_.move(suffix));
  for (auto* index : {&offset_index_.file(), &time_index_.file(), &transactions_.file()}) {
    MILLRACE_TRY(there, exists(files, index->current_path()));
    if (there) MILLRACE_CHECK(index->move(suffix));
  }
  return {};
}

Result<void> Segment::remove_files(FileSystem& files) {
  removed_ = true;
  for (auto* file : {&log_, &offset_index_.file(), &time_index_.file(), &transactions_.file()}) {
    file->release();
    const auto removed = files.remove(file->current_path());
    if (!removed && removed.error().code() != ErrorCode::kNotFound) return removed;
  }
  return {};
}

}  // namespace millrace
