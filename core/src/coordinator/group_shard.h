#pragma once

#include <deque>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/random.h"
#include "coordinator/classic_group.h"
#include "coordinator/consumer_group.h"
#include "coordinator/coordinator_shard.h"
#include "coordinator/group_replay.h"
#include "coordinator/offset_calls.h"

namespace millrace {

/// The broker's `offsets.*` keys.
struct OffsetsConfig {
  std::size_t max_metadata_bytes = 4096;
  std::chrono::milliseconds retention = std::chrono::hours{24 * 7};
};

/// What the shards of a coordinator stand on.
struct GroupContext : CoordinatorContext {
  GroupConfig groups;
  ConsumerGroupConfig consumer_groups;
  OffsetsConfig offsets;
};

/// The groups of one partition of `__consumer_offsets`: their state machines, their offsets, and the log that both are
/// restored from.
///
/// What Kafka writes down is appended while the lock is held, so the log has the order in which things happened. A
/// group goes on at once in memory, but nobody is told before the record is durable; an offset is shown only then.
///
/// Threading: any thread may call any function; `done` is called exactly once, with no lock held, on any thread.
class GroupShard final : public CoordinatorShard {
 public:
  using Metadata = std::function<std::shared_ptr<const MetadataImage>()>;

  /// `metadata` tells which topics there are.
  GroupShard(PartitionIndex partition, std::shared_ptr<GroupContext> context, Metadata metadata, std::uint64_t seed);

  void join(const std::string& group, JoinGroup call, JoinDone done);
  void sync(const std::string& group, SyncGroup call, SyncDone done);
  [[nodiscard]] ErrorCode heartbeat(const std::string& group, const MemberName& member, std::int32_t generation);
  void leave(const std::string& group, const std::vector<MemberName>& members, LeaveDone done);

  /// A member of a group of the consumer protocol. Errors: those of the group, and `kGroupIdNotFound` for a group that
  /// cannot be of this protocol, or is not there and not joined.
  void consumer_heartbeat(const std::string& group, ConsumerHeartbeat call, ConsumerHeartbeatDone done);
  /// `kGroupIdNotFound` also for a group of the classic protocol.
  [[nodiscard]] Result<ConsumerGroupView> describe_consumer_group(const std::string& group);
  /// Whether somebody who says that it is this member may see the group's offsets.
  [[nodiscard]] ErrorCode may_fetch(const std::string& group, const std::optional<std::string>& member,
                                    std::int32_t epoch);

  /// The topics' names are known to exist, and so are their ids. An answer for each offset.
  void commit(const CommitOffsets& call, ErrorCodesDone done);
  [[nodiscard]] Result<std::vector<CommittedOffset>> fetch(const std::string& group,
                                                           std::span<const TopicPartition> partitions);
  [[nodiscard]] Result<CommittedOffsets::OfGroup> fetch_all(const std::string& group);
  /// Partitions with an offset of the group that a transaction has written and not decided.
  [[nodiscard]] Result<std::set<TopicPartition>> undecided(const std::string& group);
  void forget_offsets(const std::string& group, const std::vector<TopicPartition>& partitions, DeleteOffsetsDone done);

  /// What a commit within a transaction is to be given, once the coordinator has agreed. As of a partition's log.
  [[nodiscard]] Result<TransactionGuard> begin_transaction(const ProducerIdentity& producer);
  /// Writes the marker, and lets the offsets of the transaction count or be forgotten once it is durable.
  void end_transaction(const TransactionMarker& marker, std::int16_t transaction_version, CoordinatorLog::Done done);

  [[nodiscard]] Result<std::vector<ListedGroup>> list();
  /// A group that does not exist, or is not of the classic protocol, is shown as dead.
  [[nodiscard]] Result<DescribedGroup> describe(const std::string& group);
  void forget_group(const std::string& group, std::move_only_function<void(ErrorCode)> done);

  /// Forgets offsets that nobody has needed for `offsets.retention.minutes`, and groups that are left with none.
  void expire() override;
  /// Forgets the offsets of topics that are deleted.
  void forget_topics(const std::set<std::string>& topics);

 private:
  struct Entry {
    std::variant<ClassicGroup, ConsumerGroup> group;
    /// The timer that will look at the group.
    std::optional<TimePoint> armed = std::nullopt;

