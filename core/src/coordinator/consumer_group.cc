#include "coordinator/consumer_group.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

namespace millrace {
namespace {

constexpr std::chrono::milliseconds kRetryWrite{1000};

ConsumerGroup::Answered refused_beat(ErrorCode error, std::string message) {
  ConsumerGroup::Answered refused;
  refused.answer.error = error;
  refused.answer.message = std::move(message);
  return refused;
}

/// Whether all of `some` is among what `assigned` has.
bool is_within(const TopicPartitions& some, const auto& assigned) {
  return std::ranges::all_of(some, [&](const auto& entry) {
    const auto held = assigned.find(entry.first);
    return std::ranges::all_of(entry.second, [&](PartitionIndex partition) {
      return held != assigned.end() && held->second.contains(partition);
    });
  });
}

TopicPartitions without_epochs(const auto& owned) {
  TopicPartitions plain;
  for (const auto& [topic, partitions] : owned) {
    auto& some = plain[topic];
    for (const auto& [partition, epoch] : partitions) some.insert(partition);
  }
  return plain;
}

}  // namespace

ConsumerGroup::ConsumerGroup(std::string id, ConsumerGroupConfig config)
    : id_(std::move(id)), config_(std::move(config)) {}

// --- who asks --------------------------------------------------------------------------------------------------------

ConsumerGroup::Found ConsumerGroup::check(const ConsumerHeartbeat& call) const {
  const auto refuse = [](ErrorCode error, std::string message) {
    return Found{.error = error, .message = std::move(message), .member = nullptr};
  };
  const auto invalid = [&](std::string message) { return refuse(ErrorCode::kInvalidRequest, std::move(message)); };
  if (call.member.instance && call.member.instance->empty()) return invalid("InstanceId can't be empty.");
  if (call.rack && call.rack->empty()) return invalid("RackId can't be empty.");
  if (call.epoch < kLeavesForAWhile) return invalid("MemberEpoch is invalid.");
  if (call.epoch != kJoinsGroup && call.member.id.empty()) return invalid("MemberId can't be empty.");
  if (call.epoch == kLeavesForAWhile && !call.member.instance) return invalid("InstanceId can't be null.");
  if (call.epoch == kJoinsGroup) {
    if (!call.rebalance_timeout) return invalid("RebalanceTimeoutMs must be provided in first request.");
    if (!call.owned || !call.owned->empty()) return invalid("TopicPartitions must be empty when (re-)joining.");
    if (!call.topics && !call.topic_pattern) {
      return invalid("Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.");
    }
  }
  if (call.assignor) {
    const auto wanted = assignor_of(*call.assignor);
    if (!wanted || std::ranges::find(config_.assignors, *wanted) == config_.assignors.end()) {
      std::vector<std::string_view> names;
      names.reserve(config_.assignors.size());
      for (const auto known : config_.assignors) names.push_back(name_of(known));
      return refuse(ErrorCode::kUnsupportedAssignor,
                    fmt::format("ServerAssignor {} is not supported. Supported assignors: {}.", *call.assignor,
                                fmt::join(names, ", ")));
    }
  }
  if (call.topic_pattern && !patterns_.contains(*call.topic_pattern)) {
    const RE2 pattern{*call.topic_pattern, RE2::Quiet};
    if (!pattern.ok()) {
      return refuse(ErrorCode::kInvalidRegularExpression,
                    fmt::format("SubscribedTopicRegex `{}` is not a valid regular expression: {}.", *call.topic_pattern,
                                pattern.error()));
    }
  }
  if (call.epoch == kJoinsGroup && members_.size() >= config_.max_size && !members_.contains(call.member.id)) {
    return refuse(ErrorCode::kGroupMaxSizeReached,
                  fmt::format("The consumer group has reached its maximum capacity of {} members.", config_.max_size));
  }
  return {};
}

const ConsumerGroup::Member* ConsumerGroup::static_member(const std::string& instance) const {
  const auto found = instances_.find(instance);
  return found == instances_.end() ? nullptr : &members_.at(found->second);
}

ConsumerGroup::Found ConsumerGroup::find(const ConsumerHeartbeat& call) {
  const auto refuse = [](ErrorCode error, std::string message) {
    return Found{.error = error, .message = std::move(message), .member = nullptr};
  };
  const auto& [id, instance] = call.member;
  const bool joins = call.epoch == kJoinsGroup;
  if (instance) {
    const auto* known = static_member(*instance);
    if (joins) {
      // Whoever had the name has it until it says that it left for a while; the classic protocol has no words for that.
      const bool is_released =
          known == nullptr || known->id == id ||
          ((known->epoch == kLeavesForAWhile || known->said.classic_member_metadata) && !members_.contains(id));
      if (!is_released) {
        return refuse(ErrorCode::kUnreleasedInstanceId,
                      fmt::format("Static member {} with instance id {} cannot join the group because the instance id "
                                  "is owned by {} member.",
                                  id, *instance, known->id));
      }
    } else if (known == nullptr) {
      return refuse(ErrorCode::kUnknownMemberId, fmt::format("Instance id {} is unknown.", *instance));
    } else if (known->id != id) {
      return refuse(
          ErrorCode::kFencedInstanceId,
          fmt::format("Static member {} with instance id {} was fenced by member {}.", id, *instance, known->id));
    }
  }
  const auto found = members_.find(id);
  if (found == members_.end()) {
    if (joins) return {};
    return refuse(ErrorCode::kUnknownMemberId, fmt::format("Member {} is not a member of group {}.", id, id_));
  }
  auto& member = found->second;
  if (call.epoch <= kJoinsGroup || call.epoch == member.epoch) return {.member = &member};
  // The answer with the new epoch may have been lost.
  const bool is_retry = call.epoch < member.epoch && call.epoch == member.previous_epoch && call.owned &&
                        is_within(*call.owned, member.assigned);
  if (is_retry) return {.member = &member};
  return refuse(ErrorCode::kFencedMemberEpoch,
                fmt::format("The consumer group member has a {} member epoch ({}) than the one known by the group "
                            "coordinator ({}). The member must abandon all its partitions and rejoin.",
                            call.epoch > member.epoch ? "greater" : "smaller", call.epoch, member.epoch));
}

// --- heartbeats ------------------------------------------------------------------------------------------------------

ConsumerGroup::Answered ConsumerGroup::heartbeat(ConsumerHeartbeat call, const Uuid& fresh_id,
                                                 const MetadataImage& topics, CoordinatorTime time) {
  if (auto checked = check(call); checked.error != ErrorCode::kNone) {
    return refused_beat(checked.error, std::move(checked.message));
  }
  if (call.member.id.empty()) call.member.id = fresh_id.to_string();
  auto found = find(call);
  if (found.error != ErrorCode::kNone) return refused_beat(found.error, std::move(found.message));
  if (call.epoch < kJoinsGroup) return leave(call, time);

  Answered answered;
  const auto size_before = members_.size();
  auto& member = found.member == nullptr ? enter(call, answered.records) : *found.member;
  const auto assigned_before = without_epochs(member.assigned);
  const bool reads_others = update(member, call, std::nullopt, answered.records) || members_.size() != size_before;
  advance(member, reads_others, call.owned, topics, time, answered.records);
  member.join_deadline.reset();
  member.sync_deadline.reset();
  heard_of(member, time);

  auto assigned = without_epochs(member.assigned);
  const bool says_all =
      call.epoch == kJoinsGroup || (call.rebalance_timeout && (call.topics || call.topic_pattern) && call.owned);
  answered.answer.member_id = member.id;
  answered.answer.epoch = member.epoch;
  answered.answer.heartbeat_interval = config_.times.heartbeat_interval;
  if (says_all || assigned != assigned_before) answered.answer.assignment = std::move(assigned);
  rewrite_if_lost(time, answered.records);
  return answered;
}

void ConsumerGroup::advance(Member& member, bool reads_others, const std::optional<TopicPartitions>& owned,
                            const MetadataImage& topics, CoordinatorTime time, GroupRecords& records) {
  look_at_topics(topics, reads_others, time, records);
  if (epoch_ > target_epoch_) divide(topics, time, records);
  reconcile(member, reads_others, owned, topics, time, records);
}

void ConsumerGroup::rewrite_if_lost(CoordinatorTime time, GroupRecords& records) {
  if (is_written_) return;
  note_unforgotten(records);
  records = everything(time);
  is_written_ = true;
  rewrite_at_.reset();
  unforgotten_.clear();
}

void ConsumerGroup::heard_of(Member& member, CoordinatorTime time) {
  const auto& classic = member.said.classic_member_metadata;
  member.deadline = timed(
      time.now + (classic ? std::chrono::milliseconds{classic->session_timeout_ms} : config_.times.session_timeout));
}

TimePoint ConsumerGroup::timed(TimePoint deadline) {
  next_timer_ = std::min(next_timer_.value_or(deadline), deadline);
  return deadline;
}

ConsumerGroup::Member& ConsumerGroup::enter(const ConsumerHeartbeat& call, GroupRecords& records) {
  if (call.member.instance) {
    if (const auto* before = static_member(*call.member.instance)) {
      const auto old_id = before->id;
      return replace(old_id, call.member.id, records);
    }
  }
  Member member;
  member.id = call.member.id;
  share_subscription(member);
  return members_.emplace(call.member.id, std::move(member)).first->second;
}

ConsumerGroup::Member& ConsumerGroup::replace(const std::string& old_id, const std::string& new_id,
                                              GroupRecords& records) {
  take_back(old_id, records);
  auto node = members_.extract(old_id);
  forget_owner(node.mapped());
  node.key() = new_id;
  node.mapped().id = new_id;
  node.mapped().epoch = 0;
  node.mapped().previous_epoch = 0;
  if (node.mapped().said.instance_id) instances_.insert_or_assign(*node.mapped().said.instance_id, new_id);
  auto& member = members_.insert(std::move(node)).position->second;
  note_owner(member);
  records.push_back(member_record(member));
  records.push_back(target_record(member));
  records.push_back(current_record(member));
  return member;
}

bool ConsumerGroup::update(Member& member, const ConsumerHeartbeat& call,
                           std::optional<protocol::StoredClassicMember> classic, GroupRecords& records) {
  auto said = member.said;
  if (call.member.instance) said.instance_id = call.member.instance;
  if (call.rack) said.rack_id = call.rack;
  if (call.rebalance_timeout) said.rebalance_timeout_ms = static_cast<std::int32_t>(call.rebalance_timeout->count());
  if (call.assignor) said.server_assignor = call.assignor;
  if (call.topics) said.subscribed_topic_names = {call.topics->begin(), call.topics->end()};
  if (call.topic_pattern) {
    said.subscribed_topic_regex = call.topic_pattern;
    if (call.topic_pattern->empty()) said.subscribed_topic_regex.reset();
  }
  said.client_id = call.client_id;
  said.client_host = call.client_host;
  said.classic_member_metadata = std::move(classic);
  if (said == member.said) return false;
  const bool reads_others = said.subscribed_topic_names != member.said.subscribed_topic_names ||
                            said.subscribed_topic_regex != member.said.subscribed_topic_regex;
  if (said.instance_id != member.said.instance_id) {
    if (member.said.instance_id) instances_.erase(*member.said.instance_id);
    instances_.insert_or_assign(*said.instance_id, member.id);
  }
  member.said = std::move(said);
  if (reads_others) share_subscription(member);
  records.push_back(member_record(member));
  return reads_others;
}

ConsumerGroup::Answered ConsumerGroup::leave(const ConsumerHeartbeat& call, CoordinatorTime) {
  Answered answered;
  answered.answer.member_id = call.member.id;
  answered.answer.epoch = call.epoch;
  if (call.epoch == kLeavesGroup) {
    remove(call.member.id, answered.records);
    return answered;
  }
  auto& member = members_.at(call.member.id);
  forget_owner(member);
  member.epoch = kLeavesForAWhile;
  member.revoking.clear();
  member.revoke_deadline.reset();
  note_owner(member);
  answered.records.push_back(current_record(member));
  return answered;
}

void ConsumerGroup::remove(const std::string& member_id, GroupRecords& records) {
  const auto node = members_.extract(member_id);  // `member_id` may be the member's own: it lives until the end
  forget_owner(node.mapped());
  if (node.mapped().said.instance_id) instances_.erase(*node.mapped().said.instance_id);
  take_back(node.key(), records);
  ++epoch_;
  // The topics of the group may be fewer: to be looked at when somebody comes.
  seen_.reset();
  if (members_.empty()) {
    for (const auto& [pattern, topics] : std::exchange(patterns_, {})) {
      protocol::ConsumerGroupRegularExpressionRecord gone;
      gone.key = {.group = id_, .regular_expression = pattern};
      records.emplace_back(std::move(gone));
    }
    topics_hash_ = 0;
  }
  records.push_back(group_record());
}

// --- offsets ---------------------------------------------------------------------------------------------------------

ErrorCode ConsumerGroup::may_commit(const CommitOffsets& call) const {
  const auto& name = call.member;
  const auto epoch = call.generation;
  if (epoch < 0 && members_.empty()) return ErrorCode::kNone;
  const auto found = members_.find(name.id);
  if (found == members_.end()) return ErrorCode::kUnknownMemberId;
  const auto& member = found->second;
  if (name.instance && member.said.instance_id != name.instance) return ErrorCode::kFencedInstanceId;
  const bool is_classic = member.said.classic_member_metadata.has_value();
  if (!call.transaction && !is_classic && call.speaks == GroupType::kClassic) return ErrorCode::kUnsupportedVersion;
  if (epoch == member.epoch) return ErrorCode::kNone;
  if (is_classic) return ErrorCode::kIllegalGeneration;
  if (epoch < 0 || epoch > member.epoch) return ErrorCode::kStaleMemberEpoch;
  const auto has_had = [&](const Owned& owned, const OffsetToCommit& offset) {
    const auto topic = owned.find(offset.topic.id);
    if (topic == owned.end()) return false;
    const auto since = topic->second.find(offset.partition);
    return since != topic->second.end() && since->second <= epoch;
  };
  const bool may = std::ranges::all_of(call.offsets, [&](const auto& offset) {
    return has_had(member.assigned, offset) || has_had(member.revoking, offset);
  });
  return may ? ErrorCode::kNone : ErrorCode::kStaleMemberEpoch;
}

ErrorCode ConsumerGroup::may_fetch(const std::optional<std::string>& member, std::int32_t epoch) const {
  if (!member && epoch < 0) return ErrorCode::kNone;
  const auto found = members_.find(member.value_or(""));
  if (found == members_.end()) return ErrorCode::kUnknownMemberId;
  if (epoch == found->second.epoch) return ErrorCode::kNone;
  return found->second.said.classic_member_metadata ? ErrorCode::kIllegalGeneration : ErrorCode::kStaleMemberEpoch;
}

void ConsumerGroup::write_failed(const GroupRecords& lost, CoordinatorTime time) {
  is_written_ = false;
  rewrite_at_ = timed(time.now + kRetryWrite);
  note_unforgotten(lost);
}

void ConsumerGroup::note_unforgotten(const GroupRecords& lost) {
  for (const auto& record : lost) {
    const auto* said = std::get_if<protocol::ConsumerGroupMemberMetadataRecord>(&record);
    if (said != nullptr && !said->value) unforgotten_.insert(said->key.member_id);
  }
}

// --- time ------------------------------------------------------------------------------------------------------------

GroupRecords ConsumerGroup::on_timer(CoordinatorTime time) {
  std::vector<std::string> lost;
  for (const auto& [id, member] : members_) {
    const auto is_over = [&](const std::optional<TimePoint>& when) { return when && *when <= time.now; };
    const bool is_slow =
        is_over(member.revoke_deadline) || is_over(member.join_deadline) || is_over(member.sync_deadline);
    if (is_slow || member.deadline <= time.now) lost.push_back(id);
  }
  GroupRecords records;
  for (const auto& id : lost) remove(id, records);
  rewrite_if_lost(time, records);
  next_timer_.reset();
  for (const auto& [id, member] : members_) {
    timed(member.deadline);
    for (const auto& other : {member.revoke_deadline, member.join_deadline, member.sync_deadline}) {
      if (other) timed(*other);
    }
  }
  return records;
}

// --- what is shown ---------------------------------------------------------------------------------------------------

GroupState ConsumerGroup::state() const {
  if (members_.empty()) return GroupState::kEmpty;
  if (epoch_ > target_epoch_) return GroupState::kAssigning;
  const bool settled = std::ranges::all_of(members_, [&](const auto& entry) {
    return entry.second.stage == Stage::kStable && entry.second.epoch == target_epoch_;
  });
  return settled ? GroupState::kStable : GroupState::kReconciling;
}

bool ConsumerGroup::is_subscribed_to(const std::string& topic) const {
  return std::ranges::any_of(subscriptions(), [&](const auto& reads) { return topics_of(*reads).contains(topic); });
}

ConsumerGroupView ConsumerGroup::view() const {
  ConsumerGroupView view;
  view.id = id_;
  view.state = state();
  view.epoch = epoch_;
  view.target_epoch = target_epoch_;
  view.assignor = name_of(preferred_assignor());
  for (const auto& [id, member] : members_) {
    const auto& said = member.said;
    view.members.push_back({.id = id,
                            .instance = said.instance_id,
                            .rack = said.rack_id,
                            .epoch = member.epoch,
                            .client_id = said.client_id,
                            .client_host = said.client_host,
                            .speaks = said.classic_member_metadata ? GroupType::kClassic : GroupType::kConsumer,
                            .topics = {said.subscribed_topic_names.begin(), said.subscribed_topic_names.end()},
                            .topic_pattern = said.subscribed_topic_regex,
                            .assignment = without_epochs(member.assigned),
                            .target = member.target});
  }
  return view;
}

}  // namespace millrace
