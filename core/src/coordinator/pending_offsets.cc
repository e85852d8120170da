#include "coordinator/pending_offsets.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace millrace {

void PendingOffsets::add(ProducerId producer, protocol::CommittedOffsetRecord record, Offset written) {
  by_producer_[producer].push_back({std::move(record), written});
}

void PendingOffsets::forget(const std::string& group, const TopicPartition& partition) {
  for (auto& [producer, all] : by_producer_) {
    std::erase_if(all, [&](const Pending& one) {
      const auto& key = one.record.key;
      return key.group == group && key.topic == partition.topic && key.partition == partition.partition;
    });
  }
  std::erase_if(by_producer_, [](const auto& entry) { return entry.second.empty(); });
}

std::vector<PendingOffsets::Pending> PendingOffsets::take(ProducerId producer, Offset marker) {
  const auto found = by_producer_.find(producer);
  if (found == by_producer_.end()) return {};
  auto& all = found->second;
  const auto later = std::ranges::find_if(all, [marker](const Pending& one) { return one.written > marker; });
  std::vector<Pending> decided{std::make_move_iterator(all.begin()), std::make_move_iterator(later)};
  all.erase(all.begin(), later);
  if (all.empty()) by_producer_.erase(found);
  return decided;
}

std::set<TopicPartition> PendingOffsets::of_group(const std::string& group) const {
  std::set<TopicPartition> partitions;
  for (const auto& [producer, all] : by_producer_) {
    for (const auto& one : all) {
      if (one.record.key.group == group) partitions.insert({one.record.key.topic, one.record.key.partition});
    }
  }
  return partitions;
}

std::set<std::string> PendingOffsets::groups() const {
  std::set<std::string> groups;
  for (const auto& [producer, all] : by_producer_) {
    for (const auto& one : all) groups.insert(one.record.key.group);
  }
  return groups;
}

}  // namespace millrace
