#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/classic_group.h"
#include "coordinator/consumer_group_calls.h"
#include "coordinator/consumer_group_config.h"
#include "coordinator/coordinator_time.h"
#include "coordinator/offset_calls.h"
#include "coordinator/stored_consumer_group.h"
#include "metadata/metadata_image.h"

namespace millrace {

using GroupRecords = std::vector<protocol::GroupRecord>;

/// One group of the consumer protocol (KIP-848), in which the coordinator divides the work: (event, now) -> answer and
/// records. No locks, no timers, no I/O. It goes on at once; who asked is told when the records are durable.
///
/// Three epochs follow one another. The group's counts changes of members, subscriptions and topics; the target's says
/// for which of these the partitions were divided; a member's, up to which division it has come. A partition is given
/// to its new owner only after its old one has said that it no longer has it:
///
///                     target changes,                has given back
///                     loses none of its own          +-----------------------------+
///     Stable <------------------------------+        |                             v
///       |  ^  all of its target is its own  +--- Unreleased <---- target changes, others still have
///       |  +--------------------------------------+  ^            something that is to be its own
///       |                                            |
///       +--> Unrevoked: keeps its epoch until it says that it has given back what it is to lose
///
/// Kafka's names of states: Empty, Assigning (the target is older than the group), Reconciling (some member is not
/// Stable at the target's epoch), Stable.
///
/// Members of the classic protocol may be in it too: a join takes them to the target's epoch, which is their
/// generation; a sync tells what they have; a heartbeat, that they should join again.
///
/// Threading: one thread at a time.
class ConsumerGroup {
 public:
  ConsumerGroup(std::string id, ConsumerGroupConfig config);
  /// The group as it was written down; its members have their session time-out to be heard of.
  static ConsumerGroup restore(std::string id, ConsumerGroupConfig config, const StoredConsumerGroup& stored,
                               CoordinatorTime time);

  /// A group of consumers of the classic protocol as one of this. Errors: `kMalformed`: what its members say of
  /// themselves is not what consumers say. Nothing of it is written: the next event gives all records.
  static Result<ConsumerGroup> upgrade(const ClassicGroup& group, ConsumerGroupConfig config,
                                       const MetadataImage& topics, CoordinatorTime time);
  /// This group as one of the classic protocol, which it may be when nobody speaks the other.
  [[nodiscard]] protocol::GroupMetadataValue downgraded(const MetadataImage& topics, CoordinatorTime time) const;
  [[nodiscard]] bool has_only_classic_members() const;

  struct Answered {
    ConsumerHeartbeatAnswer answer;
    GroupRecords records;
  };
  /// Errors: `kInvalidRequest`, `kUnknownMemberId`, `kFencedMemberEpoch`, `kFencedInstanceId`, `kUnreleasedInstanceId`,
  /// `kUnsupportedAssignor`, `kGroupMaxSizeReached`, `kInvalidRegularExpression`; then nothing has changed. `fresh_id`
  /// is for a new member that has none; `topics` are those there are.
  [[nodiscard]] Answered heartbeat(ConsumerHeartbeat call, const Uuid& fresh_id, const MetadataImage& topics,
                                   CoordinatorTime time);

  /// From the next heartbeat on, in place of the configuration's.
  void keep_to(const ConsumerGroupTimes& times) { config_.times = times; }

  /// A member of the classic protocol joins: answered at once. Errors: `kGroupMaxSizeReached`,
  /// `kInconsistentGroupProtocol`, `kMemberIdRequired`, `kUnknownMemberId`, `kFencedInstanceId`.
  struct Joined {
    JoinedGroup answer;
    GroupRecords records;
  };
  [[nodiscard]] Joined join(JoinGroup call, const Uuid& fresh, const MetadataImage& topics, CoordinatorTime time);
  /// `kUnknownMemberId`, `kFencedInstanceId`, `kIllegalGeneration`, `kInconsistentGroupProtocol`,
  /// `kRebalanceInProgress`.
  [[nodiscard]] SyncedGroup sync(const SyncGroup& call, const MetadataImage& topics, CoordinatorTime time);
  /// `kUnknownMemberId`, `kFencedInstanceId`, `kIllegalGeneration`, `kRebalanceInProgress`.
  [[nodiscard]] ErrorCode classic_heartbeat(const MemberName& name, std::int32_t generation, CoordinatorTime time);
  /// A member of the classic protocol leaves, or an administrator ends the membership of anybody. Each with its own
  /// error: `kUnknownMemberId`, `kFencedInstanceId`.
  struct Left {
    std::vector<LeftGroup> members;
    GroupRecords records;
  };
  [[nodiscard]] Left leave(std::span<const MemberName> members);

  /// Whether the member may commit these. One that is behind may, as far as it has had the partitions since (KIP-1251).
  /// An epoch below 0 is a commit from outside of the group. `kUnknownMemberId`, `kFencedInstanceId`,
  /// `kStaleMemberEpoch`, `kUnsupportedVersion` for a request that knows no epochs; to a member of the classic protocol
  /// `kIllegalGeneration`.
  [[nodiscard]] ErrorCode may_commit(const CommitOffsets& call) const;
  /// `kUnknownMemberId`, `kStaleMemberEpoch`, `kIllegalGeneration`.
  [[nodiscard]] ErrorCode may_fetch(const std::optional<std::string>& member, std::int32_t epoch) const;

  /// What was to be written was not: the next event writes all there is, and `on_timer` is one.
  void write_failed(const GroupRecords& lost, CoordinatorTime time);
  /// The records that take back everything.
  [[nodiscard]] GroupRecords tombstones() const;

  /// Ends the membership of whoever was not heard of, or has not given back what it lost; writes again what was lost.
  [[nodiscard]] GroupRecords on_timer(CoordinatorTime time);
  /// `on_timer` has nothing to do before. O(1): each heartbeat asks.
  [[nodiscard]] std::optional<TimePoint> next_timer() const { return next_timer_; }

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] GroupState state() const;
  [[nodiscard]] bool is_subscribed_to(const std::string& topic) const;
  [[nodiscard]] ConsumerGroupView view() const;

 private:
  /// As Kafka numbers them.
  enum class Stage : std::int8_t { kStable = 0, kUnrevoked = 1, kUnreleased = 2 };
  /// With the member epoch since which each is the member's.
  using Owned = std::map<TopicId, std::map<PartitionIndex, std::int32_t>>;
  /// What a member reads: topics by name, and those that an expression means.
  struct Subscription {
    std::vector<std::string> names;
    std::optional<std::string> pattern;

    auto operator<=>(const Subscription&) const = default;
  };
  using SubscriptionPtr = std::shared_ptr<const Subscription>;
  struct Member {
    std::string id;
    /// What it says of itself, as it is stored.
    protocol::ConsumerGroupMemberMetadataValue said;
    /// Out of that. Members that read the same share it: a group is large, and all of it read the same.
    SubscriptionPtr reads;
    std::int32_t epoch = 0;
    /// Before the last change: the answer that told it of the new one may have been lost.
    std::int32_t previous_epoch = -1;
    Stage stage = Stage::kStable;
    Owned assigned;
    Owned revoking;
    TopicPartitions target;
    /// Not heard of until then: gone.
    TimePoint deadline;
    /// Has not given back until then: gone.
    std::optional<TimePoint> revoke_deadline;
    /// Of a member of the classic protocol, which has to join, or to ask what it has, until then.
    std::optional<TimePoint> join_deadline;
    std::optional<TimePoint> sync_deadline;
  };
  using Members = std::map<std::string, Member>;
  struct Found {
    ErrorCode error = ErrorCode::kNone;
    std::string message;
    Member* member = nullptr;
  };

  struct Checked {
    ErrorCode error = ErrorCode::kNone;
    Member* member = nullptr;
  };

  [[nodiscard]] Found check(const ConsumerHeartbeat& call) const;
  [[nodiscard]] Found find(const ConsumerHeartbeat& call);
  Member& enter(const ConsumerHeartbeat& call, GroupRecords& records);
  Member& replace(const std::string& old_id, const std::string& new_id, GroupRecords& records);
  [[nodiscard]] Answered leave(const ConsumerHeartbeat& call, CoordinatorTime time);
  void remove(const std::string& member_id, GroupRecords& records);
  /// Whether it reads other topics now.
  bool update(Member& member, const ConsumerHeartbeat& call, std::optional<protocol::StoredClassicMember> classic,
              GroupRecords& records);
  /// Brings the group to a member's change, and the member on its way.
  void advance(Member& member, bool reads_others, const std::optional<TopicPartitions>& owned,
               const MetadataImage& topics, CoordinatorTime time, GroupRecords& records);
  void rewrite_if_lost(CoordinatorTime time, GroupRecords& records);
  void note_unforgotten(const GroupRecords& lost);
  void heard_of(Member& member, CoordinatorTime time);
  /// A deadline of a member that is new.
  TimePoint timed(TimePoint deadline);
  [[nodiscard]] const Member* static_member(const std::string& instance) const;

  // Members of the classic protocol: consumer_group_classic.cc.
  [[nodiscard]] bool supports(const std::string& type, const std::vector<MemberProtocol>& protocols) const;
  [[nodiscard]] Checked named(const MemberName& name);
  [[nodiscard]] Checked classic_member(const MemberName& name);
  void expect_join(Member& member, CoordinatorTime time);
  [[nodiscard]] bool has_all_free(const Member& member) const;

  // Topics and the target: consumer_group_target.cc.
  void look_at_topics(const MetadataImage& topics, bool is_changed, CoordinatorTime time, GroupRecords& records);
  void resolve_patterns(const MetadataImage& topics, CoordinatorTime time, GroupRecords& records);
  [[nodiscard]] static Subscription subscription_of(const Member& member);
  [[nodiscard]] std::set<SubscriptionPtr> subscriptions() const;
  /// Gives members what they read, from what they said.
  void share_subscriptions();
  void share_subscription(Member& member) const;
  [[nodiscard]] std::set<std::string> topics_of(const Subscription& reads) const;
  [[nodiscard]] std::set<std::string> all_topics() const;
  void divide(const MetadataImage& topics, CoordinatorTime time, GroupRecords& records);
  [[nodiscard]] ServerAssignor preferred_assignor() const;
  void reconcile(Member& member, bool reads_others, const std::optional<TopicPartitions>& owned,
                 const MetadataImage& topics, CoordinatorTime time, GroupRecords& records);
  void go_on(Member& member, const std::optional<TopicPartitions>& owned);
  /// A member that has something to give back is also to give back what it reads no longer.
  void revoke_unread(Member& member, const MetadataImage& topics);
  [[nodiscard]] bool is_free(const TopicId& topic, PartitionIndex partition, const Member& asker) const;
  void note_owner(const Member& member);
  void forget_owner(const Member& member);

  [[nodiscard]] GroupRecords everything(CoordinatorTime time) const;
  [[nodiscard]] protocol::GroupRecord group_record() const;
  [[nodiscard]] protocol::GroupRecord member_record(const Member& member) const;
  [[nodiscard]] protocol::GroupRecord target_record(const Member& member) const;
  [[nodiscard]] protocol::GroupRecord target_epoch_record(CoordinatorTime time) const;
  [[nodiscard]] protocol::GroupRecord current_record(const Member& member) const;
  void take_back(const std::string& member_id, GroupRecords& records) const;

  std::string id_;
  ConsumerGroupConfig config_;
  std::int32_t epoch_ = 0;
  std::int32_t target_epoch_ = 0;
  /// Of the topics that are read, as of the group's epoch; 0: there are none.
  std::int64_t topics_hash_ = 0;
  Members members_;
  /// Ids of static members, by the names that they keep.
  std::map<std::string, std::string> instances_;
  /// No later than any deadline of a member. Those that move on leave it behind, until `on_timer` looks at all.
  std::optional<TimePoint> next_timer_;
  /// Whose each partition is that somebody has or is giving back.
  std::map<std::pair<TopicId, PartitionIndex>, std::string> owners_;
  /// The topics that each expression means.
  std::map<std::string, std::set<std::string>> patterns_;
  /// The image that the topics were looked at in; none: again, whatever it is.
  std::optional<Offset> seen_;
  /// False: the log may lack records, and still have these members.
  bool is_written_ = true;
  /// When it is tried again if nothing else happens.
  std::optional<TimePoint> rewrite_at_;
  std::set<std::string> unforgotten_;
};

}  // namespace millrace
