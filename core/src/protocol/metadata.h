#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct MetadataRequestTopic {
  TopicId topic_id;
  std::optional<std::string> name;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic_id", self.topic_id, from(10));
    visit("name", self.name, nullable(from(10)));
  }

  friend bool operator==(const MetadataRequestTopic&, const MetadataRequestTopic&) = default;
};

/// Which brokers are there, and who leads which partition? No topics named: all of them. Source: MetadataRequest.json
/// of Kafka 3.9 and 4.3.1.
struct MetadataRequest {
  static constexpr const char* kName = "MetadataRequest";
  static constexpr auto kApi = ApiKey::kMetadata;
  static constexpr Versions kVersions{0, 13};
  static constexpr Versions kFlexible = from(9);

  std::optional<std::vector<MetadataRequestTopic>> topics;
  bool allow_auto_topic_creation = true;
  bool include_cluster_authorized_operations = false;
  bool include_topic_authorized_operations = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topics", self.topics, nullable(from(1)));
    visit("allow_auto_topic_creation", self.allow_auto_topic_creation, from(4));
    visit("include_cluster_authorized_operations", self.include_cluster_authorized_operations, between(8, 10));
    visit("include_topic_authorized_operations", self.include_topic_authorized_operations, from(8));
  }

  friend bool operator==(const MetadataRequest&, const MetadataRequest&) = default;
};

/// Says in the words of later versions what an old one says otherwise: version 0 has no null list and asks for all
/// topics with an empty one.
inline void normalize(MetadataRequest& request, std::int16_t version) {
  if (version == 0 && request.topics && request.topics->empty()) request.topics.reset();
}

struct MetadataResponseBroker {
  BrokerId node_id;
  std::string host;
  std::int32_t port = 0;
  std::optional<std::string> rack;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("node_id", self.node_id);
    visit("host", self.host);
    visit("port", self.port);
    visit("rack", self.rack, from(1), nullable(from(1)));
  }

  friend bool operator==(const MetadataResponseBroker&, const MetadataResponseBroker&) = default;
};

struct MetadataResponsePartition {
  ErrorCode error_code = ErrorCode::kNone;
  PartitionIndex partition_index;
  BrokerId leader_id;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::vector<BrokerId> replica_nodes;
  std::vector<BrokerId> isr_nodes;
  std::vector<BrokerId> offline_replicas;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("error_code", self.error_code);
    visit("partition_index", self.partition_index);
    visit("leader_id", self.leader_id);
    visit("leader_epoch", self.leader_epoch, from(7));
    visit("replica_nodes", self.replica_nodes);
    visit("isr_nodes", self.isr_nodes);
    visit("offline_replicas", self.offline_replicas, from(5));
  }

  friend bool operator==(const MetadataResponsePartition&, const MetadataResponsePartition&) = default;
};

struct MetadataResponseTopic {
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> name;
  TopicId topic_id;
  bool is_internal = false;
  std::vector<MetadataResponsePartition> partitions;
  std::int32_t topic_authorized_operations = std::numeric_limits<std::int32_t>::min();

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("error_code", self.error_code);
    visit("name", self.name, nullable(from(12)));
    visit("topic_id", self.topic_id, from(10));
    visit("is_internal", self.is_internal, from(1));
    visit("partitions", self.partitions);
    visit("topic_authorized_operations", self.topic_authorized_operations, from(8));
  }

  friend bool operator==(const MetadataResponseTopic&, const MetadataResponseTopic&) = default;
};

/// The cluster as clients need it to find their way. Source: MetadataResponse.json of Kafka 3.9 and 4.3.1.
struct MetadataResponse {
  static constexpr const char* kName = "MetadataResponse";
  static constexpr auto kApi = ApiKey::kMetadata;
  static constexpr Versions kVersions{0, 13};
  static constexpr Versions kFlexible = from(9);

  std::int32_t throttle_time_ms = 0;
  std::vector<MetadataResponseBroker> brokers;
  std::optional<std::string> cluster_id;
  BrokerId controller_id{-1};
  std::vector<MetadataResponseTopic> topics;
  std::int32_t cluster_authorized_operations = std::numeric_limits<std::int32_t>::min();
  ErrorCode error_code = ErrorCode::kNone;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms, from(3));
    visit("brokers", self.brokers);
    visit("cluster_id", self.cluster_id, from(2), nullable(from(2)));
    visit("controller_id", self.controller_id, from(1));
    visit("topics", self.topics);
    visit("cluster_authorized_operations", self.cluster_authorized_operations, between(8, 10));
    visit("error_code", self.error_code, from(13));
  }

  friend bool operator==(const MetadataResponse&, const MetadataResponse&) = default;
};

}  // namespace millrace::protocol
