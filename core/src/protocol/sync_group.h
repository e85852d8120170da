#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct SyncGroupAssignment {
  std::string member_id;
  ByteString assignment;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("member_id", self.member_id);
    visit("assignment", self.assignment);
  }

  friend bool operator==(const SyncGroupAssignment&, const SyncGroupAssignment&) = default;
};

/// The leader's assignments; the other members only ask for theirs. Source: SyncGroupRequest.json of Kafka 3.9 and
/// 4.3.1.
struct SyncGroupRequest {
  static constexpr const char* kName = "SyncGroupRequest";
  static constexpr auto kApi = ApiKey::kSyncGroup;
  static constexpr Versions kVersions{0, 5};
  static constexpr Versions kFlexible = from(4);

  std::string group_id;
  std::int32_t generation_id = 0;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  std::vector<SyncGroupAssignment> assignments;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group_id);
    visit("generation_id", self.generation_id);
    visit("member_id", self.member_id);
    visit("group_instance_id", self.group_instance_id, from(3), nullable(from(3)));
    visit("protocol_type", self.protocol_type, from(5), nullable(from(5)));
    visit("protocol_name", self.protocol_name, from(5), nullable(from(5)));
    visit("assignments", self.assignments);
  }

  friend bool operator==(const SyncGroupRequest&, const SyncGroupRequest&) = default;
};

/// The member's part of the work, in the form of the group's protocol. Source: SyncGroupResponse.json of Kafka 3.9
/// and 4.3.1.
struct SyncGroupResponse {
  static constexpr const char* kName = "SyncGroupResponse";
  static constexpr auto kApi = ApiKey::kSyncGroup;
  static constexpr Versions kVersions{0, 5};
  static constexpr Versions kFlexible = from(4);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  ByteString assignment;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms, from(1));
    visit("error_code", self.error_code);
    visit("protocol_type", self.protocol_type, from(5), nullable(from(5)));
    visit("protocol_name", self.protocol_name, from(5), nullable(from(5)));
    visit("assignment", self.assignment);
  }

  friend bool operator==(const SyncGroupResponse&, const SyncGroupResponse&) = default;
};

}  // namespace millrace::protocol
