#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/duration_histogram.h"
#include "base/files.h"
#include "base/result.h"
#include "base/types.h"
#include "log/log_manager.h"

namespace millrace {

/// One of a broker's data folders, as it is now.
struct DataFolder {
  Path path;
  /// Nil: it is offline and does not tell.
  Uuid id;
  /// Whether partitions may lie in it: the metadata's folder may be for the metadata alone.
  bool takes_partitions = true;
  /// Why it is offline. A full disk is no reason.
  std::optional<Error> offline;
};

/// Whether a partition was there before. Then an empty one must not take its place.
enum class PartitionAge : std::uint8_t { kNew, kKnown };

/// A broker's data folders, each on a disk of its own perhaps: when one fails, its partitions are offline and the
/// others go on.
///
///     metadata folder   LogManager   lock, id, checkpoints, flusher, cleaner   must be there
///     data folder       LogManager   lock, id, checkpoints, flusher, cleaner   offline when it cannot be opened
///     ...
///
/// What may be open, and what compaction may use, is divided among them. A partition lies in one folder. Where it was
/// put is in the metadata, by the folder's id; the metadata is not this class's.
///
/// Threading: any thread may call any function. Logs must be let go of before it.
class LogFolders {
 public:
  struct Places {
    /// Where the metadata log lies.
    Path metadata;
    /// Where partitions lie: the metadata folder is one of them, or not.
    std::vector<Path> data;
  };

  /// Opens every folder (made if absent) with every partition in it. One that cannot be opened because of its disk is
  /// offline, which is logged; a partition that lies in two is offline in both. Errors: as of `LogManager::open` for
  /// the metadata folder; `kUnsupported`, `kInconsistentClusterId`, `kInvalidConfig` for any: it is not this broker's;
  /// `kInvalidConfig` when the metadata folder is new and another is not.
  static Result<std::unique_ptr<LogFolders>> open(FileSystem& files, const Places& places, LogManager::Options options,
                                                  BufferPool& buffers, const Clock& clock, Logger& logger);
  /// Closes, if `close` was not called.
  ~LogFolders();

  /// The one that the metadata log lies in.
  [[nodiscard]] LogManager& metadata() const { return *folders_.front().manager; }
  [[nodiscard]] const std::string& cluster_id() const { return metadata().cluster_id(); }
  /// Whether the last owner closed all of them, and all of them are here.
  [[nodiscard]] bool was_clean() const;

  /// How each of them is now, the metadata's first.
  [[nodiscard]] std::vector<DataFolder> folders() const;
  /// The ids of those that are here.
  [[nodiscard]] std::vector<Uuid> online() const;
  /// Those that a new partition may be put into; not one that could not be written to lately, if there is another.
  [[nodiscard]] std::vector<Uuid> usable() const;

  /// Everything that is here now, also the offline ones; one that lies in two folders twice.
  [[nodiscard]] std::vector<FoundPartition> partitions() const;
  /// Errors: `kUnknownTopicOrPartition`; those of an offline partition.
  [[nodiscard]] Result<std::shared_ptr<PartitionLog>> find(const TopicPartition& name, const TopicId& topic) const;
  /// Makes a partition in the folder with that id. Errors: as of `LogManager::create`; `kStorageError`: that folder is
  /// not here, or another is not and the partition is known: it may well be in it.
  [[nodiscard]] Result<std::shared_ptr<PartitionLog>> create(const TopicPartition& name, const TopicId& topic,
                                                             const LogConfig& config, const Uuid& directory,
                                                             PartitionAge age);
  /// As `LogManager::remove`, from wherever it is. Errors also: `kUnknownTopicOrPartition`: it is in no folder that is
  /// here.
  [[nodiscard]] Result<void> remove(const TopicPartition& name, const TopicId& topic);
  /// As `LogManager::delete_records`.
  [[nodiscard]] Result<Offset> delete_records(const TopicPartition& name, const TopicId& topic, Offset before);

  /// As `LogManager::tick`, for each.
  void tick();
  /// Tries to open those that are offline; whether one is back, with its partitions.
  [[nodiscard]] bool reopen();
  /// As `LogManager::clean`, for those whose turn it is.
  [[nodiscard]] Duration clean();
  /// As `LogManager::run_flush_round`: whether there was anything to do in any.
  bool run_flush_round();
  /// Of all flushers.
  [[nodiscard]] DurationHistogram::Snapshot flush_times() const;

  /// As `LogManager::close`, the metadata folder last. Errors: the first.
  [[nodiscard]] Result<void> close();

 private:
  struct Folder {
    Path path;
    bool takes_partitions = true;
    /// None: it is offline.
    std::unique_ptr<LogManager> manager;
    Error reason{ErrorCode::kNone, ""};
    Uuid id;
    /// Of its cleaner; only the thread that calls `clean` looks at it.
    TimePoint next_cleaning{};
  };

  LogFolders(FileSystem& files, LogManager::Options options, BufferPool& buffers, const Clock& clock, Logger& logger)
      : files_(files), options_(std::move(options)), buffers_(buffers), clock_(clock), logger_(logger) {}
  [[nodiscard]] Result<void> check_places(const Places& places) const;
  [[nodiscard]] Result<std::unique_ptr<LogManager>> open_one(const Path& path);
  [[nodiscard]] Result<void> open_all(const Places& places);
  void refuse_doubles();
  /// Those that are here. They stay until `this` is gone.
  [[nodiscard]] std::vector<LogManager*> managers() const;

  FileSystem& files_;
  LogManager::Options options_;
  BufferPool& buffers_;
  const Clock& clock_;
  Logger& logger_;
  bool was_clean_ = true;

  // What changes of them: one that was offline is opened. The metadata folder is the first.
  mutable std::mutex mutex_;
  std::vector<Folder> folders_;
  bool closed_ = false;
};

}  // namespace millrace
