#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// Which broker coordinates a group or transaction? Source: FindCoordinatorRequest.json of Kafka 3.9 and 4.3.1.
struct FindCoordinatorRequest {
  static constexpr const char* kName = "FindCoordinatorRequest";
  static constexpr auto kApi = ApiKey::kFindCoordinator;
  static constexpr Versions kVersions{0, 6};
  static constexpr Versions kFlexible = from(3);

  std::string key;
  std::int8_t key_type = 0;
  std::vector<std::string> coordinator_keys;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("key", self.key, between(0, 3));
    visit("key_type", self.key_type, from(1));
    visit("coordinator_keys", self.coordinator_keys, from(4));
  }

  friend bool operator==(const FindCoordinatorRequest&, const FindCoordinatorRequest&) = default;
};

struct FoundCoordinator {
  std::string key;
  BrokerId node_id;
  std::string host;
  std::int32_t port = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("key", self.key);
    visit("node_id", self.node_id);
    visit("host", self.host);
    visit("port", self.port);
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(4)));
  }

  friend bool operator==(const FoundCoordinator&, const FoundCoordinator&) = default;
};

/// The coordinators. Source: FindCoordinatorResponse.json of Kafka 3.9 and 4.3.1.
struct FindCoordinatorResponse {
  static constexpr const char* kName = "FindCoordinatorResponse";
  static constexpr auto kApi = ApiKey::kFindCoordinator;
  static constexpr Versions kVersions{0, 6};
  static constexpr Versions kFlexible = from(3);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  BrokerId node_id;
  std::string host;
  std::int32_t port = 0;
  std::vector<FoundCoordinator> coordinators;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms, from(1));
    visit("error_code", self.error_code, between(0, 3));
    visit("error_message", self.error_message, between(1, 3), nullable(from(1)));
    visit("node_id", self.node_id, between(0, 3));
    visit("host", self.host, between(0, 3));
    visit("port", self.port, between(0, 3));
    visit("coordinators", self.coordinators, from(4));
  }

  friend bool operator==(const FindCoordinatorResponse&, const FindCoordinatorResponse&) = default;
};

}  // namespace millrace::protocol
