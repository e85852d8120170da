// How a classic group goes from one generation to the next, and what its timers do.

#include <algorithm>

#include "base/bytes_io.h"
#include "coordinator/classic_group.h"

namespace millrace {
namespace {

using std::chrono::milliseconds;

// A client may say that a rebalance takes no time; it must not keep us busy.
constexpr std::chrono::seconds kLookAgain{1};

// The topics in a consumer's subscription (ConsumerProtocolSubscription): version, then names.
bool read_topics(Bytes metadata, std::set<std::string>& topics) {
  ByteReader reader{metadata};
  reader.skip(sizeof(std::int16_t));
  for (auto left = reader.read<std::int32_t>(); left > 0 && reader.ok(); --left) {
    const auto size = reader.read<std::int16_t>();
    if (size < 0) return false;
    topics.emplace(as_text(reader.read_bytes(static_cast<std::size_t>(size))));
  }
  return reader.ok();
}

}  // namespace

void ClassicGroup::enter(GroupState state, CoordinatorTime time) {
  state_ = state;
  state_since_ = time.wall;
}

void ClassicGroup::settle(Change change, CoordinatorTime time, GroupActions& actions) {
  if (change == Change::kMembers) return rebalance_or_complete(time, actions);
  if (state_ == GroupState::kPreparingRebalance) complete_if_all_joined(time, actions);
}

void ClassicGroup::rebalance_or_complete(CoordinatorTime time, GroupActions& actions) {
  if (state_ == GroupState::kPreparingRebalance) return complete_if_all_joined(time, actions);
  // Only members that have no id yet have left an empty group.
  if (state_ == GroupState::kEmpty && members_.empty()) return;
  prepare_rebalance(time, actions);
}

GroupActions ClassicGroup::rebalance(CoordinatorTime time) {
  GroupActions actions;
  prepare_rebalance(time, actions);
  return actions;
}

void ClassicGroup::prepare_rebalance(CoordinatorTime time, GroupActions& actions) {
  if (state_ == GroupState::kCompletingRebalance) {
    for (auto& [id, member] : members_) member.assignment.clear();
    give_assignments(ErrorCode::kRebalanceInProgress, time, actions);
  }
  not_synced_.clear();
  sync_deadline_.reset();
  rebalance_ = state_ == GroupState::kEmpty ? Rebalance::kInitial : Rebalance::kNormal;
  enter(GroupState::kPreparingRebalance, time);
  if (rebalance_ == Rebalance::kNormal) {
    join_deadline_ = time.now + rebalance_timeout();
    return complete_if_all_joined(time, actions);
  }
  somebody_new_ = false;
  initial_delay_ = config_.initial_rebalance_delay;
  initial_left_ = std::max(rebalance_timeout() - initial_delay_, milliseconds{0});
  join_deadline_ = time.now + initial_delay_;
  if (initial_delay_ <= milliseconds{0}) join_time_is_over(time, actions);
}

void ClassicGroup::complete_if_all_joined(CoordinatorTime time, GroupActions& actions) {
  if (rebalance_ == Rebalance::kNormal && all_joined()) complete_join(time, actions);
}

bool ClassicGroup::all_joined() const {
  return pending_.empty() &&
         std::ranges::all_of(members_, [](const auto& entry) { return entry.second.join_waits.has_value(); });
}

void ClassicGroup::join_time_is_over(CoordinatorTime time, GroupActions& actions) {
  if (rebalance_ == Rebalance::kInitial && std::exchange(somebody_new_, false) && initial_left_ > milliseconds{0}) {
    const auto delay = std::min(config_.initial_rebalance_delay, initial_left_);
    initial_left_ = std::max(initial_left_ - initial_delay_, milliseconds{0});
    initial_delay_ = delay;
    join_deadline_ = time.now + delay;
    return;
  }
  complete_join(time, actions);
}

void ClassicGroup::complete_join(CoordinatorTime time, GroupActions& actions) {
  join_deadline_.reset();
  std::vector<std::string> absent;
  for (const auto& [id, member] : members_) {
    if (!member.join_waits && !member.instance) absent.push_back(id);
  }
  for (const auto& id : absent) remove_member(id, actions);
  if (!members_.empty() && !elect_joined_leader()) {
    // Nobody is here but static members that have not come back: they have until their sessions end.
    rebalance_ = Rebalance::kNormal;
    join_deadline_ = time.now + std::max<milliseconds>(rebalance_timeout(), kLookAgain);
    return;
  }
  begin_generation(time);
  if (members_.empty()) {
    actions.stores.push_back({.why = GroupStore::Why::kEmpty,
                              .member_id = {},
                              .may_skip_assignment = false,
                              .leader_before = {},
                              .value = value()});
    return;
  }
  for (auto& [id, member] : members_) {
    if (const auto waits = std::exchange(member.join_waits, std::nullopt)) {
      auto answer = joined(member);
      if (leader_ == id) answer.members = everybody();
      actions.joins.emplace_back(*waits, std::move(answer));
    }
    heard_of(member, time);
    member.is_new = false;
    not_synced_.insert(id);
  }
  sync_deadline_ = time.now + rebalance_timeout();
}

void ClassicGroup::begin_generation(CoordinatorTime time) {
  ++generation_;
  rebalance_ = Rebalance::kNormal;
  protocol_.reset();
  if (members_.empty()) {
    leader_.reset();
    enter(GroupState::kEmpty, time);
  } else {
    protocol_ = select_protocol();
    enter(GroupState::kCompletingRebalance, time);
  }
  subscribed_ = read_subscriptions();
  not_synced_.clear();
  sync_deadline_.reset();
}

void ClassicGroup::give_assignments(ErrorCode error, CoordinatorTime time, GroupActions& actions) {
  for (auto& [id, member] : members_) {
    const auto waits = std::exchange(member.sync_waits, std::nullopt);
    if (!waits) continue;
    actions.syncs.emplace_back(*waits, synced(member, error));
    heard_of(member, time);
  }
}

bool ClassicGroup::elect_joined_leader() {
  const auto leader = leader_ ? members_.find(*leader_) : members_.end();
  if (leader != members_.end() && leader->second.join_waits) return true;
  const auto joined =
      std::ranges::find_if(members_, [](const auto& entry) { return entry.second.join_waits.has_value(); });
  if (joined == members_.end()) return false;
  leader_ = joined->first;
  return true;
}

milliseconds ClassicGroup::rebalance_timeout() const {
  milliseconds longest{0};
  for (const auto& [id, member] : members_) longest = std::max(longest, member.rebalance_timeout);
  return longest;
}

std::string ClassicGroup::select_protocol() const {
  std::map<std::string, int> votes;
  const auto known_to_all = [&](const std::string& name) {
    return std::ranges::all_of(members_, [&](const auto& entry) {
      return std::ranges::find(entry.second.protocols, name, &MemberProtocol::name) != entry.second.protocols.end();
    });
  };
  // Each member votes for the first in its order that everybody knows.
  for (const auto& [id, member] : members_) {
    const auto choice =
        std::ranges::find_if(member.protocols, [&](const auto& protocol) { return known_to_all(protocol.name); });
    if (choice != member.protocols.end()) ++votes[choice->name];
  }
  const auto winner = std::ranges::max_element(votes, {}, [](const auto& entry) { return entry.second; });
  return winner == votes.end() ? std::string{} : winner->first;
}

std::optional<std::set<std::string>> ClassicGroup::read_subscriptions() const {
  if (!is_consumer_group()) return std::nullopt;
  std::set<std::string> topics;
  for (const auto& member : everybody()) {
    if (!read_topics(member.metadata, topics)) return std::nullopt;
  }
  return topics;
}

GroupActions ClassicGroup::on_timer(CoordinatorTime time) {
  GroupActions actions;
  std::erase_if(pending_, [&](const auto& entry) { return entry.second <= time.now; });
  std::vector<std::string> lost;
  for (auto& [id, member] : members_) {
    if (!member.deadline || *member.deadline > time.now) continue;
    member.deadline.reset();
    // A member that waits for us is not expected to send heartbeats, unless it has waited since it came.
    if (member.is_new || (!member.join_waits && !member.sync_waits)) lost.push_back(id);
  }
  if (sync_deadline_ && *sync_deadline_ <= time.now) {
    sync_deadline_.reset();
    lost.insert(lost.end(), not_synced_.begin(), not_synced_.end());
  }
  for (const auto& id : lost) remove_member(id, actions);
  settle(lost.empty() ? Change::kPendingOnly : Change::kMembers, time, actions);
  if (join_deadline_ && *join_deadline_ <= time.now) join_time_is_over(time, actions);
  return actions;
}

std::optional<TimePoint> ClassicGroup::next_timer() const {
  std::optional<TimePoint> next;
  const auto consider = [&](const std::optional<TimePoint>& when) {
    if (when && (!next || *when < *next)) next = when;
  };
  consider(join_deadline_);
  consider(sync_deadline_);
  for (const auto& [id, deadline] : pending_) consider(deadline);
  for (const auto& [id, member] : members_) consider(member.deadline);
  return next;
}

}  // namespace millrace
