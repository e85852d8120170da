#include "coordinator/committed_offsets.h"

#include <chrono>

namespace millrace {
namespace {

Timestamp time_of(std::int64_t unix_ms) { return Timestamp{std::chrono::milliseconds{unix_ms}}; }

}  // namespace

void CommittedOffsets::apply(const protocol::CommittedOffsetRecord& record, Offset written) {
  const TopicPartition partition{record.key.topic, record.key.partition};
  if (!record.value) {
    const auto group = groups_.find(record.key.group);
    if (group == groups_.end()) return;
    group->second.erase(partition);
    if (group->second.empty()) groups_.erase(group);
    return;
  }
  auto& offset = groups_[record.key.group][partition];
  if (written != kNoOffset && offset.written > written) return;
  offset.written = written;
  offset.offset = record.value->offset;
  offset.leader_epoch = record.value->leader_epoch;
  offset.metadata = record.value->metadata;
  offset.committed = time_of(record.value->commit_timestamp);
  offset.expires.reset();
  if (record.value->expire_timestamp != -1) offset.expires = time_of(record.value->expire_timestamp);
}

const CommittedOffset* CommittedOffsets::find(const std::string& group, const TopicPartition& partition) const {
  const auto* offsets = of_group(group);
  if (offsets == nullptr) return nullptr;
  const auto found = offsets->find(partition);
  return found == offsets->end() ? nullptr : &found->second;
}

const CommittedOffsets::OfGroup* CommittedOffsets::of_group(const std::string& group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : &found->second;
}

protocol::CommittedOffsetRecord offset_record(const std::string& group, const TopicPartition& partition,
                                              const CommittedOffset& offset) {
  auto record = offset_tombstone(group, partition);
  auto& value = record.value.emplace();
  value.offset = offset.offset;
  value.leader_epoch = offset.leader_epoch;
  value.metadata = offset.metadata;
  value.commit_timestamp = offset.committed.time_since_epoch().count();
  if (offset.expires) value.expire_timestamp = offset.expires->time_since_epoch().count();
  return record;
}

protocol::CommittedOffsetRecord offset_tombstone(const std::string& group, const TopicPartition& partition) {
  protocol::CommittedOffsetRecord record;
  record.key.group = group;
  record.key.topic = partition.topic;
  record.key.partition = partition.partition;
  return record;
}

}  // namespace millrace
