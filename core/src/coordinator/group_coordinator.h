#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/coordinator_shards.h"
#include "coordinator/group_shard.h"
#include "metadata/metadata_image.h"

namespace millrace {

/// Consumer groups, of the classic protocol and of the consumer protocol (KIP-848), and committed offsets: what the
/// group APIs mean. Each group belongs to a shard, by its id; a
/// shard has a partition of `__consumer_offsets`, from which it is restored when the broker starts.
///
/// Threading: any thread may call any function; none waits, but on a shard's lock. `done` is called exactly once, on
/// any thread, inside the call or later; what is answered is durable.
///
/// Errors, of every call: `kNotCoordinator` (there is no `__consumer_offsets`: ask for the coordinator first),
/// `kCoordinatorLoadInProgress`, `kCoordinatorNotAvailable` (closed, or the log cannot be written), and
/// `kInvalidGroupId` for an empty id where there must be one.
class GroupCoordinator {
 public:
  using Metadata = std::function<std::shared_ptr<const MetadataImage>()>;

  /// `metadata` tells which topics there are. `retention_check`: how often old offsets are looked for.
  GroupCoordinator(std::shared_ptr<GroupContext> context, Metadata metadata, std::chrono::milliseconds retention_check,
                   std::uint64_t seed);
  ~GroupCoordinator();

  /// Begins to read what was written before, if anything was. Before any other call.
  void start();
  /// Reads what could not be read before, as far as it can be now.
  void load_again();
  /// Answers whatever waits; nobody loses its membership.
  void end_waits();
  /// Ends it, after its log was closed; idempotent.
  void close();

  /// `done` when this broker coordinates groups: makes the topic when there is none.
  void ensure(CoordinatorLog::Done done);

  void join(const std::string& group, JoinGroup call, JoinDone done);
  void sync(const std::string& group, SyncGroup call, SyncDone done);
  [[nodiscard]] ErrorCode heartbeat(const std::string& group, const MemberName& member, std::int32_t generation);
  void leave(const std::string& group, const std::vector<MemberName>& members, LeaveDone done);

  /// A member of a group of the consumer protocol. Errors: those of `ConsumerGroup`, and `kGroupIdNotFound`.
  void consumer_heartbeat(const std::string& group, ConsumerHeartbeat call, ConsumerHeartbeatDone done);
  /// `kGroupIdNotFound`, also for a group of the classic protocol.
  [[nodiscard]] Result<ConsumerGroupView> describe_consumer_group(const std::string& group);
  /// Whether somebody who says that it is this member may see the group's offsets. `kUnknownMemberId`,
  /// `kStaleMemberEpoch`.
  [[nodiscard]] ErrorCode may_fetch(const std::string& group, const std::optional<std::string>& member,
                                    std::int32_t epoch);

  /// For each offset: the group's errors (`kUnknownMemberId`, `kFencedInstanceId`, `kIllegalGeneration`,
  /// `kRebalanceInProgress`), `kUnknownTopicOrPartition`, `kUnknownTopicId`, `kOffsetMetadataTooLarge`.
  void commit_offsets(CommitOffsets call, ErrorCodesDone done);
  /// For each partition: the offset, or `kUnknownTopicId`.
  [[nodiscard]] Result<std::vector<FetchedOffset>> fetch_offsets(const std::string& group,
                                                                 std::span<const PartitionRef> partitions);
  [[nodiscard]] Result<CommittedOffsets::OfGroup> fetch_all_offsets(const std::string& group);
  /// Partitions with an offset of the group that a transaction has written and not decided.
  [[nodiscard]] Result<std::set<TopicPartition>> undecided_offsets(const std::string& group);
  /// `kGroupIdNotFound`, `kNonEmptyGroup`; for each: `kGroupSubscribedToTopic`.
  void delete_offsets(const std::string& group, const std::vector<TopicPartition>& partitions, DeleteOffsetsDone done);

  /// The partition of `__consumer_offsets` that a transaction with the group's offsets goes on in.
  [[nodiscard]] Result<PartitionIndex> partition_of(const std::string& group);
  /// Before offsets are committed within a transaction: what the commit is to be given. As of a partition's log.
  [[nodiscard]] Result<TransactionGuard> begin_transaction(const std::string& group, const ProducerIdentity& producer);
  /// Ends a transaction in a partition of `__consumer_offsets`; `done` when that is durable.
  void end_transaction(PartitionIndex partition, const TransactionMarker& marker, std::int16_t transaction_version,
                       CoordinatorLog::Done done);

  /// Without those of partitions that cannot be read, as if another broker led them.
  [[nodiscard]] Result<std::vector<ListedGroup>> list();
  [[nodiscard]] Result<DescribedGroup> describe(const std::string& group);
  /// For each: `kGroupIdNotFound`, `kNonEmptyGroup`.
  void delete_groups(const std::vector<std::string>& groups, ErrorCodesDone done);

  /// These topics are gone, and so are the offsets in them.
  void topics_deleted(const std::set<std::string>& topics);

 private:
  [[nodiscard]] Result<std::shared_ptr<GroupShard>> named_shard(const std::string& group);

  const Metadata metadata_;
  const std::shared_ptr<CoordinatorShards<GroupShard>> shards_;
};

}  // namespace millrace
