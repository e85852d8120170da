#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "log/file_cache.h"

namespace millrace {

/// An entry of a segment's offset index: the batch that ends with an offset begins at a position in the segment.
struct OffsetIndexEntry {
  static constexpr std::size_t kBytes = 8;
  std::int32_t relative_offset = 0;
  std::int32_t position = 0;

  void store(std::byte* to) const;
  static OffsetIndexEntry load(const std::byte* from);
  /// What the entries are sorted and looked up by.
  [[nodiscard]] std::int64_t key() const { return relative_offset; }
};

/// An entry of a segment's time index: up to and including an offset, no timestamp is larger.
struct TimeIndexEntry {
  static constexpr std::size_t kBytes = 12;
  std::int64_t timestamp = 0;
  std::int32_t relative_offset = 0;

  void store(std::byte* to) const;
  static TimeIndexEntry load(const std::byte* from);
  [[nodiscard]] std::int64_t key() const { return timestamp; }
};

/// Sorted entries of fixed size in a file of Kafka's index format. The newest are held in memory until there are enough
/// of them for a write; what a crash loses of them is rebuilt from the segment.
///
/// Threading: one thread at a time adds and writes out; any thread may look up meanwhile.
template <class Entry>
class SparseIndex {
 public:
  SparseIndex(FileCache& cache, Path path, std::string_view suffix = {})
      : file_(cache, std::move(path), std::string{suffix}) {}

  [[nodiscard]] const Path& path() const { return file_.path(); }
  [[nodiscard]] CachedFile& file() { return file_; }
  /// Takes over what the file holds. False when it is missing, empty or cannot be an index: then it is to be rebuilt.
  [[nodiscard]] Result<bool> load(FileSystem& files);
  /// Forgets all entries, in memory; the file's go with the next `write_out`.
  void clear();

  void append(Entry entry);
  [[nodiscard]] std::size_t count() const;
  [[nodiscard]] std::optional<Entry> last() const;
  /// The last entry whose key is `key` or smaller; none when the first is larger already.
  [[nodiscard]] Result<std::optional<Entry>> floor(std::int64_t key) const;

  /// Writes what is only in memory, and cuts the file to its entries.
  [[nodiscard]] Result<void> write_out();
  [[nodiscard]] Result<void> sync();

 private:
  // More of them in memory than this are written by `append`'s caller.
  static constexpr std::size_t kBlock = 512;
  [[nodiscard]] Result<std::vector<Entry>> load_range(std::size_t first, std::size_t count) const;

  CachedFile file_;
  mutable std::mutex mutex_;
  std::size_t in_file_ = 0;
  std::vector<Entry> tail_;
  std::optional<Entry> last_;

 public:
  /// Whether so much is only in memory that it should be written.
  [[nodiscard]] bool wants_write_out() const;
};

using OffsetIndex = SparseIndex<OffsetIndexEntry>;
using TimeIndex = SparseIndex<TimeIndexEntry>;

extern template class SparseIndex<OffsetIndexEntry>;
extern template class SparseIndex<TimeIndexEntry>;

}  // namespace millrace
