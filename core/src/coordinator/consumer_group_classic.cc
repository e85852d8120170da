// Members of the classic protocol in a group of the consumer protocol: while an application is moved from one to the
// other, and back.

#include <algorithm>

#include "coordinator/consumer_group.h"
#include "protocol/consumer_protocol.h"

namespace millrace {
namespace {

using std::chrono::milliseconds;

/// Topics that are not there any more cannot be had.
TopicPartitions with_ids(const std::vector<protocol::ConsumerTopic>& topics, const MetadataImage& image) {
  TopicPartitions partitions;
  for (const auto& one : topics) {
    if (const auto topic = image.topic(one.topic)) {
      partitions[topic->id].insert(one.partitions.begin(), one.partitions.end());
    }
  }
  return partitions;
}

std::vector<std::byte> encoded(const auto& partitions, const MetadataImage& image) {
  protocol::ConsumerAssignment assignment;
  for (const auto& [id, some] : partitions) {
    const auto topic = image.topic(id);
    if (!topic) continue;
    auto& one = assignment.assigned_partitions.emplace_back();
    one.topic = topic->name;
    for (const auto& partition : some) {
      if constexpr (requires { partition.first; }) {
        one.partitions.push_back(partition.first);
      } else {
        one.partitions.push_back(partition);
      }
    }
  }
  return protocol::encode_assignment(assignment);
}

protocol::StoredClassicMember stored_classic(milliseconds session_timeout,
                                             const std::vector<MemberProtocol>& protocols) {
  protocol::StoredClassicMember stored;
  stored.session_timeout_ms = static_cast<std::int32_t>(session_timeout.count());
  for (const auto& protocol : protocols) {
    stored.supported_protocols.push_back({.name = protocol.name, .metadata = protocol.metadata});
  }
  return stored;
}

JoinedGroup refused_join(std::string member_id, ErrorCode error) {
  JoinedGroup refused;
  refused.error = error;
  refused.member_id = std::move(member_id);
  return refused;
}

}  // namespace

bool ConsumerGroup::supports(const std::string& type, const std::vector<MemberProtocol>& protocols) const {
  if (type != kConsumerProtocol) return false;
  return std::ranges::any_of(protocols, [&](const auto& wanted) {
    return std::ranges::all_of(members_, [&](const auto& entry) {
      const auto& classic = entry.second.said.classic_member_metadata;
      return !classic ||
             std::ranges::find(classic->supported_protocols, wanted.name, &protocol::StoredClassicProtocol::name) !=
                 classic->supported_protocols.end();
    });
  });
}

ConsumerGroup::Checked ConsumerGroup::named(const MemberName& name) {
  const Member* member = nullptr;
  if (name.instance) {
    member = static_member(*name.instance);
    // An administrator names a static member by its instance alone.
    if (member != nullptr && !name.id.empty() && member->id != name.id) return {.error = ErrorCode::kFencedInstanceId};
  } else if (const auto found = members_.find(name.id); found != members_.end()) {
    member = &found->second;
  }
  if (member == nullptr) return {.error = ErrorCode::kUnknownMemberId};
  return {.member = &members_.at(member->id)};
}

ConsumerGroup::Checked ConsumerGroup::classic_member(const MemberName& name) {
  const auto found = named(name);
  const bool speaks_otherwise = found.member != nullptr && !found.member->said.classic_member_metadata;
  return speaks_otherwise ? Checked{.error = ErrorCode::kUnknownMemberId} : found;
}

ConsumerGroup::Joined ConsumerGroup::join(JoinGroup call, const Uuid& fresh, const MetadataImage& topics,
                                          CoordinatorTime time) {
  const auto refuse = [&](ErrorCode error) {
    return Joined{.answer = refused_join(call.member.id, error), .records = {}};
  };
  const bool is_known = members_.contains(call.member.id);
  if (!is_known && members_.size() >= config_.max_size) return refuse(ErrorCode::kGroupMaxSizeReached);
  if (!supports(call.protocol_type, call.protocols)) return refuse(ErrorCode::kInconsistentGroupProtocol);
  const auto subscription = protocol::decode_subscription(call.protocols.front().metadata);
  if (!subscription) return refuse(ErrorCode::kInconsistentGroupProtocol);
  const auto* namesake = call.member.instance ? static_member(*call.member.instance) : nullptr;
  if (call.member.id.empty()) {
    call.member.id = call.member.instance.value_or(call.client_id) + "-" + fresh.to_string();
    if (call.id_first && !call.member.instance) return refuse(ErrorCode::kMemberIdRequired);
  } else if (call.member.instance) {
    if (namesake == nullptr) return refuse(ErrorCode::kUnknownMemberId);
    if (namesake->id != call.member.id) return refuse(ErrorCode::kFencedInstanceId);
  }

  Joined joined;
  ConsumerHeartbeat said;
  said.member = call.member;
  said.client_id = call.client_id;
  said.client_host = call.client_host;
  said.rack = subscription->rack_id;
  said.rebalance_timeout = call.rebalance_timeout;
  said.topics.emplace(subscription->topics.begin(), subscription->topics.end());
  said.topic_pattern = "";
  const auto size_before = members_.size();
  auto& member = members_.contains(call.member.id) ? members_.at(call.member.id) : enter(said, joined.records);
  const auto classic = stored_classic(call.session_timeout, call.protocols);
  const bool reads_others = update(member, said, classic, joined.records) || members_.size() != size_before;
  advance(member, reads_others, with_ids(subscription->owned_partitions, topics), topics, time, joined.records);
  heard_of(member, time);
  member.join_deadline.reset();
  member.sync_deadline = timed(time.now + call.rebalance_timeout);
  rewrite_if_lost(time, joined.records);

  joined.answer.member_id = member.id;
  joined.answer.generation = member.epoch;
  joined.answer.protocol_type = kConsumerProtocol;
  joined.answer.protocol = call.protocols.front().name;
  return joined;
}

SyncedGroup ConsumerGroup::sync(const SyncGroup& call, const MetadataImage& topics, CoordinatorTime time) {
  const auto refuse = [](ErrorCode error) {
    SyncedGroup refused;
    refused.error = error;
    return refused;
  };
  const auto found = classic_member(call.member);
  if (found.member == nullptr) return refuse(found.error);
  auto& member = *found.member;
  if (call.generation != member.epoch) return refuse(ErrorCode::kIllegalGeneration);
  const auto& name = member.said.classic_member_metadata->supported_protocols.front().name;
  if (call.protocol_type.value_or(kConsumerProtocol) != kConsumerProtocol || call.protocol.value_or(name) != name) {
    return refuse(ErrorCode::kInconsistentGroupProtocol);
  }
  // One that has yet to give back has joined already, and is told when it has.
  if (member.epoch < epoch_ && member.stage != Stage::kUnrevoked) {
    expect_join(member, time);
    return refuse(ErrorCode::kRebalanceInProgress);
  }
  member.sync_deadline.reset();
  heard_of(member, time);
  return {.error = ErrorCode::kNone,
          .protocol_type = kConsumerProtocol,
          .protocol = name,
          .assignment = encoded(member.assigned, topics)};
}

ErrorCode ConsumerGroup::classic_heartbeat(const MemberName& name, std::int32_t generation, CoordinatorTime time) {
  const auto found = classic_member(name);
  if (found.member == nullptr) return found.error;
  auto& member = *found.member;
  if (generation != member.epoch) return ErrorCode::kIllegalGeneration;
  heard_of(member, time);
  const bool may_go_on = member.epoch < epoch_ || member.stage == Stage::kUnrevoked ||
                         (member.stage == Stage::kUnreleased && has_all_free(member));
  if (!may_go_on) return ErrorCode::kNone;
  expect_join(member, time);
  return ErrorCode::kRebalanceInProgress;
}

ConsumerGroup::Left ConsumerGroup::leave(std::span<const MemberName> members) {
  Left left;
  for (const auto& name : members) {
    auto& result = left.members.emplace_back(LeftGroup{.member = name});
    const auto found = named(name);
    result.error = found.error;
    if (found.member != nullptr) remove(found.member->id, left.records);
  }
  return left;
}

void ConsumerGroup::expect_join(Member& member, CoordinatorTime time) {
  if (!member.join_deadline) member.join_deadline = timed(time.now + milliseconds{member.said.rebalance_timeout_ms});
}

bool ConsumerGroup::has_all_free(const Member& member) const {
  return std::ranges::all_of(member.target, [&](const auto& entry) {
    return std::ranges::all_of(entry.second,
                               [&](PartitionIndex partition) { return is_free(entry.first, partition, member); });
  });
}

// --- from one protocol to the other ----------------------------------------------------------------------------------

Result<ConsumerGroup> ConsumerGroup::upgrade(const ClassicGroup& group, ConsumerGroupConfig config,
                                             const MetadataImage& topics, CoordinatorTime time) {
  ConsumerGroup upgraded{group.id(), std::move(config)};
  upgraded.epoch_ = group.generation();
  upgraded.target_epoch_ = group.generation();
  upgraded.is_written_ = false;
  for (const auto& stored : group.members()) {
    Member member;
    member.id = stored.id;
    member.epoch = group.generation();
    member.previous_epoch = group.generation();
    MILLRACE_TRY(subscription, protocol::decode_subscription(stored.metadata));
    MILLRACE_TRY(assignment, protocol::decode_assignment(stored.assignment));
    auto& said = member.said;
    said.instance_id = stored.instance;
    said.rack_id = subscription.rack_id;
    said.client_id = stored.client_id;
    said.client_host = stored.client_host;
    const std::set<std::string> names{subscription.topics.begin(), subscription.topics.end()};
    said.subscribed_topic_names = {names.begin(), names.end()};
    said.rebalance_timeout_ms = static_cast<std::int32_t>(stored.rebalance_timeout.count());
    said.classic_member_metadata = stored_classic(stored.session_timeout, stored.protocols);
    member.target = with_ids(assignment.assigned_partitions, topics);
    for (const auto& [topic, partitions] : member.target) {
      for (const auto partition : partitions) member.assigned[topic].emplace(partition, member.epoch);
    }
    upgraded.heard_of(member, time);
    if (said.instance_id) upgraded.instances_.insert_or_assign(*said.instance_id, member.id);
    upgraded.note_owner(upgraded.members_.emplace(member.id, std::move(member)).first->second);
  }
  upgraded.share_subscriptions();
  return upgraded;
}

bool ConsumerGroup::has_only_classic_members() const {
  return !members_.empty() && std::ranges::all_of(members_, [](const auto& entry) {
    return entry.second.said.classic_member_metadata.has_value();
  });
}

protocol::GroupMetadataValue ConsumerGroup::downgraded(const MetadataImage& topics, CoordinatorTime time) const {
  protocol::GroupMetadataValue value;
  value.protocol_type = kConsumerProtocol;
  value.generation = epoch_;
  value.current_state_timestamp = time.wall.time_since_epoch().count();
  const auto speaks = [](const Member& member, const std::string& name) -> const protocol::StoredClassicProtocol* {
    const auto& protocols = member.said.classic_member_metadata->supported_protocols;
    const auto found = std::ranges::find(protocols, name, &protocol::StoredClassicProtocol::name);
    return found == protocols.end() ? nullptr : &*found;
  };
  // One that all of them know: nobody was let in without.
  for (const auto& one : members_.begin()->second.said.classic_member_metadata->supported_protocols) {
    const bool all_do =
        std::ranges::all_of(members_, [&](const auto& entry) { return speaks(entry.second, one.name) != nullptr; });
    if (all_do && !value.protocol) value.protocol = one.name;
  }
  value.leader = members_.begin()->first;
  for (const auto& [id, member] : members_) {
    auto& stored = value.members.emplace_back();
    stored.member_id = id;
    stored.group_instance_id = member.said.instance_id;
    stored.client_id = member.said.client_id;
    stored.client_host = member.said.client_host;
    stored.rebalance_timeout = member.said.rebalance_timeout_ms;
    stored.session_timeout = member.said.classic_member_metadata->session_timeout_ms;
    if (const auto* protocol = speaks(member, value.protocol.value_or(""))) stored.subscription = protocol->metadata;
    stored.assignment = encoded(member.target, topics);
  }
  return value;
}

}  // namespace millrace
