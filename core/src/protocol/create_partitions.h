#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct CreatePartitionsAssignment {
  std::vector<BrokerId> broker_ids;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("broker_ids", self.broker_ids);
  }

  friend bool operator==(const CreatePartitionsAssignment&, const CreatePartitionsAssignment&) = default;
};

struct CreatePartitionsTopic {
  std::string name;
  std::int32_t count = 0;
  std::optional<std::vector<CreatePartitionsAssignment>> assignments;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("count", self.count);
    visit("assignments", self.assignments, nullable(from(0)));
  }

  friend bool operator==(const CreatePartitionsTopic&, const CreatePartitionsTopic&) = default;
};

/// Give topics more partitions. Source: CreatePartitionsRequest.json of Kafka 3.9 and 4.3.1.
struct CreatePartitionsRequest {
  static constexpr const char* kName = "CreatePartitionsRequest";
  static constexpr auto kApi = ApiKey::kCreatePartitions;
  static constexpr Versions kVersions{0, 3};
  static constexpr Versions kFlexible = from(2);

  std::vector<CreatePartitionsTopic> topics;
  std::int32_t timeout_ms = 0;
  bool validate_only = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topics", self.topics);
    visit("timeout_ms", self.timeout_ms);
    visit("validate_only", self.validate_only);
  }

  friend bool operator==(const CreatePartitionsRequest&, const CreatePartitionsRequest&) = default;
};

struct CreatePartitionsTopicResult {
  std::string name;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
  }

  friend bool operator==(const CreatePartitionsTopicResult&, const CreatePartitionsTopicResult&) = default;
};

/// What became of each topic. Source: CreatePartitionsResponse.json of Kafka 3.9 and 4.3.1.
struct CreatePartitionsResponse {
  static constexpr const char* kName = "CreatePartitionsResponse";
  static constexpr auto kApi = ApiKey::kCreatePartitions;
  static constexpr Versions kVersions{0, 3};
  static constexpr Versions kFlexible = from(2);

  std::int32_t throttle_time_ms = 0;
  std::vector<CreatePartitionsTopicResult> results;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("results", self.results);
  }

  friend bool operator==(const CreatePartitionsResponse&, const CreatePartitionsResponse&) = default;
};

}  // namespace millrace::protocol
