#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// Forget a broker that is gone for good. Source: UnregisterBrokerRequest.json of Kafka 3.9 and 4.3.1.
struct UnregisterBrokerRequest {
  static constexpr const char* kName = "UnregisterBrokerRequest";
  static constexpr auto kApi = ApiKey::kUnregisterBroker;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  BrokerId broker_id;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("broker_id", self.broker_id);
  }

  friend bool operator==(const UnregisterBrokerRequest&, const UnregisterBrokerRequest&) = default;
};

/// Whether it is forgotten. Source: UnregisterBrokerResponse.json of Kafka 3.9 and 4.3.1.
struct UnregisterBrokerResponse {
  static constexpr const char* kName = "UnregisterBrokerResponse";
  static constexpr auto kApi = ApiKey::kUnregisterBroker;
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

  friend bool operator==(const UnregisterBrokerResponse&, const UnregisterBrokerResponse&) = default;
};

}  // namespace millrace::protocol
