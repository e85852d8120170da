#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct IncrementalAlterableConfig {
  std::string name;
  std::int8_t config_operation = 0;
  std::optional<std::string> value;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("config_operation", self.config_operation);
    visit("value", self.value, nullable(from(0)));
  }

  friend bool operator==(const IncrementalAlterableConfig&, const IncrementalAlterableConfig&) = default;
};

struct IncrementalAlterConfigsResource {
  std::int8_t resource_type = 0;
  std::string resource_name;
  std::vector<IncrementalAlterableConfig> configs;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("resource_type", self.resource_type);
    visit("resource_name", self.resource_name);
    visit("configs", self.configs);
  }

  friend bool operator==(const IncrementalAlterConfigsResource&, const IncrementalAlterConfigsResource&) = default;
};

/// Change some settings of topics and brokers. Source: IncrementalAlterConfigsRequest.json of Kafka 3.9 and 4.3.1.
struct IncrementalAlterConfigsRequest {
  static constexpr const char* kName = "IncrementalAlterConfigsRequest";
  static constexpr auto kApi = ApiKey::kIncrementalAlterConfigs;
  static constexpr Versions kVersions{0, 1};
  static constexpr Versions kFlexible = from(1);

  std::vector<IncrementalAlterConfigsResource> resources;
  bool validate_only = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("resources", self.resources);
    visit("validate_only", self.validate_only);
  }

  friend bool operator==(const IncrementalAlterConfigsRequest&, const IncrementalAlterConfigsRequest&) = default;
};

struct IncrementalAlterConfigsResourceResponse {
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

  friend bool operator==(const IncrementalAlterConfigsResourceResponse&,
                         const IncrementalAlterConfigsResourceResponse&) = default;
};

/// What became of each resource. Source: IncrementalAlterConfigsResponse.json of Kafka 3.9 and 4.3.1.
struct IncrementalAlterConfigsResponse {
  static constexpr const char* kName = "IncrementalAlterConfigsResponse";
  static constexpr auto kApi = ApiKey::kIncrementalAlterConfigs;
  static constexpr Versions kVersions{0, 1};
  static constexpr Versions kFlexible = from(1);

  std::int32_t throttle_time_ms = 0;
  std::vector<IncrementalAlterConfigsResourceResponse> responses;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("responses", self.responses);
  }

  friend bool operator==(const IncrementalAlterConfigsResponse&, const IncrementalAlterConfigsResponse&) = default;
};

}  // namespace millrace::protocol
