#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// The member is alive. Source: HeartbeatRequest.json of Kafka 3.9 and 4.3.1.
struct HeartbeatRequest {
  static constexpr const char* kName = "HeartbeatRequest";
  static constexpr auto kApi = ApiKey::kHeartbeat;
  static constexpr Versions kVersions{0, 4};
  static constexpr Versions kFlexible = from(4);

  std::string group_id;
  std::int32_t generation_id = 0;
  std::string member_id;
  std::optional<std::string> group_instance_id;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group_id);
    visit("generation_id", self.generation_id);
    visit("member_id", self.member_id);
    visit("group_instance_id", self.group_instance_id, from(3), nullable(from(3)));
  }

  friend bool operator==(const HeartbeatRequest&, const HeartbeatRequest&) = default;
};

/// Whether it still belongs to the group, and whether it has to join again. Source: HeartbeatResponse.json of Kafka
/// 3.9 and 4.3.1.
struct HeartbeatResponse {
  static constexpr const char* kName = "HeartbeatResponse";
  static constexpr auto kApi = ApiKey::kHeartbeat;
  static constexpr Versions kVersions{0, 4};
  static constexpr Versions kFlexible = from(4);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms, from(1));
    visit("error_code", self.error_code);
  }

  friend bool operator==(const HeartbeatResponse&, const HeartbeatResponse&) = default;
};

}  // namespace millrace::protocol
