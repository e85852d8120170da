#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct DescribeConfigsResource {
  std::int8_t resource_type = 0;
  std::string resource_name;
  std::optional<std::vector<std::string>> configuration_keys;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("resource_type", self.resource_type);
    visit("resource_name", self.resource_name);
    visit("configuration_keys", self.configuration_keys, nullable(from(0)));
  }

  friend bool operator==(const DescribeConfigsResource&, const DescribeConfigsResource&) = default;
};

/// What are the settings of topics and brokers? Source: DescribeConfigsRequest.json of Kafka 3.9 and 4.3.1.
struct DescribeConfigsRequest {
  static constexpr const char* kName = "DescribeConfigsRequest";
  static constexpr auto kApi = ApiKey::kDescribeConfigs;
  static constexpr Versions kVersions{0, 4};
  static constexpr Versions kFlexible = from(4);

  std::vector<DescribeConfigsResource> resources;
  bool include_synonyms = false;
  bool include_documentation = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("resources", self.resources);
    visit("include_synonyms", self.include_synonyms, from(1));
    visit("include_documentation", self.include_documentation, from(3));
  }

  friend bool operator==(const DescribeConfigsRequest&, const DescribeConfigsRequest&) = default;
};

struct DescribeConfigsSynonym {
  std::string name;
  std::optional<std::string> value;
  std::int8_t source = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("value", self.value, nullable(from(1)));
    visit("source", self.source);
  }

  friend bool operator==(const DescribeConfigsSynonym&, const DescribeConfigsSynonym&) = default;
};

struct DescribeConfigsResourceResult {
  std::string name;
  std::optional<std::string> value;
  bool read_only = false;
  bool is_default = false;
  std::int8_t config_source = -1;
  bool is_sensitive = false;
  std::vector<DescribeConfigsSynonym> synonyms;
  std::int8_t config_type = 0;
  std::optional<std::string> documentation;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("value", self.value, nullable(from(0)));
    visit("read_only", self.read_only);
    visit("is_default", self.is_default, between(0, 0));
    visit("config_source", self.config_source, from(1));
    visit("is_sensitive", self.is_sensitive);
    visit("synonyms", self.synonyms, from(1));
    visit("config_type", self.config_type, from(3));
    visit("documentation", self.documentation, from(3), nullable(from(3)));
  }

  friend bool operator==(const DescribeConfigsResourceResult&, const DescribeConfigsResourceResult&) = default;
};

struct DescribeConfigsResult {
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::int8_t resource_type = 0;
  std::string resource_name;
  std::vector<DescribeConfigsResourceResult> configs;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
    visit("resource_type", self.resource_type);
    visit("resource_name", self.resource_name);
    visit("configs", self.configs);
  }

  friend bool operator==(const DescribeConfigsResult&, const DescribeConfigsResult&) = default;
};

/// The settings with their sources. Source: DescribeConfigsResponse.json of Kafka 3.9 and 4.3.1.
struct DescribeConfigsResponse {
  static constexpr const char* kName = "DescribeConfigsResponse";
  static constexpr auto kApi = ApiKey::kDescribeConfigs;
  static constexpr Versions kVersions{0, 4};
  static constexpr Versions kFlexible = from(4);

  std::int32_t throttle_time_ms = 0;
  std::vector<DescribeConfigsResult> results;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("results", self.results);
  }

  friend bool operator==(const DescribeConfigsResponse&, const DescribeConfigsResponse&) = default;
};

}  // namespace millrace::protocol
