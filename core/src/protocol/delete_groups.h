#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// Forgets groups that have no members, with their offsets. Source: DeleteGroupsRequest.json of Kafka 3.9 and
/// 4.3.1.
struct DeleteGroupsRequest {
  static constexpr const char* kName = "DeleteGroupsRequest";
  static constexpr auto kApi = ApiKey::kDeleteGroups;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(2);

  std::vector<std::string> groups_names;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("groups_names", self.groups_names);
  }

  friend bool operator==(const DeleteGroupsRequest&, const DeleteGroupsRequest&) = default;
};

struct DeletedGroup {
  std::string group_id;
  ErrorCode error_code = ErrorCode::kNone;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group_id);
    visit("error_code", self.error_code);
  }

  friend bool operator==(const DeletedGroup&, const DeletedGroup&) = default;
};

/// Which of them are forgotten. Source: DeleteGroupsResponse.json of Kafka 3.9 and 4.3.1.
struct DeleteGroupsResponse {
  static constexpr const char* kName = "DeleteGroupsResponse";
  static constexpr auto kApi = ApiKey::kDeleteGroups;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(2);

  std::int32_t throttle_time_ms = 0;
  std::vector<DeletedGroup> results;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("results", self.results);
  }

  friend bool operator==(const DeleteGroupsResponse&, const DeleteGroupsResponse&) = default;
};

}  // namespace millrace::protocol
