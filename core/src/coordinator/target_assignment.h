#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/consumer_group_calls.h"

namespace millrace {

/// The ways of dividing partitions that a coordinator knows.
enum class ServerAssignor : std::uint8_t {
  /// Everybody has as many as the others, give or take one, and keeps what it has as far as that allows.
  kUniform,
  /// Of each topic everybody has a run of neighbours; of topics that all read, the same run.
  kRange,
};
[[nodiscard]] std::string_view name_of(ServerAssignor assignor);
[[nodiscard]] std::optional<ServerAssignor> assignor_of(std::string_view name);

struct TargetMember {
  std::string id;
  std::optional<std::string> instance;
  /// Not null. Members that read the same may share it, which makes that quick to see.
  std::shared_ptr<const std::set<TopicId>> topics;
  /// What it was to have so far.
  TopicPartitions target;
};

using TopicPartitionCounts = std::map<TopicId, std::int32_t>;
/// In the order of the members.
using TargetAssignment = std::vector<TopicPartitions>;

/// Gives each partition that somebody reads to one of those who read its topic. `counts` has every topic of a member;
/// ids are different. The same arguments give the same answer. O(partitions log members) where all read the same
/// topics.
[[nodiscard]] TargetAssignment assign(ServerAssignor assignor, const std::vector<TargetMember>& members,
                                      const TopicPartitionCounts& counts);

}  // namespace millrace
