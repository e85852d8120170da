#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct DescribeTopicPartitionsTopic {
  std::string name;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
  }

  friend bool operator==(const DescribeTopicPartitionsTopic&, const DescribeTopicPartitionsTopic&) = default;
};

struct TopicPartitionCursor {
  std::string topic_name;
  PartitionIndex partition_index;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic_name", self.topic_name);
    visit("partition_index", self.partition_index);
  }

  friend bool operator==(const TopicPartitionCursor&, const TopicPartitionCursor&) = default;
};

/// What are these topics, in answers of bounded size? Source: DescribeTopicPartitionsRequest.json of Kafka 3.9 and
/// 4.3.1.
struct DescribeTopicPartitionsRequest {
  static constexpr const char* kName = "DescribeTopicPartitionsRequest";
  static constexpr auto kApi = ApiKey::kDescribeTopicPartitions;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::vector<DescribeTopicPartitionsTopic> topics;
  std::int32_t response_partition_limit = 2000;
  std::optional<TopicPartitionCursor> cursor;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topics", self.topics);
    visit("response_partition_limit", self.response_partition_limit);
    visit("cursor", self.cursor, nullable(from(0)));
  }

  friend bool operator==(const DescribeTopicPartitionsRequest&, const DescribeTopicPartitionsRequest&) = default;
};

struct DescribedTopicPartition {
  ErrorCode error_code = ErrorCode::kNone;
  PartitionIndex partition_index;
  BrokerId leader_id;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::vector<BrokerId> replica_nodes;
  std::vector<BrokerId> isr_nodes;
  std::optional<std::vector<BrokerId>> eligible_leader_replicas;
  std::optional<std::vector<BrokerId>> last_known_elr;
  std::vector<BrokerId> offline_replicas;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("error_code", self.error_code);
    visit("partition_index", self.partition_index);
    visit("leader_id", self.leader_id);
    visit("leader_epoch", self.leader_epoch);
    visit("replica_nodes", self.replica_nodes);
    visit("isr_nodes", self.isr_nodes);
    visit("eligible_leader_replicas", self.eligible_leader_replicas, nullable(from(0)));
    visit("last_known_elr", self.last_known_elr, nullable(from(0)));
    visit("offline_replicas", self.offline_replicas);
  }

  friend bool operator==(const DescribedTopicPartition&, const DescribedTopicPartition&) = default;
};

struct DescribedTopic {
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> name;
  TopicId topic_id;
  bool is_internal = false;
  std::vector<DescribedTopicPartition> partitions;
  std::int32_t topic_authorized_operations = std::numeric_limits<std::int32_t>::min();

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("error_code", self.error_code);
    visit("name", self.name, nullable(from(0)));
    visit("topic_id", self.topic_id);
    visit("is_internal", self.is_internal);
    visit("partitions", self.partitions);
    visit("topic_authorized_operations", self.topic_authorized_operations);
  }

  friend bool operator==(const DescribedTopic&, const DescribedTopic&) = default;
};

/// A page of topics, and where the next one begins. Source: DescribeTopicPartitionsResponse.json of Kafka 3.9 and
/// 4.3.1.
struct DescribeTopicPartitionsResponse {
  static constexpr const char* kName = "DescribeTopicPartitionsResponse";
  static constexpr auto kApi = ApiKey::kDescribeTopicPartitions;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::int32_t throttle_time_ms = 0;
  std::vector<DescribedTopic> topics;
  std::optional<TopicPartitionCursor> next_cursor;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("topics", self.topics);
    visit("next_cursor", self.next_cursor, nullable(from(0)));
  }

  friend bool operator==(const DescribeTopicPartitionsResponse&, const DescribeTopicPartitionsResponse&) = default;
};

}  // namespace millrace::protocol
