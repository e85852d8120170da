#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "log/partition_log.h"

namespace millrace {

/// Somebody who waits for a partition to get on: a fetch.
class ProgressWatcher {
 public:
  virtual ~ProgressWatcher() = default;
  /// The high watermark moved. Both may come from any thread and more often than they mean something; they must not
  /// wait. No lock is held.
  virtual void progressed() = 0;
  /// Nothing more will come from the partition.
  virtual void ended() = 0;
};

/// One partition of this broker: its log, or why it is offline, and who waits for it.
///
/// Threading: any thread may call any function.
class Partition : public std::enable_shared_from_this<Partition> {
 public:
  static std::shared_ptr<Partition> make(TopicPartition name, TopicId topic_id, LeaderEpoch epoch,
                                         Result<std::shared_ptr<PartitionLog>> log);

  [[nodiscard]] const TopicPartition& name() const { return name_; }
  [[nodiscard]] const TopicId& topic_id() const { return topic_id_; }
  [[nodiscard]] LeaderEpoch epoch() const { return LeaderEpoch{epoch_.load(std::memory_order_relaxed)}; }

  /// Errors: `kStorageError` with the reason when the partition is offline.
  [[nodiscard]] Result<std::shared_ptr<PartitionLog>> log() const;
  [[nodiscard]] bool is_offline() const;

  [[nodiscard]] std::int32_t min_insync_replicas() const { return min_insync_.load(std::memory_order_relaxed); }
  void configure(const LogConfig& config, std::int32_t min_insync_replicas);

  /// What the log's error is for a caller: trouble of the storage, which the log has told once, becomes
  /// `kStorageError`.
  [[nodiscard]] Error told(Error error) const;

  /// Whether a request that believes in `epoch` may be served. Errors: `kFencedLeaderEpoch`, `kUnknownLeaderEpoch`.
  [[nodiscard]] Result<void> check_epoch(LeaderEpoch epoch) const;

  /// `watcher` is told of progress until `unwatch`. It is not kept alive.
  void watch(const std::shared_ptr<ProgressWatcher>& watcher);
  void unwatch(const ProgressWatcher* watcher);
  [[nodiscard]] std::size_t watchers() const { return watcher_count_; }

  /// The topic was deleted or the broker closes: the watchers are told, and nothing more happens here.
  void retire();

 private:
  Partition(TopicPartition name, TopicId topic_id, LeaderEpoch epoch, Result<std::shared_ptr<PartitionLog>> log);
  enum class News : std::uint8_t { kProgress, kEnd };
  void tell_watchers(News news);

  const TopicPartition name_;
  const TopicId topic_id_;
  std::atomic<std::int32_t> epoch_;
  std::atomic<std::int32_t> min_insync_ = 1;
  const std::shared_ptr<PartitionLog> log_;
  // Why there is no log.
  const std::string offline_reason_;

  std::mutex mutex_;
  // Hot when nobody waits: progress must not take the lock for each flush of each partition.
  std::atomic<std::size_t> watcher_count_ = 0;
  std::unordered_map<const ProgressWatcher*, std::weak_ptr<ProgressWatcher>> watchers_;
};

}  // namespace millrace
