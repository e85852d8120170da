#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/buffers.h"
#include "base/duration_histogram.h"
#include "base/files.h"
#include "base/result.h"
#include "base/types.h"
#include "base/uuid.h"
#include "log/log_cleaner.h"
#include "log/log_config.h"
#include "log/partition_log.h"

namespace millrace {

class Clock;
class Logger;

/// A partition that was found in a data folder.
struct FoundPartition {
  TopicPartition name;
  TopicId topic_id;
  /// The data folder, and its id.
  Path folder;
  Uuid directory_id;
  /// Its log, or why it is offline (`kCorruptLog`, `kIo`): the others are not touched by that.
  Result<std::shared_ptr<PartitionLog>> log;
};

/// A data folder: every partition's log, and what says how far they are durable. Kafka's layout:
///
///     .lock  millrace.format  meta.properties  .kafka_cleanshutdown
///     recovery-point-offset-checkpoint  log-start-offset-checkpoint  replication-offset-checkpoint  durable-positions
///     cleaner-offset-checkpoint
///     TOPIC-PARTITION/   partition.metadata  leader-epoch-checkpoint  N.log  N.index  N.timeindex  N.snapshot
///     TOPIC-PARTITION.ID-delete/   being removed
///
/// Threading: any thread may call any function. It owns the flusher's threads; none outlives it. Logs must be let go of
/// before it.
class LogManager {
 public:
  struct Options {
    BrokerId node_id{1};
    /// Empty: a new folder gets a random one; the one of an existing folder is kept.
    std::string cluster_id;
    /// The settings of partitions that exist already, until the owner knows better (`PartitionLog::configure`).
    LogConfig initial_config;
    std::size_t recovery_threads = 4;
    /// 0: the owner calls `run_flush_round`: the simulator's way.
    std::size_t flush_threads = 4;
    /// Open files at most; 0: half of the process's limit.
    std::size_t open_files = 0;
    /// How often `tick` writes the checkpoints.
    std::chrono::milliseconds checkpoint_interval = std::chrono::seconds{60};
    LogCleaner::Options cleaner;
    /// For the ids of a new folder and of removed ones; 0: from the system.
    std::uint64_t random_seed = 0;
  };

  /// Opens the folder (made if absent) and every partition in it; after a crash it recovers them, several at once. One
  /// that cannot be opened is offline; to say so is the owner's part (`partitions`).
  /// Errors: `kInUse` (another process owns it), `kUnsupported` (a newer version wrote it), `kInconsistentClusterId`,
  /// `kMalformed`, `kNoSpace`, `kIo`.
  static Result<std::unique_ptr<LogManager>> open(FileSystem& files, Path directory, Options options,
                                                  BufferPool& buffers, const Clock& clock, Logger& logger);
  /// Closes, if `close` was not called.
  ~LogManager();

  [[nodiscard]] const Path& directory() const;
  [[nodiscard]] const std::string& cluster_id() const;
  /// The folder's own id: the metadata says by it where a partition lies.
  [[nodiscard]] const Uuid& directory_id() const;
  /// Whether the last owner closed it.
  [[nodiscard]] bool was_clean() const;

  /// Everything that is here now, also the offline ones.
  [[nodiscard]] std::vector<FoundPartition> partitions() const;
  /// Errors: `kUnknownTopicOrPartition`; those of an offline partition.
  [[nodiscard]] Result<std::shared_ptr<PartitionLog>> find(const TopicPartition& name) const;
  /// The same, and it is of that topic or of one that is not known.
  [[nodiscard]] Result<std::shared_ptr<PartitionLog>> find(const TopicPartition& name, const TopicId& topic) const;
  /// Makes a partition; its name and id are durable when this returns. Errors: `kTopicAlreadyExists`, `kNoSpace`,
  /// `kIo`.
  [[nodiscard]] Result<std::shared_ptr<PartitionLog>> create(const TopicPartition& name, TopicId id, LogConfig config);
  /// Takes a partition (also an offline one) out: its folder is renamed, durably, and removed by a later `tick`.
  /// Errors: `kUnknownTopicOrPartition`, `kIo`.
  [[nodiscard]] Result<void> remove(const TopicPartition& name);
  /// Takes a partition that is here out of use, for `reason`, and leaves its files as they are.
  void set_offline(const TopicPartition& name, const Error& reason);
  /// As `PartitionLog::delete_records`, and the new log start is durable when this returns.
  [[nodiscard]] Result<Offset> delete_records(const TopicPartition& name, Offset before);

  /// What has to be done from time to time: retention, checkpoints, removing deleted folders. To be called about every
  /// few seconds by the owner's timer, from one thread. Trouble of one partition is logged and does not keep the
  /// others.
  void tick();

  /// Why new partitions had better lie elsewhere: the last thing that was to be written here beside a partition's
  /// records could not be. `tick` tries again; each turn is logged once.
  [[nodiscard]] std::optional<Error> trouble() const;

  /// A piece of compaction, of a few milliseconds, and how long to wait before the next; `Duration::max()` once it is
  /// closed. From one thread at a time.
  [[nodiscard]] Duration clean();

  /// One round of the flusher; false if nothing was dirty. Only with `flush_threads` = 0.
  bool run_flush_round();
  /// How long the flusher's rounds took so far.
  [[nodiscard]] DurationHistogram::Snapshot flush_times() const;

  /// Syncs and closes every log and leaves the mark of a clean shutdown. Idempotent. Errors: the first log that could
  /// not be closed cleanly, unless it had failed before: that was told then. With any of them there is no mark.
  [[nodiscard]] Result<void> close();

 private:
  class Impl;
  explicit LogManager(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace
