#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/types.h"
#include "coordinator/coordinator_time.h"
#include "coordinator/group_calls.h"
#include "protocol/group_records.h"

namespace millrace {

/// The broker's `group.*` keys.
struct GroupConfig {
  std::chrono::milliseconds min_session_timeout{6'000};
  std::chrono::milliseconds max_session_timeout{1'800'000};
  std::chrono::milliseconds initial_rebalance_delay{3'000};
  std::size_t max_size = 2147483647;
};

/// What has to be written down before somebody may be answered. `ClassicGroup::stored` gets it back.
struct GroupStore {
  enum class Why : std::uint8_t {
    /// The leader's assignment of a generation: then everybody gets it.
    kAssignment,
    /// A static member came back under a new id: then it is answered.
    kStaticMember,
    /// The last member is gone.
    kEmpty,
  };
  Why why;
  /// Of a static member.
  std::string member_id;
  bool may_skip_assignment = false;
  std::string leader_before;
  protocol::GroupMetadataValue value;
};

/// What has to be done after an event: answers to be sent, records to be written, in this order.
struct GroupActions {
  std::vector<std::pair<GroupRequestId, JoinedGroup>> joins;
  std::vector<std::pair<GroupRequestId, SyncedGroup>> syncs;
  std::vector<GroupStore> stores;
};

/// One group of the classic protocol, in which a member divides the work: (event, now) -> actions. No locks, no timers,
/// no I/O; every request that it takes is answered exactly once, by some later event if not at once.
///
///              join                     all joined, or time
///     Empty ----------> PreparingRebalance --------------> CompletingRebalance
///       ^                     |     ^                        |      | leader's assignment stored
///       +---------------------+     |      join, leave,      |      v
///          nobody joined            +---- session lost ------+--- Stable
///
/// Dead is a group that nobody holds any more: its owner drops it. Generations count completed joins.
///
/// Threading: one thread at a time.
class ClassicGroup {
 public:
  ClassicGroup(std::string id, GroupConfig config, CoordinatorTime time);
  /// The group as it was written down; its members have their session time-out to be heard of.
  static ClassicGroup restore(std::string id, GroupConfig config, const protocol::GroupMetadataValue& value,
                              CoordinatorTime time);

  /// Answers kinds of errors as Kafka: `kInconsistentGroupProtocol`, `kUnknownMemberId`, `kFencedInstanceId`,
  /// `kMemberIdRequired` (with the id to join with), `kGroupMaxSizeReached`, `kInvalidSessionTimeout`,
  /// `kRebalanceInProgress`. `fresh` makes the id of a new member.
  [[nodiscard]] GroupActions join(GroupRequestId request, JoinGroup call, const Uuid& fresh, CoordinatorTime time);
  /// `kUnknownMemberId`, `kFencedInstanceId`, `kIllegalGeneration`, `kInconsistentGroupProtocol`,
  /// `kRebalanceInProgress`.
  [[nodiscard]] GroupActions sync(GroupRequestId request, SyncGroup call, CoordinatorTime time);
  /// `kUnknownMemberId`, `kFencedInstanceId`, `kIllegalGeneration`, `kRebalanceInProgress`. Never makes `next_timer`
  /// earlier.
  [[nodiscard]] ErrorCode heartbeat(const MemberName& member, std::int32_t generation, CoordinatorTime time);
  /// Each with its own error: `kUnknownMemberId`, `kFencedInstanceId`.
  struct Left {
    std::vector<LeftGroup> members;
    GroupActions actions;
  };
  [[nodiscard]] Left leave(std::span<const MemberName> members, CoordinatorTime time);
  /// Whether the member may commit offsets; if so it is alive. A generation below 0 is a commit from outside of the
  /// group. `kUnknownMemberId`, `kFencedInstanceId`, `kIllegalGeneration`, `kRebalanceInProgress`.
  [[nodiscard]] ErrorCode may_commit(const MemberName& member, std::int32_t generation, CoordinatorTime time);

  /// `store` is durable, or could not be made so.
  [[nodiscard]] GroupActions stored(const GroupStore& store, ErrorCode error, CoordinatorTime time);
  /// Everybody is to join again.
  [[nodiscard]] GroupActions rebalance(CoordinatorTime time);
  /// Answers every request that waits; the members stay.
  [[nodiscard]] GroupActions end_waits(ErrorCode error);

  [[nodiscard]] GroupActions on_timer(CoordinatorTime time);
  /// When `on_timer` has something to do next.
  [[nodiscard]] std::optional<TimePoint> next_timer() const;

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] GroupState state() const { return state_; }
  /// Nobody is in it, nor has been told an id to come with.
  [[nodiscard]] bool is_abandoned() const { return state_ == GroupState::kEmpty && pending_.empty(); }
  [[nodiscard]] std::int32_t generation() const { return generation_; }
  [[nodiscard]] std::size_t size() const { return members_.size(); }
  [[nodiscard]] const std::optional<std::string>& protocol_type() const { return protocol_type_; }
  /// When the state was entered; none in records of old.
  [[nodiscard]] std::optional<Timestamp> state_since() const { return state_since_; }
  [[nodiscard]] ListedGroup list() const;
  [[nodiscard]] DescribedGroup describe() const;
  /// The members as they are, and what they have of the last generation.
  struct MemberView {
    std::string id;
    std::optional<std::string> instance;
    std::string client_id;
    std::string client_host;
    std::chrono::milliseconds session_timeout{};
    std::chrono::milliseconds rebalance_timeout{};
    std::vector<MemberProtocol> protocols;
    /// Of the protocol that the group speaks.
    std::vector<std::byte> metadata;
    std::vector<std::byte> assignment;
  };
  [[nodiscard]] std::vector<MemberView> members() const;
  [[nodiscard]] bool is_consumer_group() const { return protocol_type_ == kConsumerProtocol; }
  /// The topics that the members of this generation read; none when that cannot be told.
  [[nodiscard]] const std::optional<std::set<std::string>>& subscribed_topics() const { return subscribed_; }

 private:
  struct Member {
    std::string id;
    std::optional<std::string> instance;
    std::string client_id;
    std::string client_host;
    std::chrono::milliseconds session_timeout{};
    std::chrono::milliseconds rebalance_timeout{};
    std::vector<MemberProtocol> protocols;
    std::vector<std::byte> assignment;
    std::optional<GroupRequestId> join_waits;
    std::optional<GroupRequestId> sync_waits;
    /// Not heard of until then: gone. None while nothing is expected of the member.
    std::optional<TimePoint> deadline;
    /// It has not been told its first generation yet.
    bool is_new = false;
  };
  using Members = std::map<std::string, Member>;
  enum class Rebalance : std::uint8_t { kInitial, kNormal };

  [[nodiscard]] ErrorCode check_member(const MemberName& name) const;
  [[nodiscard]] bool accepts(const std::string& member_id) const;
  [[nodiscard]] bool supports(const std::string& protocol_type, const std::vector<MemberProtocol>& protocols) const;
  void join_new(GroupRequestId request, JoinGroup call, const Uuid& fresh, CoordinatorTime time, GroupActions& actions);
  void join_known(GroupRequestId request, JoinGroup call, CoordinatorTime time, GroupActions& actions);
  void replace_static(GroupRequestId request, JoinGroup call, const std::string& old_id, const std::string& new_id,
                      CoordinatorTime time, GroupActions& actions);
  void add_member(GroupRequestId request, JoinGroup call, const std::string& id, CoordinatorTime time,
                  GroupActions& actions);
  void update_member(Member& member, GroupRequestId request, JoinGroup call, GroupActions& actions);
  /// Whether it was a member; one that has only been told an id was none.
  bool remove_member(const std::string& id, GroupActions& actions);
  enum class Change : std::uint8_t { kMembers, kPendingOnly };

  void settle(Change change, CoordinatorTime time, GroupActions& actions);
  void rebalance_or_complete(CoordinatorTime time, GroupActions& actions);
  void prepare_rebalance(CoordinatorTime time, GroupActions& actions);
  void complete_if_all_joined(CoordinatorTime time, GroupActions& actions);
  void join_time_is_over(CoordinatorTime time, GroupActions& actions);
  void complete_join(CoordinatorTime time, GroupActions& actions);
  void begin_generation(CoordinatorTime time);
  void give_assignments(ErrorCode error, CoordinatorTime time, GroupActions& actions);

  [[nodiscard]] bool all_joined() const;
  [[nodiscard]] bool elect_joined_leader();
  [[nodiscard]] std::chrono::milliseconds rebalance_timeout() const;
  [[nodiscard]] std::string select_protocol() const;
  [[nodiscard]] std::optional<std::set<std::string>> read_subscriptions() const;
  [[nodiscard]] std::vector<GroupMember> everybody() const;
  [[nodiscard]] JoinedGroup joined(const Member& member) const;
  [[nodiscard]] SyncedGroup synced(const Member& member, ErrorCode error) const;
  [[nodiscard]] protocol::GroupMetadataValue value() const;
  void enter(GroupState state, CoordinatorTime time);
  static void heard_of(Member& member, CoordinatorTime time) { member.deadline = time.now + member.session_timeout; }

  std::string id_;
  GroupConfig config_;
  GroupState state_ = GroupState::kEmpty;
  std::optional<Timestamp> state_since_;
  std::int32_t generation_ = 0;
  std::optional<std::string> protocol_type_;
  std::optional<std::string> protocol_;
  std::optional<std::string> leader_;
  std::optional<std::set<std::string>> subscribed_;
  Members members_;
  std::map<std::string, std::string> static_members_;
  /// Members that were told an id and have not come back with it.
  std::map<std::string, TimePoint> pending_;
  /// Members that know of the generation and have not asked for their work.
  std::set<std::string> not_synced_;
  std::optional<TimePoint> sync_deadline_;
  std::optional<TimePoint> join_deadline_;
  /// The first rebalance of a group waits for more members while they come.
  Rebalance rebalance_ = Rebalance::kNormal;
  std::chrono::milliseconds initial_delay_{};
  std::chrono::milliseconds initial_left_{};
  bool somebody_new_ = false;
};

}  // namespace millrace
