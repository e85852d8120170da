#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "base/logger.h"
#include "broker/broker_calls.h"
#include "broker/broker_config.h"
#include "broker/partition_table.h"
#include "log/log_manager.h"
#include "metadata/metadata_store.h"

namespace millrace {

/// The cluster's metadata as this broker acts on it: what the log says becomes partitions on the disk, and only then is
/// shown.
///
///     change: commit -> synced -> partitions made, removed, configured -> shown by `image` -> done
///
/// Threading: any thread may call any function. Partitions are made and removed on the executor, by one thread at a
/// time, in the order of the log.
class ClusterState : public std::enable_shared_from_this<ClusterState> {
 public:
  ClusterState(std::unique_ptr<MetadataStore> store, LogManager& logs, std::shared_ptr<PartitionTable> partitions,
               const BrokerConfig& config, Executor& executor, Logger& logger, std::function<void()> appended);

  /// Makes the partitions that the metadata names out of those that were found in the folder. Before any other call.
  /// Waits for the disk.
  Result<void> start(const MetadataStore::Plan& registration);

  /// `done` when the change is durable and shown. Errors: the plan's; `kStorageError`, `kClosed`.
  void change(const MetadataStore::Plan& plan, DoneVoid done);

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
  void fail_waiting(const Error& error);
  void add_partitions(const MetadataImage& image, const TopicImage& topic, std::size_t first);
  void remove_topic(const TopicImage& topic);
  void configure(const MetadataImage& image, const TopicImage& topic);
  [[nodiscard]] Result<std::shared_ptr<PartitionLog>> make_log(const TopicPartition& name, const TopicImage& topic,
                                                               const LogConfig& config);
  void drop_leftovers(const MetadataImage& image);

  const std::unique_ptr<MetadataStore> store_;
  LogManager& logs_;
  const std::shared_ptr<PartitionTable> partitions_;
  const BrokerConfig& config_;
  Executor& executor_;
  Logger& logger_;
  const std::function<void()> appended_;

  mutable std::mutex mutex_;
  // What partitions were made of; `shown_` adds where this broker listens.
  std::shared_ptr<const MetadataImage> applied_;
  std::shared_ptr<const MetadataImage> shown_;
  std::vector<Endpoint> endpoints_;
  std::multimap<Offset, DoneVoid> waiting_;
  bool applying_ = false;
  bool look_again_ = false;
  bool closed_ = false;
};

}  // namespace millrace
