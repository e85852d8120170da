#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// Let a controller vote no more. Source: RemoveRaftVoterRequest.json of Kafka 3.9 and 4.3.1.
struct RemoveRaftVoterRequest {
  static constexpr const char* kName = "RemoveRaftVoterRequest";
  static constexpr auto kApi = ApiKey::kRemoveRaftVoter;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::optional<std::string> cluster_id;
  std::int32_t voter_id = 0;
  Uuid voter_directory_id;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("cluster_id", self.cluster_id, nullable(from(0)));
    visit("voter_id", self.voter_id);
    visit("voter_directory_id", self.voter_directory_id);
  }

  friend bool operator==(const RemoveRaftVoterRequest&, const RemoveRaftVoterRequest&) = default;
};

/// Whether it has stopped. Source: RemoveRaftVoterResponse.json of Kafka 3.9 and 4.3.1.
struct RemoveRaftVoterResponse {
  static constexpr const char* kName = "RemoveRaftVoterResponse";
  static constexpr auto kApi = ApiKey::kRemoveRaftVoter;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
  }

  friend bool operator==(const RemoveRaftVoterResponse&, const RemoveRaftVoterResponse&) = default;
};

}  // namespace millrace::protocol
