#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct ReassignablePartition {
  PartitionIndex partition_index;
  std::optional<std::vector<BrokerId>> replicas;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("replicas", self.replicas, nullable(from(0)));
  }

  friend bool operator==(const ReassignablePartition&, const ReassignablePartition&) = default;
};

struct ReassignableTopic {
  std::string name;
  std::vector<ReassignablePartition> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const ReassignableTopic&, const ReassignableTopic&) = default;
};

/// Give partitions other replicas. Source: AlterPartitionReassignmentsRequest.json of Kafka 3.9 and 4.3.1.
struct AlterPartitionReassignmentsRequest {
  static constexpr const char* kName = "AlterPartitionReassignmentsRequest";
  static constexpr auto kApi = ApiKey::kAlterPartitionReassignments;
  static constexpr Versions kVersions{0, 1};
  static constexpr Versions kFlexible = from(0);

  std::int32_t timeout_ms = 60000;
  bool allow_replication_factor_change = true;
  std::vector<ReassignableTopic> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("timeout_ms", self.timeout_ms);
    visit("allow_replication_factor_change", self.allow_replication_factor_change, from(1));
    visit("topics", self.topics);
  }

  friend bool operator==(const AlterPartitionReassignmentsRequest&,
                         const AlterPartitionReassignmentsRequest&) = default;
};

struct ReassignablePartitionResponse {
  PartitionIndex partition_index;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
  }

  friend bool operator==(const ReassignablePartitionResponse&, const ReassignablePartitionResponse&) = default;
};

struct ReassignableTopicResponse {
  std::string name;
  std::vector<ReassignablePartitionResponse> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const ReassignableTopicResponse&, const ReassignableTopicResponse&) = default;
};

/// Which of them will move. Source: AlterPartitionReassignmentsResponse.json of Kafka 3.9 and 4.3.1.
struct AlterPartitionReassignmentsResponse {
  static constexpr const char* kName = "AlterPartitionReassignmentsResponse";
  static constexpr auto kApi = ApiKey::kAlterPartitionReassignments;
  static constexpr Versions kVersions{0, 1};
  static constexpr Versions kFlexible = from(0);

  std::int32_t throttle_time_ms = 0;
  bool allow_replication_factor_change = true;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::vector<ReassignableTopicResponse> responses;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("allow_replication_factor_change", self.allow_replication_factor_change, from(1));
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
    visit("responses", self.responses);
  }

  friend bool operator==(const AlterPartitionReassignmentsResponse&,
                         const AlterPartitionReassignmentsResponse&) = default;
};

}  // namespace millrace::protocol
