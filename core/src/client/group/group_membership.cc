#include "client/group/group_membership.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes_io.h"
#include "client/group/sticky_user_data.h"

namespace millrace {
namespace {

constexpr std::chrono::milliseconds kRetryBackoff{100};

std::vector<TopicPartition> without(const std::vector<TopicPartition>& all, const std::vector<TopicPartition>& taken) {
  std::vector<TopicPartition> left;
  std::ranges::copy_if(all, std::back_inserter(left),
                       [&](const auto& one) { return std::ranges::find(taken, one) == taken.end(); });
  return left;
}

/// The coordinator is not there yet, or busy: the same again a little later.
bool passes(ErrorCode code) {
  return code == ErrorCode::kCoordinatorLoadInProgress || code == ErrorCode::kCoordinatorNotAvailable ||
         code == ErrorCode::kNotCoordinator || code == ErrorCode::kRebalanceInProgress;
}

}  // namespace

// --- the application -------------------------------------------------------------------------------------------------

void GroupMembership::subscribe(std::vector<std::string> topics, TimePoint now) {
  std::ranges::sort(topics);
  const auto repeated = std::ranges::unique(topics);
  topics.erase(repeated.begin(), repeated.end());
  if (state_ == State::kStable && topics != topics_) rejoin_ = true;
  topics_ = std::move(topics);
  last_poll_ = now;
}

std::optional<MemberName> GroupMembership::leave() {
  std::optional<MemberName> told;
  // A static member stays: whoever comes back under its name goes on where it was.
  if (!member_id_.empty() && !settings_.instance) told = name();
  if (!owned_.empty()) notices_.push_back({Notice::Kind::kRevoked, std::exchange(owned_, {})});
  topics_.clear();
  member_id_.clear();
  generation_ = -1;
  state_ = State::kOutside;
  rejoin_ = false;
  lost_ = false;
  return told;
}

bool GroupMembership::wants_to_join() const {
  return !topics_.empty() && (state_ == State::kUnjoined || (state_ == State::kStable && rejoin_));
}

std::optional<GroupMembership::Notice> GroupMembership::next_notice() {
  if (std::exchange(lost_, false) && !owned_.empty()) {
    notices_.push_back({Notice::Kind::kLost, std::exchange(owned_, {})});
  }
  if (!notices_.empty()) {
    auto notice = std::move(notices_.front());
    notices_.pop_front();
    return notice;
  }
  if (!wants_to_join() || owned_.empty()) return std::nullopt;
  if (!is_cooperative()) return Notice{Notice::Kind::kRevoked, std::exchange(owned_, {})};
  std::vector<TopicPartition> unwanted;
  std::ranges::copy_if(owned_, std::back_inserter(unwanted),
                       [&](const auto& one) { return !std::ranges::binary_search(topics_, one.topic); });
  if (unwanted.empty()) return std::nullopt;
  owned_ = without(owned_, unwanted);
  return Notice{Notice::Kind::kRevoked, std::move(unwanted)};
}

std::optional<GroupMembership::Call> GroupMembership::next_call(TimePoint now, const CountTopics& counts) {
  if (topics_.empty() || fenced_ || lost_ || !notices_.empty() || now < retry_at_) return std::nullopt;
  if (state_ == State::kOutside) {
    state_ = State::kFinding;
    ++call_number_;
    return FindCoordinator{};
  }
  if (wants_to_join()) {
    state_ = State::kJoining;
    ++call_number_;
    rejoin_ = false;
    return join_call();
  }
  if (state_ == State::kJoined) {
    state_ = State::kSyncing;
    ++call_number_;
    return sync_call(counts);
  }
  return std::nullopt;
}

std::optional<TimePoint> GroupMembership::retry_at(TimePoint now) const {
  const bool waits = state_ == State::kOutside || wants_to_join();
  if (topics_.empty() || !waits || retry_at_ <= now) return std::nullopt;
  return retry_at_;
}

std::optional<Error> GroupMembership::take_error() {
  if (fenced_) return error_;
  return std::exchange(error_, std::nullopt);
}

void GroupMembership::look_at_topics(const CountTopics& counts) {
  if (state_ == State::kStable && !group_topics_.empty() && counts(group_topics_) != divided_by_) rejoin_ = true;
}

// --- joining ---------------------------------------------------------------------------------------------------------

void GroupMembership::found(CallNumber call, const Result<void>& result, TimePoint now) {
  if (state_ != State::kFinding || call != call_number_) return;
  state_ = State::kOutside;
  if (result) {
    state_ = State::kUnjoined;
  } else {
    error_ = result.error();
    retry_later(now);
  }
}

JoinGroup GroupMembership::join_call() const {
  JoinGroup call;
  call.member = name();
  call.client_id = settings_.client_id;
  call.client_host = "/127.0.0.1";
  call.protocol_type = "consumer";
  for (const auto* assignor : settings_.assignors) {
    call.protocols.push_back({.name = std::string{assignor->name}, .metadata = subscription_for(*assignor)});
  }
  call.session_timeout = settings_.session_timeout;
  call.rebalance_timeout = settings_.max_poll_interval;
  return call;
}

protocol::ByteString GroupMembership::subscription_for(const Assignor& assignor) const {
  protocol::ConsumerSubscription subscription;
  subscription.topics = topics_;
  subscription.owned_partitions = protocol::by_topic(owned_);
  subscription.generation_id = generation_;
  if (assignor.user_data == AssignorUserData::kGeneration) {
    subscription.user_data = encode_generation(generation_);
  } else if (assignor.user_data == AssignorUserData::kOwnedAndGeneration) {
    subscription.user_data = encode_sticky({protocol::by_topic(remembered_), remembered_generation_});
  }
  return protocol::encode_subscription(subscription);
}

void GroupMembership::joined(CallNumber call, JoinedGroup answer, TimePoint now) {
  if (state_ != State::kJoining || call != call_number_) return;
  if (answer.error == ErrorCode::kMemberIdRequired) {
    member_id_ = answer.member_id;
    state_ = State::kUnjoined;
    return;
  }
  if (answer.error != ErrorCode::kNone) return refused(answer.error, now);
  member_id_ = answer.member_id;
  generation_ = answer.generation;
  const auto chosen =
      std::ranges::find(settings_.assignors, std::string_view{answer.protocol.value_or("")}, &Assignor::name);
  if (chosen == settings_.assignors.end()) return refused(ErrorCode::kInconsistentGroupProtocol, now);
  assignor_ = *chosen;
  joined_ = std::move(answer);
  group_topics_.clear();
  last_beat_ = now;
  state_ = State::kJoined;
}

SyncGroup GroupMembership::sync_call(const CountTopics& counts) {
  SyncGroup call;
  call.member = name();
  call.generation = generation_;
  call.protocol_type = "consumer";
  call.protocol = joined_->protocol;
  if (joined_->leader == member_id_) divide(call, counts);
  joined_.reset();
  return call;
}

void GroupMembership::divide(SyncGroup& call, const CountTopics& counts) {
  std::vector<AssignorMember> members;
  for (const auto& member : joined_->members) {
    auto& known = members.emplace_back(AssignorMember{.id = member.id, .instance = member.instance});
    // What a member says that cannot be read gives it nothing, and the others their part.
    auto subscription = protocol::decode_subscription(member.metadata);
    if (!subscription) continue;
    known.owned = protocol::one_by_one(subscription->owned_partitions);
    known.generation = subscription->generation_id;
    if (subscription->user_data) read_user_data(*subscription->user_data, assignor_->user_data, known);
    group_topics_.insert(subscription->topics.begin(), subscription->topics.end());
    known.topics = std::move(subscription->topics);
  }
  divided_by_ = counts(group_topics_);
  // The leader is back and nothing has changed: what was assigned holds.
  if (joined_->skip_assignment) return;
  for (auto& [id, partitions] : assignor_->assign(divided_by_, members)) {
    protocol::ConsumerAssignment assignment;
    assignment.assigned_partitions = protocol::by_topic(partitions);
    call.assignments.emplace_back(id, protocol::encode_assignment(assignment));
  }
}

void GroupMembership::synced(CallNumber call, const SyncedGroup& answer, TimePoint now) {
  if (state_ != State::kSyncing || call != call_number_) return;
  if (answer.error != ErrorCode::kNone) return refused(answer.error, now);
  const auto assignment = protocol::decode_assignment(answer.assignment);
  if (!assignment) {
    error_ = Error{assignment.error()}.in(fmt::format("group \"{}\": what this member was assigned", settings_.group));
    state_ = State::kUnjoined;
    return retry_later(now);
  }
  state_ = State::kStable;
  last_beat_ = now;
  take_assignment(protocol::one_by_one(assignment->assigned_partitions));
}

void GroupMembership::take_assignment(std::vector<TopicPartition> assigned) {
  auto added = without(assigned, owned_);
  auto gone = without(owned_, assigned);
  owned_ = std::move(assigned);
  remembered_ = owned_;
  remembered_generation_ = generation_;
  if (!gone.empty()) {
    notices_.push_back({Notice::Kind::kRevoked, std::move(gone)});
    // Whoever is to have them gets them when everybody has let go.
    rejoin_ = true;
  }
  notices_.push_back({Notice::Kind::kAssigned, std::move(added)});
}

// --- trouble ---------------------------------------------------------------------------------------------------------

void GroupMembership::out_of_group(Keep keep) {
  if (keep == Keep::kNothing) member_id_.clear();
  generation_ = -1;
  lost_ = true;
  state_ = State::kUnjoined;
}

void GroupMembership::retry_later(TimePoint now) { retry_at_ = now + kRetryBackoff; }

void GroupMembership::refused(ErrorCode code, TimePoint now) {
  state_ = State::kUnjoined;
  if (code == ErrorCode::kUnknownMemberId) return out_of_group(Keep::kNothing);
  if (code == ErrorCode::kIllegalGeneration) return out_of_group(Keep::kMemberId);
  if (code == ErrorCode::kRebalanceInProgress) return;
  if (!passes(code)) {
    error_ = Error{code, fmt::format("cannot join group \"{}\": {}", settings_.group, name_of(code))};
  }
  if (code == ErrorCode::kFencedInstanceId) {
    fenced_ = true;
    error_ = Error{code, fmt::format("group \"{}\": another member has taken the group.instance.id \"{}\"; this one is "
                                     "out",
                                     settings_.group, settings_.instance.value_or(""))};
    out_of_group(Keep::kNothing);
  }
  if (code == ErrorCode::kNotCoordinator) state_ = State::kOutside;
  retry_later(now);
}

void GroupMembership::beat(const Heartbeat& sent, ErrorCode answer) {
  if (!is_member() || sent.generation != generation_ || sent.member.id != member_id_) return;
  switch (answer) {
    case ErrorCode::kRebalanceInProgress:
      if (state_ == State::kStable) rejoin_ = true;
      return;
    case ErrorCode::kUnknownMemberId:
      return out_of_group(Keep::kNothing);
    case ErrorCode::kIllegalGeneration:
      return out_of_group(Keep::kMemberId);
    case ErrorCode::kFencedInstanceId:
      return refused(answer, last_beat_);
    default:
      return;
  }
}

GroupMembership::TimerCall GroupMembership::on_timer(TimePoint now) {
  if (!is_member()) return {};
  if (now >= last_poll_ + settings_.max_poll_interval) {
    auto gone = name();
    out_of_group(Keep::kNothing);
    return Leave{std::move(gone)};
  }
  if (now < last_beat_ + settings_.heartbeat_interval) return {};
  last_beat_ = now;
  return Heartbeat{name(), generation_};
}

std::optional<TimePoint> GroupMembership::next_timer() const {
  if (!is_member()) return std::nullopt;
  return std::min(last_beat_ + settings_.heartbeat_interval, last_poll_ + settings_.max_poll_interval);
}

}  // namespace millrace
