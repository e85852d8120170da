// A group of the consumer protocol as records, and back.

#include "coordinator/consumer_group.h"

namespace millrace {
namespace {

using protocol::StoredAssignedPartitions;

std::vector<StoredAssignedPartitions> stored_with_epochs(const auto& owned) {
  std::vector<StoredAssignedPartitions> stored;
  for (const auto& [topic, partitions] : owned) {
    auto& one = stored.emplace_back();
    one.topic_id = topic;
    auto& epochs = one.assignment_epochs.emplace();
    for (const auto& [partition, since] : partitions) {
      one.partitions.push_back(partition);
      epochs.push_back(since);
    }
  }
  return stored;
}

/// Brokers before 4.3 write no epochs: then it is the member's.
template <class Owned>
Owned owned_of(const std::vector<StoredAssignedPartitions>& stored, std::int32_t member_epoch) {
  Owned owned;
  for (const auto& one : stored) {
    const auto& epochs = one.assignment_epochs;
    for (std::size_t i = 0; i < one.partitions.size(); ++i) {
      owned[one.topic_id].emplace(one.partitions[i], epochs && i < epochs->size() ? (*epochs)[i] : member_epoch);
    }
  }
  return owned;
}

}  // namespace

ConsumerGroup ConsumerGroup::restore(std::string id, ConsumerGroupConfig config, const StoredConsumerGroup& stored,
                                     CoordinatorTime time) {
  ConsumerGroup group{std::move(id), std::move(config)};
  if (stored.group) {
    group.epoch_ = stored.group->epoch;
    group.topics_hash_ = stored.group->metadata_hash;
  }
  group.target_epoch_ = stored.target_epoch;
  for (const auto& [pattern, value] : stored.patterns) {
    group.patterns_[pattern] = {value.topics.begin(), value.topics.end()};
  }
  for (const auto& [member_id, said] : stored.members) {
    Member member;
    member.id = member_id;
    member.said = said;
    group.heard_of(member, time);
    if (const auto target = stored.targets.find(member_id); target != stored.targets.end()) {
      for (const auto& topic : target->second.topic_partitions) {
        member.target[topic.topic_id] = {topic.partitions.begin(), topic.partitions.end()};
      }
    }
    if (const auto current = stored.current.find(member_id); current != stored.current.end()) {
      const auto& value = current->second;
      member.epoch = value.member_epoch;
      member.previous_epoch = value.previous_member_epoch;
      member.stage = static_cast<Stage>(value.state);
      member.assigned = owned_of<Owned>(value.assigned_partitions, value.member_epoch);
      member.revoking = owned_of<Owned>(value.partitions_pending_revocation, value.member_epoch);
      if (member.stage == Stage::kUnrevoked && !said.classic_member_metadata) {
        member.revoke_deadline = group.timed(time.now + std::chrono::milliseconds{said.rebalance_timeout_ms});
      }
    }
    if (said.instance_id) group.instances_.insert_or_assign(*said.instance_id, member_id);
    group.note_owner(group.members_.emplace(member_id, std::move(member)).first->second);
  }
  group.share_subscriptions();
  return group;
}

protocol::GroupRecord ConsumerGroup::group_record() const {
  protocol::ConsumerGroupMetadataRecord record;
  record.key.group = id_;
  record.value = {.epoch = epoch_, .metadata_hash = topics_hash_};
  return record;
}

protocol::GroupRecord ConsumerGroup::member_record(const Member& member) const {
  protocol::ConsumerGroupMemberMetadataRecord record;
  record.key = {.group = id_, .member_id = member.id};
  record.value = member.said;
  return record;
}

protocol::GroupRecord ConsumerGroup::target_record(const Member& member) const {
  protocol::ConsumerGroupTargetAssignmentMemberRecord record;
  record.key = {.group = id_, .member_id = member.id};
  auto& value = record.value.emplace();
  for (const auto& [topic, partitions] : member.target) {
    value.topic_partitions.push_back({.topic_id = topic, .partitions = {partitions.begin(), partitions.end()}});
  }
  return record;
}

protocol::GroupRecord ConsumerGroup::target_epoch_record(CoordinatorTime time) const {
  protocol::ConsumerGroupTargetAssignmentMetadataRecord record;
  record.key.group = id_;
  record.value = {.assignment_epoch = target_epoch_, .assignment_timestamp = time.wall.time_since_epoch().count()};
  return record;
}

protocol::GroupRecord ConsumerGroup::current_record(const Member& member) const {
  protocol::ConsumerGroupCurrentMemberAssignmentRecord record;
  record.key = {.group = id_, .member_id = member.id};
  record.value = {.member_epoch = member.epoch,
                  .previous_member_epoch = member.previous_epoch,
                  .state = static_cast<std::int8_t>(member.stage),
                  .assigned_partitions = stored_with_epochs(member.assigned),
                  .partitions_pending_revocation = stored_with_epochs(member.revoking)};
  return record;
}

void ConsumerGroup::take_back(const std::string& member_id, GroupRecords& records) const {
  protocol::ConsumerGroupCurrentMemberAssignmentRecord current;
  current.key = {.group = id_, .member_id = member_id};
  records.emplace_back(std::move(current));
  protocol::ConsumerGroupTargetAssignmentMemberRecord target;
  target.key = {.group = id_, .member_id = member_id};
  records.emplace_back(std::move(target));
  protocol::ConsumerGroupMemberMetadataRecord said;
  said.key = {.group = id_, .member_id = member_id};
  records.emplace_back(std::move(said));
}

GroupRecords ConsumerGroup::everything(CoordinatorTime time) const {
  GroupRecords records;
  for (const auto& id : unforgotten_) {
    if (!members_.contains(id)) take_back(id, records);
  }
  for (const auto& [id, member] : members_) records.push_back(member_record(member));
  for (const auto& [pattern, names] : patterns_) {
    protocol::ConsumerGroupRegularExpressionRecord record;
    record.key = {.group = id_, .regular_expression = pattern};
    record.value = {.topics = {names.begin(), names.end()},
                    .version = seen_.value_or(kNoOffset).value(),
                    .timestamp = time.wall.time_since_epoch().count()};
    records.emplace_back(std::move(record));
  }
  records.push_back(group_record());
  for (const auto& [id, member] : members_) records.push_back(target_record(member));
  records.push_back(target_epoch_record(time));
  for (const auto& [id, member] : members_) records.push_back(current_record(member));
  return records;
}

GroupRecords ConsumerGroup::tombstones() const {
  GroupRecords records;
  for (const auto& id : unforgotten_) {
    if (!members_.contains(id)) take_back(id, records);
  }
  for (const auto& [id, member] : members_) take_back(id, records);
  for (const auto& [pattern, names] : patterns_) {
    protocol::ConsumerGroupRegularExpressionRecord gone;
    gone.key = {.group = id_, .regular_expression = pattern};
    records.emplace_back(std::move(gone));
  }
  protocol::ConsumerGroupTargetAssignmentMetadataRecord target;
  target.key.group = id_;
  records.emplace_back(std::move(target));
  protocol::ConsumerGroupMetadataRecord group;
  group.key.group = id_;
  records.emplace_back(std::move(group));
  return records;
}

}  // namespace millrace