    /// Null for the other kind.
    [[nodiscard]] ClassicGroup* classic() { return std::get_if<ClassicGroup>(&group); }
    [[nodiscard]] ConsumerGroup* consumer() { return std::get_if<ConsumerGroup>(&group); }
    [[nodiscard]] const ClassicGroup* classic() const { return std::get_if<ClassicGroup>(&group); }
    [[nodiscard]] const ConsumerGroup* consumer() const { return std::get_if<ConsumerGroup>(&group); }
    [[nodiscard]] GroupState state() const {
      return std::visit([](const auto& one) { return one.state(); }, group);
    }
    [[nodiscard]] std::optional<TimePoint> next_timer() const {
      return std::visit([](const auto& one) { return one.next_timer(); }, group);
    }
  };
  /// Written and not yet durable.
  struct Written {
    Offset end;
    std::vector<protocol::GroupRecord> records;
    /// Whose end decides on the records.
    std::optional<OffsetsTransaction> transaction;
  };

  [[nodiscard]] Result<Offset> replay(Bytes batches) override { return replay_->apply(batches); }
  void restart_replay() override;
  void loaded(Outbox& out) override;
  void answer_waiting(Outbox& out) override;
  [[nodiscard]] ErrorCode told(const Error& error) const override;
  void wake(const std::string& id, TimePoint when, Outbox& out) override;

  /// What a group of the consumer protocol keeps to, which may have settings of its own.
  [[nodiscard]] ConsumerGroupTimes times_of_group(const std::string& group, const MetadataImage& image) const;

  // All of these with the mutex held.
  [[nodiscard]] Entry* find(const std::string& group);
  Entry& find_or_make(const std::string& group);
  /// Null also for a group of the consumer protocol.
  [[nodiscard]] Entry* find_classic(const std::string& group);
  /// The group to join by the classic protocol, which one of the other takes on: it has no members.
  [[nodiscard]] Entry& open_classic(const std::string& group, Outbox& out);
  void perform(const std::string& id, Entry& entry, GroupActions actions, Outbox& out);
  /// The group that a member of the consumer protocol comes to, if it is to change for that; none: it is not, or
  /// cannot.
  [[nodiscard]] std::optional<ConsumerGroup> taken_on(const std::string& group, const Entry* entry) const;
  /// A member of the classic protocol in a group of the other.
  void join_consumer_group(const std::string& id, Entry& entry, GroupRequestId request, JoinGroup call, Outbox& out);
  void tell_joined(GroupRequestId request, JoinedGroup answer, Outbox& out);
  /// Gives a group that has only members of the classic protocol that protocol.
  void downgrade(const std::string& id, Entry& entry, GroupRecords& records, Outbox& out);
  /// Writes what happened to a group of the consumer protocol, and tells when it is durable.
  void store(const std::string& id, Entry& entry, GroupRecords records, Then then, Outbox& out);
  /// The records that take back a group.
  [[nodiscard]] static GroupRecords end_of(const std::string& id, const Entry& entry);
  void persist(std::vector<protocol::GroupRecord> records, Then then, Outbox& out,
               const std::optional<OffsetsTransaction>& transaction = std::nullopt);
  [[nodiscard]] Result<Offset> write(std::span<const protocol::GroupRecord> records,
                                     const std::optional<OffsetsTransaction>& transaction);
  void note_pending(const protocol::GroupRecord& record, const std::optional<OffsetsTransaction>& transaction,
                    Offset end);
  /// These could not be written.
  void note_lost(const GroupRecords& records);
  /// Puts in front what the log should have been told of the same group before.
  void add_owed(GroupRecords& records);
  /// The oldest write is over.
  void settle_written(ErrorCode error);
  void settle(const TransactionMarker& marker, Offset end);
  /// Partitions with an offset, written ones included.
  [[nodiscard]] std::set<TopicPartition> partitions_of(const std::string& group) const;
  [[nodiscard]] std::set<std::string> written_groups() const;
  void expire_group(const std::string& id, CoordinatorTime time, Outbox& out);
  [[nodiscard]] bool is_expired(const Entry& entry, const TopicPartition& partition, const CommittedOffset& offset,
                                Timestamp now) const;

  const std::shared_ptr<GroupContext> context_;
  const Metadata metadata_;
  /// What is read, until all is.
  std::unique_ptr<GroupReplay> replay_;

  Random random_;
  std::uint64_t last_request_ = 0;
  std::unordered_map<std::string, Entry> groups_;
  CommittedOffsets offsets_;
  PendingOffsets pending_;
  std::unordered_map<GroupRequestId, JoinDone> joins_;
  std::unordered_map<GroupRequestId, SyncDone> syncs_;
  /// In the order in which they become durable.
  std::deque<Written> written_;
  /// Of groups that have changed their protocol: what takes back what they were, and could not be written.
  std::unordered_map<std::string, GroupRecords> owed_;
};

}  // namespace millrace
