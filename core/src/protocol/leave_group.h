#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct LeavingMember {
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::optional<std::string> reason;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("member_id", self.member_id);
    visit("group_instance_id", self.group_instance_id, nullable(from(3)));
    visit("reason", self.reason, from(5), nullable(from(5)));
  }

  friend bool operator==(const LeavingMember&, const LeavingMember&) = default;
};

/// Members leave; an administrator may name them by instance. Source: LeaveGroupRequest.json of Kafka 3.9 and
/// 4.3.1.
struct LeaveGroupRequest {
  static constexpr const char* kName = "LeaveGroupRequest";
  static constexpr auto kApi = ApiKey::kLeaveGroup;
  static constexpr Versions kVersions{0, 5};
  static constexpr Versions kFlexible = from(4);

  std::string group_id;
  std::string member_id;
  std::vector<LeavingMember> members;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group_id);
    visit("member_id", self.member_id, between(0, 2));
    visit("members", self.members, from(3));
  }

  friend bool operator==(const LeaveGroupRequest&, const LeaveGroupRequest&) = default;
};

struct LeftMember {
  std::string member_id;
  std::optional<std::string> group_instance_id;
  ErrorCode error_code = ErrorCode::kNone;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("member_id", self.member_id);
    visit("group_instance_id", self.group_instance_id, nullable(from(3)));
    visit("error_code", self.error_code);
  }

  friend bool operator==(const LeftMember&, const LeftMember&) = default;
};

/// Which of them were members. Source: LeaveGroupResponse.json of Kafka 3.9 and 4.3.1.
struct LeaveGroupResponse {
  static constexpr const char* kName = "LeaveGroupResponse";
  static constexpr auto kApi = ApiKey::kLeaveGroup;
  static constexpr Versions kVersions{0, 5};
  static constexpr Versions kFlexible = from(4);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<LeftMember> members;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms, from(1));
    visit("error_code", self.error_code);
    visit("members", self.members, from(3));
  }

  friend bool operator==(const LeaveGroupResponse&, const LeaveGroupResponse&) = default;
};

}  // namespace millrace::protocol
