#include "log/sparse_index.h"

#include <algorithm>

#include "base/bytes_io.h"

namespace millrace {

void OffsetIndexEntry::store(std::byte* to) const {
  store_be<std::int32_t>(to, relative_offset);
  store_be<std::int32_t>(to + 4, position);
}
OffsetIndexEntry OffsetIndexEntry::load(const std::byte* from) {
  return {load_be<std::int32_t>(from), load_be<std::int32_t>(from + 4)};
}
void TimeIndexEntry::store(std::byte* to) const {
  store_be<std::int64_t>(to, timestamp);
  store_be<std::int32_t>(to + 8, relative_offset);
}
TimeIndexEntry TimeIndexEntry::load(const std::byte* from) {
  return {load_be<std::int64_t>(from), load_be<std::int32_t>(from + 8)};
}

template <class Entry>
Result<bool> SparseIndex<Entry>::load(FileSystem& files) {
  const auto info = files.info(file_.current_path());
  if (!info) {
    if (info.error().code() == ErrorCode::kNotFound) return false;
    return std::unexpected(info.error());
  }
  if (info->size == 0 || info->size % Entry::kBytes != 0) return false;
  const auto count = static_cast<std::size_t>(info->size / Entry::kBytes);
  MILLRACE_TRY(ends, load_range(count - 1, 1));
  if (ends.size() != 1) return false;
  // A file that Kafka had preallocated, or that lost its bytes in a power cut, ends in zeroes.
  if (count > 1 && ends[0].key() == 0) return false;
  const std::lock_guard lock{mutex_};
  in_file_ = count;
  last_ = ends[0];
  return true;
}

template <class Entry>
void SparseIndex<Entry>::clear() {
  const std::lock_guard lock{mutex_};
  in_file_ = 0;
  tail_.clear();
  last_.reset();
}

template <class Entry>
void SparseIndex<Entry>::append(Entry entry) {
  const std::lock_guard lock{mutex_};
  tail_.push_back(entry);
  last_ = entry;
}

template <class Entry>
std::size_t SparseIndex<Entry>::count() const {
  const std::lock_guard lock{mutex_};
  return in_file_ + tail_.size();
}

template <class Entry>
std::optional<Entry> SparseIndex<Entry>::last() const {
  const std::lock_guard lock{mutex_};
  return last_;
}

template <class Entry>
bool SparseIndex<Entry>::wants_write_out() const {
  const std::lock_guard lock{mutex_};
  return tail_.size() >= kBlock;
}

template <class Entry>
Result<std::vector<Entry>> SparseIndex<Entry>::load_range(std::size_t first, std::size_t count) const {
  std::vector<std::byte> bytes(count * Entry::kBytes);
  MILLRACE_TRY(file, file_.get());
  MILLRACE_TRY(got, file->read(first * Entry::kBytes, bytes));
  std::vector<Entry> entries;
  entries.reserve(count);
  for (std::size_t at = 0; at + Entry::kBytes <= got; at += Entry::kBytes) entries.push_back(Entry::load(&bytes[at]));
  return entries;
}

template <class Entry>
Result<std::optional<Entry>> SparseIndex<Entry>::floor(std::int64_t key) const {
  const auto last_not_above = [key](const std::vector<Entry>& entries) -> std::optional<Entry> {
    const auto after = std::ranges::upper_bound(entries, key, {}, &Entry::key);
    if (after == entries.begin()) return std::nullopt;
    return *std::prev(after);
  };
  std::size_t first = 0;
  std::size_t last = 0;
  {
    const std::lock_guard lock{mutex_};
    if (auto found = last_not_above(tail_)) return found;
    last = in_file_;
  }
  // The answer is in [first, last), or there is none.
  while (last - first > kBlock) {
    const auto middle = first + (last - first) / 2;
    MILLRACE_TRY(entries, load_range(middle, 1));
    if (entries.empty()) return std::nullopt;
    (entries[0].key() <= key ? first : last) = middle;
  }
  if (first == last) return std::nullopt;
  MILLRACE_TRY(block, load_range(first, last - first));
  return last_not_above(block);
}

template <class Entry>
Result<void> SparseIndex<Entry>::write_out() {
  // Only this thread changes the two, so they may be read without the lock; a lookup needs the old ones until the bytes
  // are there.
  MILLRACE_TRY(file, file_.get_or_create());
  std::vector<std::byte> bytes(tail_.size() * Entry::kBytes);
  for (std::size_t i = 0; i < tail_.size(); ++i) tail_[i].store(&bytes[i * Entry::kBytes]);
  MILLRACE_CHECK(file->write(in_file_ * Entry::kBytes, bytes));
  const auto total = in_file_ + tail_.size();
  MILLRACE_TRY(size, file->size());
  if (size != total * Entry::kBytes) MILLRACE_CHECK(file->truncate(total * Entry::kBytes));
  const std::lock_guard lock{mutex_};
  in_file_ = total;
  tail_.clear();
  return {};
}

template <class Entry>
Result<void> SparseIndex<Entry>::sync() {
  MILLRACE_TRY(file, file_.get());
  return file->sync();
}

template class SparseIndex<OffsetIndexEntry>;
template class SparseIndex<TimeIndexEntry>;

}  // namespace millrace
