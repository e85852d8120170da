#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct ListPartitionReassignmentsTopic {
  std::string name;
  std::vector<PartitionIndex> partition_indexes;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partition_indexes", self.partition_indexes);
  }

  friend bool operator==(const ListPartitionReassignmentsTopic&, const ListPartitionReassignmentsTopic&) = default;
};

/// Which partitions are moving? Source: ListPartitionReassignmentsRequest.json of Kafka 3.9 and 4.3.1.
struct ListPartitionReassignmentsRequest {
  static constexpr const char* kName = "ListPartitionReassignmentsRequest";
  static constexpr auto kApi = ApiKey::kListPartitionReassignments;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::int32_t timeout_ms = 60000;
  std::optional<std::vector<ListPartitionReassignmentsTopic>> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("timeout_ms", self.timeout_ms);
    visit("topics", self.topics, nullable(from(0)));
  }

  friend bool operator==(const ListPartitionReassignmentsRequest&, const ListPartitionReassignmentsRequest&) = default;
};

struct OngoingPartitionReassignment {
  PartitionIndex partition_index;
  std::vector<BrokerId> replicas;
  std::vector<BrokerId> adding_replicas;
  std::vector<BrokerId> removing_replicas;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("replicas", self.replicas);
    visit("adding_replicas", self.adding_replicas);
    visit("removing_replicas", self.removing_replicas);
  }

  friend bool operator==(const OngoingPartitionReassignment&, const OngoingPartitionReassignment&) = default;
};

struct OngoingTopicReassignment {
  std::string name;
  std::vector<OngoingPartitionReassignment> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const OngoingTopicReassignment&, const OngoingTopicReassignment&) = default;
};

/// The partitions that are moving. Source: ListPartitionReassignmentsResponse.json of Kafka 3.9 and 4.3.1.
struct ListPartitionReassignmentsResponse {
  static constexpr const char* kName = "ListPartitionReassignmentsResponse";
  static constexpr auto kApi = ApiKey::kListPartitionReassignments;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::vector<OngoingTopicReassignment> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
    visit("topics", self.topics);
  }

  friend bool operator==(const ListPartitionReassignmentsResponse&,
                         const ListPartitionReassignmentsResponse&) = default;
};

}  // namespace millrace::protocol
