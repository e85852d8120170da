#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "coordinator/group_calls.h"

// What members of groups of the consumer protocol (KIP-848) tell their coordinator and what they are told: no wire
// structs, no versions.

namespace millrace {

/// Partitions of topics that are named by their ids.
using TopicPartitions = std::map<TopicId, std::set<PartitionIndex>>;

/// Member epochs that mean something else. A static member that is away for a while keeps its partitions.
inline constexpr std::int32_t kJoinsGroup = 0;
inline constexpr std::int32_t kLeavesGroup = -1;
inline constexpr std::int32_t kLeavesForAWhile = -2;

/// A member joins, is alive, tells what it has, or leaves. What is absent has not changed since it was said last.
struct ConsumerHeartbeat {
  /// With an empty id: a new member that wants to be given one.
  MemberName member;
  std::int32_t epoch = kJoinsGroup;
  std::string client_id;
  std::string client_host;
  std::optional<std::string> rack = std::nullopt;
  std::optional<std::chrono::milliseconds> rebalance_timeout = std::nullopt;
  std::optional<std::set<std::string>> topics = std::nullopt;
  /// An expression of RE2 that a topic's whole name matches.
  std::optional<std::string> topic_pattern = std::nullopt;
  std::optional<std::string> assignor = std::nullopt;
  /// What the member has and has not given back.
  std::optional<TopicPartitions> owned = std::nullopt;
};

struct ConsumerHeartbeatAnswer {
  ErrorCode error = ErrorCode::kNone;
  std::optional<std::string> message = std::nullopt;
  std::string member_id;
  std::int32_t epoch = 0;
  std::chrono::milliseconds heartbeat_interval{};
  /// What the member may read from now on; absent when that has not changed.
  std::optional<TopicPartitions> assignment = std::nullopt;
};

struct ConsumerMemberView {
  std::string id;
  std::optional<std::string> instance;
  std::optional<std::string> rack;
  std::int32_t epoch = 0;
  std::string client_id;
  std::string client_host;
  /// While a group is moved from one protocol to the other, its members speak either.
  GroupType speaks = GroupType::kConsumer;
  std::set<std::string> topics;
  std::optional<std::string> topic_pattern;
  TopicPartitions assignment;
  TopicPartitions target;
};

struct ConsumerGroupView {
  std::string id;
  GroupState state = GroupState::kEmpty;
  std::int32_t epoch = 0;
  std::int32_t target_epoch = 0;
  std::string assignor;
  std::vector<ConsumerMemberView> members;
};

using ConsumerHeartbeatDone = std::move_only_function<void(ConsumerHeartbeatAnswer)>;

}  // namespace millrace
