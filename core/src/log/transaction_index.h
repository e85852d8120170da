#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "log/file_cache.h"
#include "record/transaction_marker.h"

namespace millrace {

/// An aborted transaction whose marker lies in a segment: an entry of its transaction index.
struct TransactionIndexEntry {
  /// version 2 | producer id 8 | first offset 8 | last offset 8 | last stable offset 8
  static constexpr std::size_t kBytes = 34;
  ProducerId producer;
  Offset first;
  /// Of the marker.
  Offset last;
  /// The last stable offset once this transaction was over: before it no later entry matters.
  Offset last_stable;

  void store(std::byte* to) const;
  static TransactionIndexEntry load(const std::byte* from);
  friend bool operator==(const TransactionIndexEntry&, const TransactionIndexEntry&) = default;
};

/// The aborted transactions of a segment, by the offsets of their markers, and their file in Kafka's format
/// (`.txnindex`); a segment without any has no file. All of them are held in memory: 32 bytes each.
///
/// Threading: one thread at a time adds and writes out; any thread may look up meanwhile.
class TransactionIndex {
 public:
  TransactionIndex(FileCache& cache, Path path, std::string_view suffix = {})
      : file_(cache, std::move(path), std::string{suffix}) {}

  [[nodiscard]] CachedFile& file() { return file_; }
  /// Takes over what the file of a segment with these offsets holds, as far as the end is known. False when it is
  /// missing or cannot be right: then it is to be rebuilt.
  [[nodiscard]] Result<bool> load(Offset segment_base, Offset segment_end = Offset{INT64_MAX});
  /// Forgets all entries, in memory; the file's go with the next `write_out`.
  void clear();
  /// The file is there, whatever it holds.
  void expect_file() { has_file_ = true; }

  void append(const TransactionIndexEntry& entry);
  [[nodiscard]] std::size_t count() const;
  /// The transaction that the marker at `last` ended.
  [[nodiscard]] std::optional<TransactionIndexEntry> ended_at(Offset last) const;

  struct Found {
    std::vector<AbortedTransaction> transactions;
    /// No later segment has any that matter.
    bool complete = false;
  };
  /// Those with records among the offsets from `from` to before `end`. O(log count + those found).
  [[nodiscard]] Found find(Offset from, Offset end) const;

  /// Makes the file hold the entries; nothing when there is neither.
  [[nodiscard]] Result<void> write_out();
  [[nodiscard]] Result<void> sync();

 private:
  CachedFile file_;
  mutable std::mutex mutex_;
  std::vector<TransactionIndexEntry> entries_;
  std::size_t in_file_ = 0;
  std::atomic<bool> has_file_ = false;
};

}  // namespace millrace
