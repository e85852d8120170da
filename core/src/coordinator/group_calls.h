#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/types.h"

// What members ask of their group and what they are told: no wire structs, no versions.

namespace millrace {

/// Names a request that waits; the group gives it back with the answer.
using GroupRequestId = Strong<struct GroupRequestIdTag, std::uint64_t>;

/// One way of dividing the work that a member knows, in its order of preference. The bytes are the members' business.
struct MemberProtocol {
  std::string name;
  std::vector<std::byte> metadata;
  friend bool operator==(const MemberProtocol&, const MemberProtocol&) = default;
};

/// Who asks: the id that the group gave the member, and the name that a static member keeps over restarts.
struct MemberName {
  std::string id;
  std::optional<std::string> instance = std::nullopt;
};

struct JoinGroup {
  /// An empty id: a new member.
  MemberName member;
  std::string client_id;
  std::string client_host;
  std::string protocol_type;
  std::vector<MemberProtocol> protocols;
  std::chrono::milliseconds session_timeout{};
  std::chrono::milliseconds rebalance_timeout{};
  /// A new member is told its id first and joins with it: then one that never heard of its id leaves no trace.
  bool id_first = true;
  /// The member understands that nothing has to be assigned.
  bool may_skip_assignment = true;
};

struct GroupMember {
  std::string id;
  std::optional<std::string> instance;
  std::vector<std::byte> metadata;
  friend bool operator==(const GroupMember&, const GroupMember&) = default;
};

struct JoinedGroup {
  ErrorCode error = ErrorCode::kNone;
  std::int32_t generation = -1;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol;
  std::string leader;
  std::string member_id;
  /// The leader is back, and nothing has changed: it keeps the assignment.
  bool skip_assignment = false;
  /// Everybody, for the leader only.
  std::vector<GroupMember> members;
};

struct SyncGroup {
  MemberName member;
  std::int32_t generation = -1;
  /// What the member believes the group speaks, if it says.
  std::optional<std::string> protocol_type = std::nullopt;
  std::optional<std::string> protocol = std::nullopt;
  /// From the leader: the work of each member.
  std::vector<std::pair<std::string, std::vector<std::byte>>> assignments = {};
};

struct SyncedGroup {
  ErrorCode error = ErrorCode::kNone;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol;
  std::vector<std::byte> assignment;
};

struct LeftGroup {
  MemberName member;
  ErrorCode error = ErrorCode::kNone;
};

/// As Kafka names them.
enum class GroupState : std::uint8_t {
  kEmpty,
  kPreparingRebalance,
  kCompletingRebalance,
  kStable,
  kDead,
  // Of groups of the consumer protocol only.
  kAssigning,
  kReconciling,
};
[[nodiscard]] const char* name_of(GroupState state);

/// Who divides the work: a member, or the coordinator (KIP-848).
enum class GroupType : std::uint8_t { kClassic, kConsumer };
[[nodiscard]] const char* name_of(GroupType type);

/// The protocol type of groups of Kafka consumers.
inline constexpr const char* kConsumerProtocol = "consumer";

struct ListedGroup {
  std::string id;
  std::string protocol_type;
  GroupState state = GroupState::kEmpty;
  GroupType type = GroupType::kClassic;
};

struct DescribedMember {
  std::string id;
  std::optional<std::string> instance;
  std::string client_id;
  std::string client_host;
  /// Both only while the group is stable.
  std::vector<std::byte> metadata;
  std::vector<std::byte> assignment;
};

struct DescribedGroup {
  std::string id;
  GroupState state = GroupState::kDead;
  std::string protocol_type;
  /// Only while the group is stable.
  std::string protocol;
  std::vector<DescribedMember> members;
};

}  // namespace millrace
