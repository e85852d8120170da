#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct DescribeQuorumPartition {
  PartitionIndex partition_index;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
  }

  friend bool operator==(const DescribeQuorumPartition&, const DescribeQuorumPartition&) = default;
};

struct DescribeQuorumTopic {
  std::string topic_name;
  std::vector<DescribeQuorumPartition> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic_name", self.topic_name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const DescribeQuorumTopic&, const DescribeQuorumTopic&) = default;
};

/// Who keeps the metadata log? Source: DescribeQuorumRequest.json of Kafka 3.9 and 4.3.1.
struct DescribeQuorumRequest {
  static constexpr const char* kName = "DescribeQuorumRequest";
  static constexpr auto kApi = ApiKey::kDescribeQuorum;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(0);

  std::vector<DescribeQuorumTopic> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topics", self.topics);
  }

  friend bool operator==(const DescribeQuorumRequest&, const DescribeQuorumRequest&) = default;
};

struct QuorumReplica {
  BrokerId replica_id;
  Uuid replica_directory_id;
  Offset log_end_offset;
  std::int64_t last_fetch_timestamp = -1;
  std::int64_t last_caught_up_timestamp = -1;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("replica_id", self.replica_id);
    visit("replica_directory_id", self.replica_directory_id, from(2));
    visit("log_end_offset", self.log_end_offset);
    visit("last_fetch_timestamp", self.last_fetch_timestamp, from(1));
    visit("last_caught_up_timestamp", self.last_caught_up_timestamp, from(1));
  }

  friend bool operator==(const QuorumReplica&, const QuorumReplica&) = default;
};

struct QuorumPartition {
  PartitionIndex partition_index;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  BrokerId leader_id;
  LeaderEpoch leader_epoch;
  Offset high_watermark;
  std::vector<QuorumReplica> current_voters;
  std::vector<QuorumReplica> observers;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, from(2), nullable(from(2)));
    visit("leader_id", self.leader_id);
    visit("leader_epoch", self.leader_epoch);
    visit("high_watermark", self.high_watermark);
    visit("current_voters", self.current_voters);
    visit("observers", self.observers);
  }

  friend bool operator==(const QuorumPartition&, const QuorumPartition&) = default;
};

struct QuorumTopic {
  std::string topic_name;
  std::vector<QuorumPartition> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic_name", self.topic_name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const QuorumTopic&, const QuorumTopic&) = default;
};

struct QuorumListener {
  std::string name;
  std::string host;
  std::uint16_t port = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name, from(2));
    visit("host", self.host, from(2));
    visit("port", self.port, from(2));
  }

  friend bool operator==(const QuorumListener&, const QuorumListener&) = default;
};

struct QuorumNode {
  BrokerId node_id;
  std::vector<QuorumListener> listeners;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("node_id", self.node_id, from(2));
    visit("listeners", self.listeners, from(2));
  }

  friend bool operator==(const QuorumNode&, const QuorumNode&) = default;
};

/// The voters and observers of the metadata log. Source: DescribeQuorumResponse.json of Kafka 3.9 and 4.3.1.
struct DescribeQuorumResponse {
  static constexpr const char* kName = "DescribeQuorumResponse";
  static constexpr auto kApi = ApiKey::kDescribeQuorum;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(0);

  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::vector<QuorumTopic> topics;
  std::vector<QuorumNode> nodes;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, from(2), nullable(from(2)));
    visit("topics", self.topics);
    visit("nodes", self.nodes, from(2));
  }

  friend bool operator==(const DescribeQuorumResponse&, const DescribeQuorumResponse&) = default;
};

}  // namespace millrace::protocol
