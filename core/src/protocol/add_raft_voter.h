#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct RaftVoterListener {
  std::string name;
  std::string host;
  std::uint16_t port = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("host", self.host);
    visit("port", self.port);
  }

  friend bool operator==(const RaftVoterListener&, const RaftVoterListener&) = default;
};

/// Let another controller vote. Source: AddRaftVoterRequest.json of Kafka 3.9 and 4.3.1.
struct AddRaftVoterRequest {
  static constexpr const char* kName = "AddRaftVoterRequest";
  static constexpr auto kApi = ApiKey::kAddRaftVoter;
  static constexpr Versions kVersions{0, 1};
  static constexpr Versions kFlexible = from(0);

  std::optional<std::string> cluster_id;
  std::int32_t timeout_ms = 0;
  std::int32_t voter_id = 0;
  Uuid voter_directory_id;
  std::vector<RaftVoterListener> listeners;
  bool ack_when_committed = true;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("cluster_id", self.cluster_id, nullable(from(0)));
    visit("timeout_ms", self.timeout_ms);
    visit("voter_id", self.voter_id);
    visit("voter_directory_id", self.voter_directory_id);
    visit("listeners", self.listeners);
    visit("ack_when_committed", self.ack_when_committed, from(1));
  }

  friend bool operator==(const AddRaftVoterRequest&, const AddRaftVoterRequest&) = default;
};

/// Whether it votes. Source: AddRaftVoterResponse.json of Kafka 3.9 and 4.3.1.
struct AddRaftVoterResponse {
  static constexpr const char* kName = "AddRaftVoterResponse";
  static constexpr auto kApi = ApiKey::kAddRaftVoter;
  static constexpr Versions kVersions{0, 1};
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

  friend bool operator==(const AddRaftVoterResponse&, const AddRaftVoterResponse&) = default;
};

}  // namespace millrace::protocol
