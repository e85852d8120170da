#include "client/assignment.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace millrace {

std::vector<TopicPartition> Assignment::names() const {
  std::vector<TopicPartition> names;
  names.reserve(all_.size());
  for (const auto& one : all_) names.push_back(*one.name);
  return names;
}

const AssignedPartition* Assignment::find(const TopicPartition& partition) const {
  const auto found = std::ranges::find_if(all_, [&](const auto& one) { return *one.name == partition; });
  return found == all_.end() ? nullptr : &*found;
}

AssignedPartition* Assignment::find(const TopicPartition& partition) {
  return const_cast<AssignedPartition*>(std::as_const(*this).find(partition));
}

Result<const AssignedPartition*> Assignment::find_or_fail(const TopicPartition& partition) const {
  if (const auto* found = find(partition)) return found;
  return fail(ErrorCode::kInvalidArgument, fmt::format("{} is not assigned to this consumer", partition.to_string()));
}

Result<AssignedPartition*> Assignment::find_or_fail(const TopicPartition& partition) {
  MILLRACE_TRY(found, std::as_const(*this).find_or_fail(partition));
  return const_cast<AssignedPartition*>(found);
}

void Assignment::assign(std::vector<TopicPartition> partitions) {
  Partitions assigned;
  assigned.reserve(partitions.size());
  std::set<TopicPartition> seen;
  for (auto& partition : partitions) {
    if (!seen.insert(partition).second) continue;
    if (const auto* known = find(partition)) {
      assigned.push_back(*known);
    } else {
      assigned.emplace_back(std::move(partition));
    }
  }
  all_ = std::move(assigned);
}

void Assignment::add(const TopicPartition& partition) {
  if (find(partition) == nullptr) all_.emplace_back(partition);
}

void Assignment::remove(std::span<const TopicPartition> partitions) {
  std::erase_if(all_, [&](const auto& one) { return std::ranges::find(partitions, *one.name) != partitions.end(); });
}

std::vector<PartitionOffset> Assignment::positions(Which which) const {
  std::vector<PartitionOffset> offsets;
  for (const auto& one : all_) {
    if (!one.position || (which == Which::kNew && one.committed == one.position)) continue;
    offsets.push_back({.partition = *one.name, .offset = *one.position});
  }
  return offsets;
}

void Assignment::note_committed(std::span<const PartitionOffset> offsets) {
  for (const auto& offset : offsets) {
    if (auto* one = find(offset.partition)) one->committed = offset.offset;
  }
}

void Assignment::forget_committed(std::span<const PartitionOffset> offsets) {
  for (const auto& offset : offsets) {
    if (auto* one = find(offset.partition); one != nullptr && one->committed == offset.offset) one->committed.reset();
  }
}

Result<void> check_partition(const TopicPartition& partition, std::size_t count) {
  if (partition.partition.value() >= 0 && static_cast<std::size_t>(partition.partition.value()) < count) return {};
  return fail(ErrorCode::kUnknownTopicOrPartition, fmt::format("topic \"{}\" has {} partitions, and no partition {}",
                                                               partition.topic, count, partition.partition.value()));
}

Result<void> check_seek(const TopicPartition& partition, Offset offset) {
  if (offset >= Offset{0}) return {};
  return fail(ErrorCode::kInvalidArgument, fmt::format("cannot seek {} to {}", partition.to_string(), offset.value()));
}

std::unexpected<Error> divided_by_group() {
  return fail(ErrorCode::kInvalidArgument,
              "cannot assign partitions by hand while the group does it; subscribe to nothing first");
}

std::unexpected<Error> assigned_by_hand() {
  return fail(ErrorCode::kInvalidArgument, "cannot subscribe while partitions are assigned by hand; assign none first");
}

std::unexpected<Error> nowhere_to_begin(const TopicPartition& partition) {
  return fail(ErrorCode::kOffsetOutOfRange,
              fmt::format("{} has no position and auto.offset.reset is none; seek first", partition.to_string()));
}

std::unexpected<Error> closed_consumer() { return fail(ErrorCode::kClosed, "the consumer is closed"); }

std::unexpected<Error> no_group() {
  return fail(ErrorCode::kInvalidGroupId, "the consumer has no group; set the property \"group.id\"");
}

std::unexpected<Error> not_in_group(std::string_view group) {
  return fail(
      ErrorCode::kUnknownMemberId,
      fmt::format("the consumer is not in group \"{}\" just now, and its partitions may be somebody else's; poll",
                  group));
}

}  // namespace millrace
