#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/files.h"
#include "base/result.h"
#include "base/types.h"
#include "log/partition_log.h"

namespace millrace {

/// How far each partition was durable when the last sync rounds ended: what tells damage from a torn tail.
///
/// An append-only file of entries, of which the last one of a partition counts; rewritten when it has grown. It is
/// written in every round but synced only with the checkpoints: an entry is true whenever it reaches the disk, and one
/// that is lost only makes the known position an older one. An entry is
///
///     crc32c 4 | size of the name 2 | partition's id 16 | offset 8 | segment 8 | position 8 | name
///
/// The id is the topic's, so that a partition that was made again is not taken for the one before. Reading ends at the
/// first entry whose CRC is wrong.
///
/// Threading: any thread.
class DurablePositions {
 public:
  struct Key {
    std::string name;
    TopicId id;
    auto operator<=>(const Key&) const = default;
  };
  using Update = std::pair<Key, DurablePosition>;

  /// Reads the file, or makes it (`existed()` is false then). Errors: `kIo`, `kNoSpace`.
  static Result<std::unique_ptr<DurablePositions>> open(FileSystem& files, Path path);

  /// Only reads it: for whom the folder does not belong to. Nothing can be added.
  static Result<std::unique_ptr<DurablePositions>> read(FileSystem& files, Path path);

  [[nodiscard]] bool existed() const { return existed_; }
  /// The last position of the partition; the beginning of the log when there is none.
  [[nodiscard]] DurablePosition find(const Key& key) const;
  [[nodiscard]] Result<void> add(std::span<const Update> updates);
  /// Drops the entries of a partition that is gone, with the next rewrite.
  void forget(const Key& key);
  /// Keeps nobody from adding: that is what rounds of the flusher do meanwhile.
  [[nodiscard]] Result<void> sync();

 private:
  DurablePositions(FileSystem& files, Path path) : files_(&files), path_(std::move(path)) {}
  void load(Bytes bytes);
  Result<void> rewrite();

  FileSystem* files_;
  Path path_;
  mutable std::mutex mutex_;
  std::map<Key, DurablePosition> positions_;
  std::shared_ptr<File> file_;
  std::uint64_t size_ = 0;
  std::uint64_t size_after_rewrite_ = 0;
  bool existed_ = false;
};

/// What was written down of the partition in a folder of a data folder; none when nothing is known. For whom the data
/// folder does not belong to.
[[nodiscard]] std::optional<DurablePosition> durable_position_of(FileSystem& files, const Path& partition_folder);

}  // namespace millrace
