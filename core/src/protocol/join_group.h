#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct JoinGroupProtocol {
  std::string name;
  ByteString metadata;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("metadata", self.metadata);
  }

  friend bool operator==(const JoinGroupProtocol&, const JoinGroupProtocol&) = default;
};

/// Lets me into the group, or stays in for its next generation; answered when every member has asked. Source:
/// JoinGroupRequest.json of Kafka 3.9 and 4.3.1.
struct JoinGroupRequest {
  static constexpr const char* kName = "JoinGroupRequest";
  static constexpr auto kApi = ApiKey::kJoinGroup;
  static constexpr Versions kVersions{0, 9};
  static constexpr Versions kFlexible = from(6);

  std::string group_id;
  std::int32_t session_timeout_ms = 0;
  std::int32_t rebalance_timeout_ms = -1;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::string protocol_type;
  std::vector<JoinGroupProtocol> protocols;
  std::optional<std::string> reason;
  // What a version means without a field for it; `normalize` sets them.
  bool takes_id_first = false;
  bool may_skip_assignment = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group_id);
    visit("session_timeout_ms", self.session_timeout_ms);
    visit("rebalance_timeout_ms", self.rebalance_timeout_ms, from(1));
    visit("member_id", self.member_id);
    visit("group_instance_id", self.group_instance_id, from(5), nullable(from(5)));
    visit("protocol_type", self.protocol_type);
    visit("protocols", self.protocols);
    visit("reason", self.reason, from(8), nullable(from(8)));
  }

  friend bool operator==(const JoinGroupRequest&, const JoinGroupRequest&) = default;
};

/// Since version 4 a new member is told its id before it may join, and since version 9 a leader that comes back may be
/// told that its assignment still holds. Before version 1 there is one time-out for both.
inline void normalize(JoinGroupRequest& request, std::int16_t version) {
  request.takes_id_first = version >= 4;
  request.may_skip_assignment = version >= 9;
  if (request.rebalance_timeout_ms < 0) request.rebalance_timeout_ms = request.session_timeout_ms;
}

struct JoinedMember {
  std::string member_id;
  std::optional<std::string> group_instance_id;
  ByteString metadata;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("member_id", self.member_id);
    visit("group_instance_id", self.group_instance_id, from(5), nullable(from(5)));
    visit("metadata", self.metadata);
  }

  friend bool operator==(const JoinedMember&, const JoinedMember&) = default;
};

/// What the member is in the new generation; the leader gets everybody's metadata and decides who reads what.
/// Source: JoinGroupResponse.json of Kafka 3.9 and 4.3.1.
struct JoinGroupResponse {
  static constexpr const char* kName = "JoinGroupResponse";
  static constexpr auto kApi = ApiKey::kJoinGroup;
  static constexpr Versions kVersions{0, 9};
  static constexpr Versions kFlexible = from(6);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::int32_t generation_id = -1;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  std::string leader;
  bool skip_assignment = false;
  std::string member_id;
  std::vector<JoinedMember> members;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms, from(2));
    visit("error_code", self.error_code);
    visit("generation_id", self.generation_id);
    visit("protocol_type", self.protocol_type, from(7), nullable(from(7)));
    visit("protocol_name", self.protocol_name, nullable(from(7)));
    visit("leader", self.leader);
    visit("skip_assignment", self.skip_assignment, from(9));
    visit("member_id", self.member_id);
    visit("members", self.members);
  }

  friend bool operator==(const JoinGroupResponse&, const JoinGroupResponse&) = default;
};

}  // namespace millrace::protocol
