#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct AlterableConfig {
  std::string name;
  std::optional<std::string> value;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("value", self.value, nullable(from(0)));
  }

  friend bool operator==(const AlterableConfig&, const AlterableConfig&) = default;
};

struct AlterConfigsResource {
  std::int8_t resource_type = 0;
  std::string resource_name;
  std::vector<AlterableConfig> configs;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("resource_type", self.resource_type);
    visit("resource_name", self.resource_name);
    visit("configs", self.configs);
  }

  friend bool operator==(const AlterConfigsResource&, const AlterConfigsResource&) = default;
};

/// Replace all settings of topics and brokers. Source: AlterConfigsRequest.json of Kafka 3.9 and 4.3.1.
struct AlterConfigsRequest {
  static constexpr const char* kName = "AlterConfigsRequest";
  static constexpr auto kApi = ApiKey::kAlterConfigs;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(2);

  std::vector<AlterConfigsResource> resources;
  bool validate_only = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("resources", self.resources);
    visit("validate_only", self.validate_only);
  }

  friend bool operator==(const AlterConfigsRequest&, const AlterConfigsRequest&) = default;
};

struct AlterConfigsResourceResponse {
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::int8_t resource_type = 0;
  std::string resource_name;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
    visit("resource_type", self.resource_type);
    visit("resource_name", self.resource_name);
  }

  friend bool operator==(const AlterConfigsResourceResponse&, const AlterConfigsResourceResponse&) = default;
};

/// What became of each resource. Source: AlterConfigsResponse.json of Kafka 3.9 and 4.3.1.
struct AlterConfigsResponse {
  static constexpr const char* kName = "AlterConfigsResponse";
  static constexpr auto kApi = ApiKey::kAlterConfigs;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(2);

  std::int32_t throttle_time_ms = 0;
  std::vector<AlterConfigsResourceResponse> responses;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("responses", self.responses);
  }

  friend bool operator==(const AlterConfigsResponse&, const AlterConfigsResponse&) = default;
};

}  // namespace millrace::protocol
