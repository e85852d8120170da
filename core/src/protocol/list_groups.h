#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// Which groups are there? Source: ListGroupsRequest.json of Kafka 3.9 and 4.3.1.
struct ListGroupsRequest {
  static constexpr const char* kName = "ListGroupsRequest";
  static constexpr auto kApi = ApiKey::kListGroups;
  static constexpr Versions kVersions{0, 5};
  static constexpr Versions kFlexible = from(3);

  std::vector<std::string> states_filter;
  std::vector<std::string> types_filter;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("states_filter", self.states_filter, from(4));
    visit("types_filter", self.types_filter, from(5));
  }

  friend bool operator==(const ListGroupsRequest&, const ListGroupsRequest&) = default;
};

struct ListedGroup {
  std::string group_id;
  std::string protocol_type;
  std::string group_state;
  std::string group_type;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group_id);
    visit("protocol_type", self.protocol_type);
    visit("group_state", self.group_state, from(4));
    visit("group_type", self.group_type, from(5));
  }

  friend bool operator==(const ListedGroup&, const ListedGroup&) = default;
};

/// The groups that this broker coordinates. Source: ListGroupsResponse.json of Kafka 3.9 and 4.3.1.
struct ListGroupsResponse {
  static constexpr const char* kName = "ListGroupsResponse";
  static constexpr auto kApi = ApiKey::kListGroups;
  static constexpr Versions kVersions{0, 5};
  static constexpr Versions kFlexible = from(3);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<ListedGroup> groups;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms, from(1));
    visit("error_code", self.error_code);
    visit("groups", self.groups);
  }

  friend bool operator==(const ListGroupsResponse&, const ListGroupsResponse&) = default;
};

}  // namespace millrace::protocol
