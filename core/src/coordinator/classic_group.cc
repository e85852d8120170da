#include "coordinator/classic_group.h"

#include <algorithm>

#include "base/bytes_io.h"

namespace millrace {
namespace {

// A new member cannot send heartbeats while it waits, and a connection that is gone is not seen: one that has waited so
// long does not count any more, as in Kafka.
constexpr std::chrono::minutes kNewMemberPatience{5};

JoinedGroup refused(std::string member_id, ErrorCode error) {
  JoinedGroup answer;
  answer.error = error;
  answer.member_id = std::move(member_id);
  return answer;
}

SyncedGroup not_synced(ErrorCode error) {
  SyncedGroup answer;
  answer.error = error;
  return answer;
}

const MemberProtocol* find_protocol(const std::vector<MemberProtocol>& protocols, std::string_view name) {
  const auto found = std::ranges::find(protocols, name, &MemberProtocol::name);
  return found == protocols.end() ? nullptr : &*found;
}

bool contradicts(const std::optional<std::string>& believed, const std::optional<std::string>& actual) {
  return believed && actual && *believed != *actual;
}

}  // namespace

const char* name_of(GroupState state) {
  constexpr const char* kNames[] = {"Empty", "PreparingRebalance", "CompletingRebalance", "Stable",
                                    "Dead",  "Assigning",          "Reconciling"};
  return kNames[static_cast<std::size_t>(state)];
}

const char* name_of(GroupType type) { return type == GroupType::kClassic ? "classic" : "consumer"; }

ClassicGroup::ClassicGroup(std::string id, GroupConfig config, CoordinatorTime time)
    : id_(std::move(id)), config_(config), state_since_(time.wall) {}

ClassicGroup ClassicGroup::restore(std::string id, GroupConfig config, const protocol::GroupMetadataValue& value,
                                   CoordinatorTime time) {
  ClassicGroup group{std::move(id), config, time};
  group.generation_ = value.generation;
  if (!value.protocol_type.empty()) group.protocol_type_ = value.protocol_type;
  group.protocol_ = value.protocol;
  group.leader_ = value.leader;
  group.state_since_.reset();
  if (value.current_state_timestamp != -1) {
    group.state_since_ = Timestamp{std::chrono::milliseconds{value.current_state_timestamp}};
  }
  for (const auto& stored : value.members) {
    Member member;
    member.id = stored.member_id;
    member.instance = stored.group_instance_id;
    member.client_id = stored.client_id;
    member.client_host = stored.client_host;
    member.session_timeout = std::chrono::milliseconds{stored.session_timeout};
    // Records of old have only the session's.
    member.rebalance_timeout =
        std::chrono::milliseconds{stored.rebalance_timeout == -1 ? stored.session_timeout : stored.rebalance_timeout};
    member.protocols.push_back({.name = value.protocol.value_or(""), .metadata = stored.subscription});
    member.assignment = stored.assignment;
    heard_of(member, time);
    if (member.instance) group.static_members_.emplace(*member.instance, member.id);
    group.members_.emplace(member.id, std::move(member));
  }
  group.state_ = group.members_.empty() ? GroupState::kEmpty : GroupState::kStable;
  group.subscribed_ = group.read_subscriptions();
  return group;
}

// --- who may do what -------------------------------------------------------------------------------------------------

ErrorCode ClassicGroup::check_member(const MemberName& name) const {
  if (name.instance) {
    const auto known = static_members_.find(*name.instance);
    if (known == static_members_.end()) return ErrorCode::kUnknownMemberId;
    if (known->second != name.id) return ErrorCode::kFencedInstanceId;
  }
  return members_.contains(name.id) ? ErrorCode::kNone : ErrorCode::kUnknownMemberId;
}

bool ClassicGroup::accepts(const std::string& member_id) const {
  const auto known = members_.find(member_id);
  if (state_ == GroupState::kEmpty) return true;
  if (state_ != GroupState::kPreparingRebalance) return known != members_.end() || members_.size() < config_.max_size;
  if (known != members_.end() && known->second.join_waits) return true;
  const auto waiting =
      std::ranges::count_if(members_, [](const auto& entry) { return entry.second.join_waits.has_value(); });
  return static_cast<std::size_t>(waiting) < config_.max_size;
}

bool ClassicGroup::supports(const std::string& protocol_type, const std::vector<MemberProtocol>& protocols) const {
  if (state_ == GroupState::kEmpty) return !protocol_type.empty() && !protocols.empty();
  if (protocol_type_ != protocol_type) return false;
  return std::ranges::any_of(protocols, [&](const auto& protocol) {
    return std::ranges::all_of(
        members_, [&](const auto& entry) { return find_protocol(entry.second.protocols, protocol.name) != nullptr; });
  });
}

// --- join ------------------------------------------------------------------------------------------------------------

GroupActions ClassicGroup::join(GroupRequestId request, JoinGroup call, const Uuid& fresh, CoordinatorTime time) {
  GroupActions actions;
  const auto refuse = [&](ErrorCode error) { actions.joins.emplace_back(request, refused(call.member.id, error)); };
  if (call.session_timeout < config_.min_session_timeout || call.session_timeout > config_.max_session_timeout) {
    refuse(ErrorCode::kInvalidSessionTimeout);
  } else if (!accepts(call.member.id)) {
    const bool was_member = remove_member(call.member.id, actions);
    refuse(ErrorCode::kGroupMaxSizeReached);
    settle(was_member ? Change::kMembers : Change::kPendingOnly, time, actions);
  } else if (!supports(call.protocol_type, call.protocols)) {
    refuse(ErrorCode::kInconsistentGroupProtocol);
  } else if (call.member.id.empty()) {
    join_new(request, std::move(call), fresh, time, actions);
  } else {
    join_known(request, std::move(call), time, actions);
  }
  return actions;
}

void ClassicGroup::join_new(GroupRequestId request, JoinGroup call, const Uuid& fresh, CoordinatorTime time,
                            GroupActions& actions) {
  const auto id = call.member.instance.value_or(call.client_id) + "-" + fresh.to_string();
  if (call.member.instance) {
    const auto known = static_members_.find(*call.member.instance);
    if (known != static_members_.end()) {
      const auto old_id = known->second;
      return replace_static(request, std::move(call), old_id, id, time, actions);
    }
    return add_member(request, std::move(call), id, time, actions);
  }
  if (call.id_first) {
    pending_.emplace(id, time.now + call.session_timeout);
    actions.joins.emplace_back(request, refused(id, ErrorCode::kMemberIdRequired));
    return;
  }
  add_member(request, std::move(call), id, time, actions);
}

void ClassicGroup::join_known(GroupRequestId request, JoinGroup call, CoordinatorTime time, GroupActions& actions) {
  if (!call.member.instance && pending_.contains(call.member.id)) {
    const auto id = call.member.id;
    return add_member(request, std::move(call), id, time, actions);
  }
  if (const auto error = check_member(call.member); error != ErrorCode::kNone) {
    actions.joins.emplace_back(request, refused(call.member.id, error));
    return;
  }
  auto& member = members_.at(call.member.id);
  const bool leads = leader_ == member.id;
  const bool unchanged = member.protocols == call.protocols;
  // The answer to an earlier join was lost, or a follower asks again: tell it the same. A stable group's leader that
  // joins again knows of something that changes the assignment.
  if (unchanged && (state_ == GroupState::kCompletingRebalance || (state_ == GroupState::kStable && !leads))) {
    auto answer = joined(member);
    if (leads) answer.members = everybody();
    actions.joins.emplace_back(request, std::move(answer));
    return;
  }
  update_member(member, request, std::move(call), actions);
  rebalance_or_complete(time, actions);
}

void ClassicGroup::replace_static(GroupRequestId request, JoinGroup call, const std::string& old_id,
                                  const std::string& new_id, CoordinatorTime time, GroupActions& actions) {
  const auto leader_before = leader_.value_or("");
  auto node = members_.extract(old_id);
  auto& member = node.mapped();
  // Two processes say that they are this member: the older one is fenced.
  if (const auto waits = std::exchange(member.join_waits, std::nullopt)) {
    actions.joins.emplace_back(*waits, refused(old_id, ErrorCode::kFencedInstanceId));
  }
  if (const auto waits = std::exchange(member.sync_waits, std::nullopt)) {
    actions.syncs.emplace_back(*waits, not_synced(ErrorCode::kFencedInstanceId));
  }
  not_synced_.erase(old_id);
  if (leader_ == old_id) leader_ = new_id;
  static_members_[*call.member.instance] = new_id;
  member.id = new_id;
  member.is_new = false;
  member.client_id = call.client_id;
  member.client_host = call.client_host;
  node.key() = new_id;
  auto& kept = members_.insert(std::move(node)).position->second;
  const bool may_skip = call.may_skip_assignment;
  update_member(kept, request, std::move(call), actions);
  heard_of(kept, time);

  if (state_ == GroupState::kStable && protocol_ == select_protocol()) {
    actions.stores.push_back({.why = GroupStore::Why::kStaticMember,
                              .member_id = new_id,
                              .may_skip_assignment = may_skip,
                              .leader_before = leader_before,
                              .value = value()});
    return;
  }
  // The leader may be at work on an assignment that has the old id: everybody joins again.
  rebalance_or_complete(time, actions);
}

void ClassicGroup::add_member(GroupRequestId request, JoinGroup call, const std::string& id, CoordinatorTime time,
                              GroupActions& actions) {
  if (members_.empty()) protocol_type_ = call.protocol_type;
  Member member;
  member.id = id;
  member.instance = call.member.instance;
  member.client_id = call.client_id;
  member.client_host = call.client_host;
  member.is_new = true;
  member.deadline = time.now + kNewMemberPatience;
  if (member.instance) static_members_[*member.instance] = id;
  if (!leader_) leader_ = id;
  pending_.erase(id);
  auto& added = members_.insert_or_assign(id, std::move(member)).first->second;
  update_member(added, request, std::move(call), actions);
  somebody_new_ = true;
  rebalance_or_complete(time, actions);
}

void ClassicGroup::update_member(Member& member, GroupRequestId request, JoinGroup call, GroupActions& actions) {
  member.protocols = std::move(call.protocols);
  member.session_timeout = call.session_timeout;
  member.rebalance_timeout = call.rebalance_timeout;
  if (const auto before = std::exchange(member.join_waits, request)) {
    // The member asked again, most likely because it lost its connection.
    actions.joins.emplace_back(*before, refused(member.id, ErrorCode::kRebalanceInProgress));
  }
}

bool ClassicGroup::remove_member(const std::string& id, GroupActions& actions) {
  pending_.erase(id);
  const auto found = members_.find(id);
  if (found == members_.end()) return false;
  auto& member = found->second;
  if (member.join_waits) actions.joins.emplace_back(*member.join_waits, refused("", ErrorCode::kUnknownMemberId));
  if (member.sync_waits) actions.syncs.emplace_back(*member.sync_waits, not_synced(ErrorCode::kUnknownMemberId));
  if (member.instance && static_members_[*member.instance] == id) static_members_.erase(*member.instance);
  not_synced_.erase(id);
  const auto removed = members_.extract(found);  // `id` may be the member's own: it lives until the end
  if (leader_ == id) leader_ = members_.empty() ? std::nullopt : std::optional{members_.begin()->first};
  return true;
}

// --- sync, heartbeat, leave, commit ----------------------------------------------------------------------------------

GroupActions ClassicGroup::sync(GroupRequestId request, SyncGroup call, CoordinatorTime) {
  GroupActions actions;
  const auto refuse = [&](ErrorCode error) {
    actions.syncs.emplace_back(request, not_synced(error));
    return actions;
  };
  if (const auto error = check_member(call.member); error != ErrorCode::kNone) return refuse(error);
  if (call.generation != generation_) return refuse(ErrorCode::kIllegalGeneration);
  if (contradicts(call.protocol_type, protocol_type_) || contradicts(call.protocol, protocol_)) {
    return refuse(ErrorCode::kInconsistentGroupProtocol);
  }
  if (state_ == GroupState::kPreparingRebalance) return refuse(ErrorCode::kRebalanceInProgress);

  auto& member = members_.at(call.member.id);
  not_synced_.erase(member.id);
  if (not_synced_.empty()) sync_deadline_.reset();
  if (state_ == GroupState::kStable) {
    actions.syncs.emplace_back(request, synced(member, ErrorCode::kNone));
    return actions;
  }
  if (const auto before = std::exchange(member.sync_waits, request)) {
    actions.syncs.emplace_back(*before, not_synced(ErrorCode::kRebalanceInProgress));
  }
  if (leader_ != member.id) return actions;
  // What the leader leaves out gets nothing.
  auto wanted = value();
  for (auto& stored : wanted.members) {
    stored.assignment.clear();
    for (auto& [id, assignment] : call.assignments) {
      if (id == stored.member_id) stored.assignment = std::move(assignment);
    }
  }
  actions.stores.push_back({.why = GroupStore::Why::kAssignment,
                            .member_id = member.id,
                            .may_skip_assignment = false,
                            .leader_before = {},
                            .value = std::move(wanted)});
  return actions;
}

ErrorCode ClassicGroup::heartbeat(const MemberName& name, std::int32_t generation, CoordinatorTime time) {
  if (const auto error = check_member(name); error != ErrorCode::kNone) return error;
  if (generation != generation_) return ErrorCode::kIllegalGeneration;
  heard_of(members_.at(name.id), time);
  return state_ == GroupState::kPreparingRebalance ? ErrorCode::kRebalanceInProgress : ErrorCode::kNone;
}

ClassicGroup::Left ClassicGroup::leave(std::span<const MemberName> members, CoordinatorTime time) {
  Left left;
  auto change = Change::kPendingOnly;
  for (const auto& name : members) {
    auto& result = left.members.emplace_back(LeftGroup{.member = name});
    auto id = name.id;
    if (id.empty()) {
      // An administrator names a static member by its instance.
      const auto known = name.instance ? static_members_.find(*name.instance) : static_members_.end();
      if (known != static_members_.end()) id = known->second;
      if (id.empty()) result.error = ErrorCode::kUnknownMemberId;
    } else if (!pending_.contains(id)) {
      result.error = check_member(name);
    }
    if (result.error != ErrorCode::kNone) continue;
    if (remove_member(id, left.actions)) change = Change::kMembers;
  }
  settle(change, time, left.actions);
  return left;
}

ErrorCode ClassicGroup::may_commit(const MemberName& name, std::int32_t generation, CoordinatorTime time) {
  if (generation < 0 && state_ == GroupState::kEmpty) return ErrorCode::kNone;
  if (generation < 0 && name.id.empty() && !name.instance) return ErrorCode::kUnknownMemberId;
  if (const auto error = check_member(name); error != ErrorCode::kNone) return error;
  if (generation != generation_) return ErrorCode::kIllegalGeneration;
  if (state_ == GroupState::kCompletingRebalance) return ErrorCode::kRebalanceInProgress;
  heard_of(members_.at(name.id), time);
  return ErrorCode::kNone;
}

GroupActions ClassicGroup::stored(const GroupStore& store, ErrorCode error, CoordinatorTime time) {
  GroupActions actions;
  if (store.value.generation != generation_) return actions;
  if (store.why == GroupStore::Why::kAssignment && state_ == GroupState::kCompletingRebalance) {
    if (error != ErrorCode::kNone) {
      give_assignments(error, time, actions);
      prepare_rebalance(time, actions);
      return actions;
    }
    for (const auto& stored : store.value.members) {
      const auto member = members_.find(stored.member_id);
      if (member != members_.end()) member->second.assignment = stored.assignment;
    }
    give_assignments(ErrorCode::kNone, time, actions);
    enter(GroupState::kStable, time);
  } else if (store.why == GroupStore::Why::kStaticMember && state_ == GroupState::kStable) {
    const auto found = members_.find(store.member_id);
    if (found == members_.end() || !found->second.join_waits) return actions;
    auto& member = found->second;
    if (error != ErrorCode::kNone) {
      // The group on the disk knows the old id only: the member has to join again.
      actions.joins.emplace_back(*std::exchange(member.join_waits, std::nullopt), refused("", error));
      remove_member(member.id, actions);
      rebalance_or_complete(time, actions);
      return actions;
    }
    heard_of(member, time);
    auto answer = joined(member);
    const bool leads = leader_ == member.id;
    if (leads && store.may_skip_assignment) {
      answer.skip_assignment = true;
      answer.members = everybody();
    } else if (leads) {
      // A member that thought itself leader would assign anew, which an old client must not without a rebalance.
      answer.leader = store.leader_before;
    }
    actions.joins.emplace_back(*std::exchange(member.join_waits, std::nullopt), std::move(answer));
  }
  return actions;
}

GroupActions ClassicGroup::end_waits(ErrorCode error) {
  GroupActions actions;
  for (auto& [id, member] : members_) {
    if (const auto waits = std::exchange(member.join_waits, std::nullopt)) {
      actions.joins.emplace_back(*waits, refused(id, error));
    }
    if (const auto waits = std::exchange(member.sync_waits, std::nullopt)) {
      actions.syncs.emplace_back(*waits, not_synced(error));
    }
  }
  return actions;
}

// --- what is shown ---------------------------------------------------------------------------------------------------

ListedGroup ClassicGroup::list() const {
  return {.id = id_, .protocol_type = protocol_type_.value_or(""), .state = state_};
}

DescribedGroup ClassicGroup::describe() const {
  DescribedGroup shown{
      .id = id_, .state = state_, .protocol_type = protocol_type_.value_or(""), .protocol = {}, .members = {}};
  const bool stable = state_ == GroupState::kStable;
  if (stable) shown.protocol = protocol_.value_or("");
  for (const auto& [id, member] : members_) {
    auto& described = shown.members.emplace_back();
    described.id = id;
    described.instance = member.instance;
    described.client_id = member.client_id;
    described.client_host = member.client_host;
    if (!stable) continue;
    described.assignment = member.assignment;
    if (const auto* protocol = find_protocol(member.protocols, shown.protocol)) described.metadata = protocol->metadata;
  }
  return shown;
}

std::vector<ClassicGroup::MemberView> ClassicGroup::members() const {
  std::vector<MemberView> all;
  for (const auto& [id, member] : members_) {
    const auto* protocol = find_protocol(member.protocols, protocol_.value_or(""));
    // Before the first generation there is none: then the member's first choice.
    if (protocol == nullptr) protocol = &member.protocols.front();
    all.push_back({.id = id,
                   .instance = member.instance,
                   .client_id = member.client_id,
                   .client_host = member.client_host,
                   .session_timeout = member.session_timeout,
                   .rebalance_timeout = member.rebalance_timeout,
                   .protocols = member.protocols,
                   .metadata = protocol->metadata,
                   .assignment = member.assignment});
  }
  return all;
}

std::vector<GroupMember> ClassicGroup::everybody() const {
  std::vector<GroupMember> all;
  for (const auto& [id, member] : members_) {
    const auto* protocol = find_protocol(member.protocols, protocol_.value_or(""));
    all.push_back({.id = id,
                   .instance = member.instance,
                   .metadata = protocol == nullptr ? std::vector<std::byte>{} : protocol->metadata});
  }
  return all;
}

JoinedGroup ClassicGroup::joined(const Member& member) const {
  JoinedGroup answer;
  answer.generation = generation_;
  answer.protocol_type = protocol_type_;
  answer.protocol = protocol_;
  answer.leader = leader_.value_or("");
  answer.member_id = member.id;
  return answer;
}

SyncedGroup ClassicGroup::synced(const Member& member, ErrorCode error) const {
  if (error != ErrorCode::kNone) return not_synced(error);
  return {.error = error, .protocol_type = protocol_type_, .protocol = protocol_, .assignment = member.assignment};
}

protocol::GroupMetadataValue ClassicGroup::value() const {
  protocol::GroupMetadataValue value;
  value.protocol_type = protocol_type_.value_or("");
  value.generation = generation_;
  value.protocol = protocol_;
  value.leader = leader_;
  value.current_state_timestamp = state_since_ ? state_since_->time_since_epoch().count() : -1;
  for (const auto& [id, member] : members_) {
    auto& stored = value.members.emplace_back();
    stored.member_id = id;
    stored.group_instance_id = member.instance;
    stored.client_id = member.client_id;
    stored.client_host = member.client_host;
    stored.rebalance_timeout = static_cast<std::int32_t>(member.rebalance_timeout.count());
    stored.session_timeout = static_cast<std::int32_t>(member.session_timeout.count());
    const auto* protocol = find_protocol(member.protocols, protocol_.value_or(""));
    if (protocol != nullptr) stored.subscription = protocol->metadata;
    stored.assignment = member.assignment;
  }
  return value;
}

}  // namespace millrace
