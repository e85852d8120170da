#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "base/logger.h"
#include "broker/broker_calls.h"
#include "broker/broker_config.h"
#include "broker/partition_table.h"
#include "log/log_folders.h"
#include "metadata/metadata_store.h"

namespace millrace {

/// Whether a data folder was opened that could not be before.
enum class FolderIsBack : std::uint8_t { kNo, kYes };

/// The cluster's metadata as this broker acts on it: what the log says becomes partitions on the disk, and only then is
/// shown.
///
///     change: commit -> synced -> partitions made, removed, configured -> shown by `image` -> done
///
/// Threading: any thread may call any function. Partitions are made and removed on the executor, by one thread at a
/// time, in the order of the log.
class ClusterState : public std::enable_shared_from_this<ClusterState> {
 public:
  ClusterState(std::unique_ptr<MetadataStore> store, LogFolders& logs, std::shared_ptr<PartitionTable> partitions,
               const BrokerConfig& config, Executor& executor, Logger& logger, std::function<void()> appended);

  /// Makes the partitions that the metadata names out of those that were found in the folders. Before any other call.
  /// Waits for the disk.
  Result<void> start(const MetadataStore::Plan& registration);

  /// `done` when the change is durable and shown. Errors: the plan's; `kStorageError`, `kClosed`.
  void change(const MetadataStore::Plan& plan, DoneVoid done);

  /// Tries again to make or find the partitions that could not be had, on the executor: a disk has space again, or a
  /// folder is back, also with what was deleted meanwhile.
  void mend(FolderIsBack back);

  [[nodiscard]] std::shared_ptr<const MetadataImage> image() const;
  /// What is decided, shown already or not.
  [[nodiscard]] std::shared_ptr<const MetadataImage> latest() const { return store_->latest(); }

  [[nodiscard]] const MetadataStore& store() const { return *store_; }

  void advertise(Endpoint endpoint);
  void withdraw(std::string_view listener);

  /// Whatever waits gets `kClosed`.
  void close();

  /// The broker's own keys with those that were set while it runs.
  [[nodiscard]] static Properties effective_broker_configs(const MetadataImage& image, const BrokerConfig& config);

 private:
  void catch_up();
  void bound_log();
  void apply_difference(const MetadataImage& before, const MetadataImage& after);
  /// With the mutex held.
  void show_endpoints();
  void publish(std::shared_ptr<const MetadataImage> image);
  /// Gives `done` back if nothing can be waited for any more.
  [[nodiscard]] DoneVoid wait_for(Offset end, DoneVoid done);
  void fail_waiting(const Error& error);
  void add_partitions(const MetadataImage& image, const TopicImage& topic, std::size_t first, PartitionAge age);
  void mend_partitions(const MetadataImage& image);
  void remove_topic(const TopicImage& topic);
  void configure(const MetadataImage& image, const TopicImage& topic);
  [[nodiscard]] Result<std::shared_ptr<PartitionLog>> make_log(const TopicPartition& name, const TopicImage& topic,
                                                               const LogConfig& config, PartitionAge age);
  [[nodiscard]] std::shared_ptr<Partition> make_partition(const TopicImage& topic, std::size_t index,
                                                          const TopicSettings& settings, PartitionAge age);
  /// Says which partitions could not be had since the last time, those of a folder together.
  void tell_missing();
  /// Says once that the metadata log has failed.
  void note_failure();
  void drop_leftovers(const MetadataImage& image);

  const std::unique_ptr<MetadataStore> store_;
  LogFolders& logs_;
  const std::shared_ptr<PartitionTable> partitions_;
  const BrokerConfig& config_;
  Executor& executor_;
  Logger& logger_;
  const std::function<void()> appended_;

  // Only the thread that applies. Partitions that are not in any folder that is open: to be tried again.
  std::set<std::pair<TopicId, std::size_t>> missing_;
  struct Missing {
    std::string first;
    std::string reason;
    std::size_t others = 0;
  };
  std::map<Uuid, Missing> untold_;
  std::set<std::pair<Path, TopicPartition>> left_alone_;
  std::atomic<bool> failure_is_told_ = false;

  mutable std::mutex mutex_;
  // What partitions were made of; `shown_` adds where this broker listens.
  std::shared_ptr<const MetadataImage> applied_;
  std::shared_ptr<const MetadataImage> shown_;
  std::vector<Endpoint> endpoints_;
  std::multimap<Offset, DoneVoid> waiting_;
  bool applying_ = false;
  bool look_again_ = false;
  bool mend_ = false;
  bool drop_leftovers_ = false;
  bool closed_ = false;
};

}  // namespace millrace
