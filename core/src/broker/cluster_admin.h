#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/result.h"
#include "broker/broker_calls.h"
#include "broker/client_quotas.h"
#include "broker/cluster_state.h"
#include "broker/partition_table.h"
#include "log/epoch_cache.h"
#include "metadata/features.h"

namespace millrace {

/// What this broker keeps of a partition.
struct Replica {
  TopicPartition partition;
  TopicId topic_id;
  /// It cannot be used: its log says why.
  bool offline = false;
  /// Of the folder that it lies in.
  Uuid directory_id;
  /// Bytes of its segments.
  std::uint64_t bytes = 0;
  /// None when the log could not be opened: nothing is known of it then.
  std::optional<LogPositions> positions;
};

/// One of the broker's log directories.
struct LogDirectory {
  /// Absolute.
  Path path;
  /// Nil when it is offline and does not tell.
  Uuid id;
  bool offline = false;
  /// Of the file system that it lies on; none when that cannot be told.
  std::optional<FileSpace> space;
};

/// Numbers as on the wire (ElectLeaders).
enum class ElectionType : std::int8_t { kPreferred = 0, kUnclean = 1 };

struct Election {
  TopicPartition partition;
  Result<void> result;
};

/// Who keeps the metadata log, and how far it is.
struct MetadataQuorum {
  BrokerId leader;
  LeaderEpoch epoch;
  Uuid directory;
  Offset high_watermark;
  Offset log_end;
  Timestamp now;
};

/// What operators ask of a cluster besides topics and settings: sizes, leaders, replicas, brokers, features, quotas.
/// One node answers as a cluster would that has no other: what needs a second broker is refused.
///
/// Threading: any thread may call any function. A `done` callback is called exactly once, when the change is durable
/// and shown, or with the error.
class ClusterAdmin {
 public:
  /// What is passed outlives this.
  ClusterAdmin(std::shared_ptr<ClusterState> cluster, std::shared_ptr<const PartitionTable> partitions,
               const LogFolders& folders, FileSystem& files, const Clock& clock, BrokerId self);

  /// Where the records of `epoch` end, or those of the newest epoch before it that has any; none for one that is still
  /// to come. Errors: `kUnknownTopicOrPartition`, `kFencedLeaderEpoch`, `kUnknownLeaderEpoch`, `kStorageError`.
  [[nodiscard]] Result<std::optional<EpochEnd>> end_of_epoch(const TopicRef& topic, PartitionIndex partition,
                                                             LeaderEpoch current_leader_epoch, LeaderEpoch epoch) const;

  /// Each log directory, the metadata's first.
  [[nodiscard]] std::vector<LogDirectory> directories() const;
  /// Every partition that is kept in them, by name.
  [[nodiscard]] std::vector<Replica> replicas() const;
  /// Whether the replica may be asked to live in `path`: it does already. Errors: `kLogDirNotFound`, `kStorageError`
  /// (`path` is offline), `kUnknownTopicOrPartition`, `kInvalidReplicaAssignment` (it lies in another, and moving it is
  /// not served).
  [[nodiscard]] Result<void> move_replica(std::string_view path, const TopicRef& topic, PartitionIndex partition) const;

  /// An answer for each of `wanted`; without it, for each partition of the cluster that has not the leader it should
  /// have. Per partition: `kElectionNotNeeded`, `kUnknownTopicOrPartition`, `kPreferredLeaderNotAvailable`,
  /// `kEligibleLeadersNotAvailable`. Errors: `kInvalidRequest` for a type that is none.
  [[nodiscard]] Result<std::vector<Election>> elect_leaders(
      ElectionType type, const std::optional<std::vector<TopicPartition>>& wanted) const;

  /// Whether the partition may be given these replicas; none: whether a move of it can be called off. The replicas that
  /// it has are fine. Errors: `kInvalidReplicaAssignment`, `kNoReassignmentInProgress`, `kUnknownTopicOrPartition`.
  [[nodiscard]] Result<void> reassign(const TopicRef& topic, PartitionIndex partition,
                                      const std::optional<std::vector<BrokerId>>& replicas) const;

  /// Forgets a broker that is gone. Errors: `kBrokerIdNotRegistered`, `kInvalidRequest` (it runs: it is this one, or it
  /// keeps replicas).
  void unregister_broker(BrokerId id, DoneVoid done);

  /// All of the changes or none. Errors: as `change_feature`, `kInvalidRequest` (a feature twice, or none).
  void update_features(const std::vector<FeatureChange>& changes, ValidateOnly validate_only, DoneVoid done);

  /// One answer for each call, in the same order. Errors: as `change_quotas`, `kInvalidRequest` for an owner that is
  /// named twice.
  void alter_quotas(const std::vector<AlterQuotas>& calls, ValidateOnly validate_only,
                    std::move_only_function<void(std::vector<Result<void>>)> done);
  [[nodiscard]] Result<std::vector<OwnedQuotas>> quotas(const QuotaFilter& filter) const;

  [[nodiscard]] MetadataQuorum quorum() const;

 private:
  [[nodiscard]] bool leads(const PartitionImage& partition, const TopicPartition& name) const;
  [[nodiscard]] Result<void> elect(ElectionType type, const MetadataImage& image, const TopicPartition& name) const;

  const std::shared_ptr<ClusterState> cluster_;
  const std::shared_ptr<const PartitionTable> partitions_;
  const LogFolders& folders_;
  FileSystem& files_;
  const Clock& clock_;
  const BrokerId self_;
};

}  // namespace millrace
