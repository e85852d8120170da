#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct ElectLeadersTopic {
  std::string topic;
  std::vector<PartitionIndex> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic", self.topic);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const ElectLeadersTopic&, const ElectLeadersTopic&) = default;
};

/// Have leaders elected: the preferred ones, or any. Source: ElectLeadersRequest.json of Kafka 3.9 and 4.3.1.
struct ElectLeadersRequest {
  static constexpr const char* kName = "ElectLeadersRequest";
  static constexpr auto kApi = ApiKey::kElectLeaders;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(2);

  std::int8_t election_type = 0;
  std::optional<std::vector<ElectLeadersTopic>> topic_partitions;
  std::int32_t timeout_ms = 60000;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("election_type", self.election_type, from(1));
    visit("topic_partitions", self.topic_partitions, nullable(from(0)));
    visit("timeout_ms", self.timeout_ms);
  }

  friend bool operator==(const ElectLeadersRequest&, const ElectLeadersRequest&) = default;
};

struct PartitionElectionResult {
  PartitionIndex partition_id;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_id", self.partition_id);
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
  }

  friend bool operator==(const PartitionElectionResult&, const PartitionElectionResult&) = default;
};

struct ReplicaElectionResult {
  std::string topic;
  std::vector<PartitionElectionResult> partition_result;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic", self.topic);
    visit("partition_result", self.partition_result);
  }

  friend bool operator==(const ReplicaElectionResult&, const ReplicaElectionResult&) = default;
};

/// How each election went. Source: ElectLeadersResponse.json of Kafka 3.9 and 4.3.1.
struct ElectLeadersResponse {
  static constexpr const char* kName = "ElectLeadersResponse";
  static constexpr auto kApi = ApiKey::kElectLeaders;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(2);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<ReplicaElectionResult> replica_election_results;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("error_code", self.error_code, from(1));
    visit("replica_election_results", self.replica_election_results);
  }

  friend bool operator==(const ElectLeadersResponse&, const ElectLeadersResponse&) = default;
};

}  // namespace millrace::protocol
