#pragma once

#include <memory>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "broker/broker_calls.h"
#include "broker/partition.h"

namespace millrace {

/// The partitions this broker keeps, by topic name and id.
///
/// Threading: any thread may call any function. A partition that was found stays usable after it was removed.
class PartitionTable {
 public:
  /// Errors: `kUnknownTopicOrPartition`, `kUnknownTopicId`.
  [[nodiscard]] Result<std::shared_ptr<Partition>> find(const TopicRef& topic, PartitionIndex partition) const;

  /// Partitions of a topic are added in the order of their indexes.
  void add(std::shared_ptr<Partition> partition);
  /// Puts it in the place of the one of its name, if that is still there.
  void replace(std::shared_ptr<Partition> partition);
  /// Takes a topic's partitions out and gives them.
  std::vector<std::shared_ptr<Partition>> remove(const std::string& topic);
  [[nodiscard]] std::vector<std::shared_ptr<Partition>> all() const;
  [[nodiscard]] std::vector<std::shared_ptr<Partition>> of_topic(const std::string& topic) const;

 private:
  using Partitions = std::vector<std::shared_ptr<Partition>>;

  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, Partitions> by_name_;
  std::unordered_map<TopicId, std::string> names_;
};

}  // namespace millrace
