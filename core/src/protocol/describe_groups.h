#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// What are these groups doing? Source: DescribeGroupsRequest.json of Kafka 3.9 and 4.3.1.
struct DescribeGroupsRequest {
  static constexpr const char* kName = "DescribeGroupsRequest";
  static constexpr auto kApi = ApiKey::kDescribeGroups;
  static constexpr Versions kVersions{0, 6};
  static constexpr Versions kFlexible = from(5);

  std::vector<std::string> groups;
  bool include_authorized_operations = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("groups", self.groups);
    visit("include_authorized_operations", self.include_authorized_operations, from(3));
  }

  friend bool operator==(const DescribeGroupsRequest&, const DescribeGroupsRequest&) = default;
};

struct DescribedGroupMember {
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::string client_id;
  std::string client_host;
  ByteString member_metadata;
  ByteString member_assignment;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("member_id", self.member_id);
    visit("group_instance_id", self.group_instance_id, from(4), nullable(from(4)));
    visit("client_id", self.client_id);
    visit("client_host", self.client_host);
    visit("member_metadata", self.member_metadata);
    visit("member_assignment", self.member_assignment);
  }

  friend bool operator==(const DescribedGroupMember&, const DescribedGroupMember&) = default;
};

struct DescribedGroup {
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::string group_id;
  std::string group_state;
  std::string protocol_type;
  std::string protocol_data;
  std::vector<DescribedGroupMember> members;
  std::int32_t authorized_operations = std::numeric_limits<std::int32_t>::min();

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, from(6), nullable(from(6)));
    visit("group_id", self.group_id);
    visit("group_state", self.group_state);
    visit("protocol_type", self.protocol_type);
    visit("protocol_data", self.protocol_data);
    visit("members", self.members);
    visit("authorized_operations", self.authorized_operations, from(3));
  }

  friend bool operator==(const DescribedGroup&, const DescribedGroup&) = default;
};

/// The groups with their members. Source: DescribeGroupsResponse.json of Kafka 3.9 and 4.3.1.
struct DescribeGroupsResponse {
  static constexpr const char* kName = "DescribeGroupsResponse";
  static constexpr auto kApi = ApiKey::kDescribeGroups;
  static constexpr Versions kVersions{0, 6};
  static constexpr Versions kFlexible = from(5);

  std::int32_t throttle_time_ms = 0;
  std::vector<DescribedGroup> groups;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms, from(1));
    visit("groups", self.groups);
  }

  friend bool operator==(const DescribeGroupsResponse&, const DescribeGroupsResponse&) = default;
};

}  // namespace millrace::protocol
