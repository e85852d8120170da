#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace millrace {

/// A member of a consumer group as the one sees it who divides the partitions.
struct AssignorMember {
  std::string id;
  std::optional<std::string> instance = std::nullopt;
  std::vector<std::string> topics = {};
  /// What it has, or had in `generation`.
  std::vector<TopicPartition> owned = {};
  std::int32_t generation = -1;
};

/// How many partitions each topic has; a topic that does not exist is absent.
using PartitionCounts = std::map<std::string, std::int32_t>;

/// Which partitions each member gets, by its id. Every member is there, and every partition of a topic that somebody
/// wants is given once.
using GroupAssignment = std::map<std::string, std::vector<TopicPartition>>;

/// Whether a member gives up everything before a rebalance, or only afterwards what went to somebody else.
enum class RebalanceProtocol : std::uint8_t { kEager, kCooperative };

/// What a member adds to its subscription for the one who divides.
enum class AssignorUserData : std::uint8_t {
  kNone,
  kGeneration,          ///< as Java's cooperative-sticky
  kOwnedAndGeneration,  ///< as Java's sticky, whose members have given up what they had
};

/// A way of dividing the partitions of a group among its members: Kafka's, under Kafka's names. The same members and
/// counts give the same answer, in any order of the members.
struct Assignor {
  std::string_view name;
  RebalanceProtocol protocol;
  AssignorUserData user_data;
  GroupAssignment (*assign)(const PartitionCounts& counts, std::span<const AssignorMember> members);
};

/// Each topic in contiguous ranges, the first members getting one more: what belongs together by number stays together
/// over topics.
GroupAssignment assign_range(const PartitionCounts& counts, std::span<const AssignorMember> members);
/// All partitions of all topics in turn.
GroupAssignment assign_round_robin(const PartitionCounts& counts, std::span<const AssignorMember> members);
/// As even as can be, and as little moved as can be.
GroupAssignment assign_sticky(const PartitionCounts& counts, std::span<const AssignorMember> members);
/// The same, but a partition that changes hands is given to nobody before its owner has let go of it.
GroupAssignment assign_cooperative(const PartitionCounts& counts, std::span<const AssignorMember> members);

/// range, roundrobin, sticky, cooperative-sticky.
[[nodiscard]] std::span<const Assignor> assignors();

/// Those that `partition.assignment.strategy` names, separated by commas, in that order. Errors: `kInvalidConfig` for
/// an unknown name, for none, and when eager and cooperative ones are mixed.
[[nodiscard]] Result<std::vector<const Assignor*>> parse_assignors(std::string_view names);

/// The members' order of precedence: those with an instance id first, by it, so that restarts change nothing.
[[nodiscard]] std::vector<const AssignorMember*> in_order(std::span<const AssignorMember> members);

}  // namespace millrace
