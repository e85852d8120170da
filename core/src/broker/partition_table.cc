#include "broker/partition_table.h"

#include <fmt/format.h>

#include <mutex>

#include "base/assert.h"

namespace millrace {

Result<std::shared_ptr<Partition>> PartitionTable::find(const TopicRef& topic, PartitionIndex partition) const {
  const std::shared_lock lock{mutex_};
  const auto* name = &topic.name;
  if (!topic.id.is_nil()) {
    const auto found = names_.find(topic.id);
    if (found == names_.end()) {
      return fail(ErrorCode::kUnknownTopicId, fmt::format("there is no topic with id {}", topic.id.to_string()));
    }
    name = &found->second;
  }
  const auto found = by_name_.find(*name);
  if (found == by_name_.end()) {
    return fail(ErrorCode::kUnknownTopicOrPartition, fmt::format("there is no topic \"{}\"", *name));
  }
  const auto index = static_cast<std::size_t>(partition.value());
  if (partition.value() < 0 || index >= found->second.size()) {
    return fail(ErrorCode::kUnknownTopicOrPartition, fmt::format("topic \"{}\" has {} partitions, and no partition {}",
                                                                 *name, found->second.size(), partition.value()));
  }
  return found->second[index];
}

void PartitionTable::add(std::shared_ptr<Partition> partition) {
  const std::unique_lock lock{mutex_};
  const auto& topic = partition->name().topic;
  auto& partitions = by_name_[topic];
  MILLRACE_ASSERT(partitions.size() == static_cast<std::size_t>(partition->name().partition.value()));
  names_.insert_or_assign(partition->topic_id(), topic);
  partitions.push_back(std::move(partition));
}

void PartitionTable::replace(std::shared_ptr<Partition> partition) {
  const std::unique_lock lock{mutex_};
  const auto found = by_name_.find(partition->name().topic);
  if (found == by_name_.end()) return;
  auto& place = found->second.at(static_cast<std::size_t>(partition->name().partition.value()));
  if (place->topic_id() == partition->topic_id()) place = std::move(partition);
}

std::vector<std::shared_ptr<Partition>> PartitionTable::remove(const std::string& topic) {
  const std::unique_lock lock{mutex_};
  const auto found = by_name_.find(topic);
  if (found == by_name_.end()) return {};
  auto partitions = std::move(found->second);
  by_name_.erase(found);
  if (!partitions.empty()) names_.erase(partitions.front()->topic_id());
  return partitions;
}

std::vector<std::shared_ptr<Partition>> PartitionTable::all() const {
  const std::shared_lock lock{mutex_};
  Partitions all;
  for (const auto& [name, partitions] : by_name_) all.insert(all.end(), partitions.begin(), partitions.end());
  return all;
}

std::vector<std::shared_ptr<Partition>> PartitionTable::of_topic(const std::string& topic) const {
  const std::shared_lock lock{mutex_};
  const auto found = by_name_.find(topic);
  return found == by_name_.end() ? Partitions{} : found->second;
}

}  // namespace millrace
