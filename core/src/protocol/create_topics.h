#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct CreatableReplicaAssignment {
  PartitionIndex partition_index;
  std::vector<BrokerId> broker_ids;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("broker_ids", self.broker_ids);
  }

  friend bool operator==(const CreatableReplicaAssignment&, const CreatableReplicaAssignment&) = default;
};

struct CreatableTopicConfig {
  std::string name;
  std::optional<std::string> value;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("value", self.value, nullable(from(0)));
  }

  friend bool operator==(const CreatableTopicConfig&, const CreatableTopicConfig&) = default;
};

struct CreatableTopic {
  std::string name;
  std::int32_t num_partitions = 0;
  std::int16_t replication_factor = 0;
  std::vector<CreatableReplicaAssignment> assignments;
  std::vector<CreatableTopicConfig> configs;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("num_partitions", self.num_partitions);
    visit("replication_factor", self.replication_factor);
    visit("assignments", self.assignments);
    visit("configs", self.configs);
  }

  friend bool operator==(const CreatableTopic&, const CreatableTopic&) = default;
};

/// Create topics. Source: CreateTopicsRequest.json of Kafka 3.9 and 4.3.1.
struct CreateTopicsRequest {
  static constexpr const char* kName = "CreateTopicsRequest";
  static constexpr auto kApi = ApiKey::kCreateTopics;
  static constexpr Versions kVersions{0, 7};
  static constexpr Versions kFlexible = from(5);

  std::vector<CreatableTopic> topics;
  std::int32_t timeout_ms = 60000;
  bool validate_only = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topics", self.topics);
    visit("timeout_ms", self.timeout_ms);
    visit("validate_only", self.validate_only, from(1));
  }

  friend bool operator==(const CreateTopicsRequest&, const CreateTopicsRequest&) = default;
};

struct CreatableTopicConfigResult {
  std::string name;
  std::optional<std::string> value;
  bool read_only = false;
  std::int8_t config_source = -1;
  bool is_sensitive = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("value", self.value, nullable(from(5)));
    visit("read_only", self.read_only);
    visit("config_source", self.config_source);
    visit("is_sensitive", self.is_sensitive);
  }

  friend bool operator==(const CreatableTopicConfigResult&, const CreatableTopicConfigResult&) = default;
};

struct CreatableTopicResult {
  std::string name;
  TopicId topic_id;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  ErrorCode topic_config_error_code = ErrorCode::kNone;
  std::int32_t num_partitions = -1;
  std::int16_t replication_factor = -1;
  std::optional<std::vector<CreatableTopicConfigResult>> configs;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("topic_id", self.topic_id, from(7));
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, from(1), nullable(from(1)));
    visit("num_partitions", self.num_partitions, from(5));
    visit("replication_factor", self.replication_factor, from(5));
    visit("configs", self.configs, from(5), nullable(from(5)));
    visit("topic_config_error_code", self.topic_config_error_code, from(5), tagged(0));
  }

  friend bool operator==(const CreatableTopicResult&, const CreatableTopicResult&) = default;
};

/// What became of each topic. Source: CreateTopicsResponse.json of Kafka 3.9 and 4.3.1.
struct CreateTopicsResponse {
  static constexpr const char* kName = "CreateTopicsResponse";
  static constexpr auto kApi = ApiKey::kCreateTopics;
  static constexpr Versions kVersions{0, 7};
  static constexpr Versions kFlexible = from(5);

  std::int32_t throttle_time_ms = 0;
  std::vector<CreatableTopicResult> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms, from(2));
    visit("topics", self.topics);
  }

  friend bool operator==(const CreateTopicsResponse&, const CreateTopicsResponse&) = default;
};

}  // namespace millrace::protocol
