#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"
#include "protocol/leader_hint.h"

namespace millrace::protocol {

struct FetchReplicaState {
  BrokerId replica_id{-1};
  std::int64_t replica_epoch = -1;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("replica_id", self.replica_id);
    visit("replica_epoch", self.replica_epoch);
  }

  friend bool operator==(const FetchReplicaState&, const FetchReplicaState&) = default;
};

struct FetchPartition {
  PartitionIndex partition;
  LeaderEpoch current_leader_epoch = kNoLeaderEpoch;
  Offset fetch_offset;
  LeaderEpoch last_fetched_epoch = kNoLeaderEpoch;
  Offset log_start_offset = kNoOffset;
  std::int32_t partition_max_bytes = 0;
  Uuid replica_directory_id;
  Offset high_watermark{std::numeric_limits<std::int64_t>::max()};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition", self.partition);
    visit("current_leader_epoch", self.current_leader_epoch, from(9));
    visit("fetch_offset", self.fetch_offset);
    visit("last_fetched_epoch", self.last_fetched_epoch, from(12));
    visit("log_start_offset", self.log_start_offset, from(5));
    visit("partition_max_bytes", self.partition_max_bytes);
    visit("replica_directory_id", self.replica_directory_id, from(17), tagged(0));
    visit("high_watermark", self.high_watermark, from(18), tagged(1));
  }

  friend bool operator==(const FetchPartition&, const FetchPartition&) = default;
};

struct FetchTopic {
  std::string topic;
  TopicId topic_id;
  std::vector<FetchPartition> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic", self.topic, between(0, 12));
    visit("topic_id", self.topic_id, from(13));
    visit("partitions", self.partitions);
  }

  friend bool operator==(const FetchTopic&, const FetchTopic&) = default;
};

struct ForgottenTopic {
  std::string topic;
  TopicId topic_id;
  std::vector<PartitionIndex> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic", self.topic, between(7, 12));
    visit("topic_id", self.topic_id, from(13));
    visit("partitions", self.partitions);
  }

  friend bool operator==(const ForgottenTopic&, const ForgottenTopic&) = default;
};

/// Read record batches, waiting for them if there are none. Source: FetchRequest.json of Kafka 3.9 and 4.3.1.
struct FetchRequest {
  static constexpr const char* kName = "FetchRequest";
  static constexpr auto kApi = ApiKey::kFetch;
  static constexpr Versions kVersions{0, 18};
  static constexpr Versions kFlexible = from(12);

  std::optional<std::string> cluster_id;
  BrokerId replica_id{-1};
  FetchReplicaState replica_state;
  std::int32_t max_wait_ms = 0;
  std::int32_t min_bytes = 0;
  std::int32_t max_bytes = std::numeric_limits<std::int32_t>::max();
  std::int8_t isolation_level = 0;
  std::int32_t session_id = 0;
  std::int32_t session_epoch = -1;
  std::vector<FetchTopic> topics;
  std::vector<ForgottenTopic> forgotten_topics_data;
  std::string rack_id;
  /// Not on the wire: whether this version names topics by their ids, also where it names none.
  bool names_topics_by_id = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("replica_id", self.replica_id, between(0, 14));
    visit("max_wait_ms", self.max_wait_ms);
    visit("min_bytes", self.min_bytes);
    visit("max_bytes", self.max_bytes, from(3));
    visit("isolation_level", self.isolation_level, from(4));
    visit("session_id", self.session_id, from(7));
    visit("session_epoch", self.session_epoch, from(7));
    visit("topics", self.topics);
    visit("forgotten_topics_data", self.forgotten_topics_data, from(7));
    visit("rack_id", self.rack_id, from(11));
    visit("cluster_id", self.cluster_id, from(12), nullable(from(12)), tagged(0));
    visit("replica_state", self.replica_state, from(15), tagged(1));
  }

  friend bool operator==(const FetchRequest&, const FetchRequest&) = default;
};

inline void normalize(FetchRequest& request, std::int16_t version) { request.names_topics_by_id = version >= 13; }

struct DivergingEpoch {
  LeaderEpoch epoch = kNoLeaderEpoch;
  Offset end_offset = kNoOffset;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("epoch", self.epoch);
    visit("end_offset", self.end_offset);
  }

  friend bool operator==(const DivergingEpoch&, const DivergingEpoch&) = default;
};

struct FetchSnapshotId {
  Offset end_offset = kNoOffset;
  LeaderEpoch epoch = kNoLeaderEpoch;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("end_offset", self.end_offset);
    visit("epoch", self.epoch);
  }

  friend bool operator==(const FetchSnapshotId&, const FetchSnapshotId&) = default;
};

struct FetchAbortedTransaction {
  ProducerId producer_id;
  Offset first_offset;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("producer_id", self.producer_id);
    visit("first_offset", self.first_offset);
  }

  friend bool operator==(const FetchAbortedTransaction&, const FetchAbortedTransaction&) = default;
};

struct FetchablePartitionResponse {
  PartitionIndex partition_index;
  ErrorCode error_code = ErrorCode::kNone;
  Offset high_watermark;
  Offset last_stable_offset = kNoOffset;
  Offset log_start_offset = kNoOffset;
  DivergingEpoch diverging_epoch;
  LeaderIdAndEpoch current_leader;
  FetchSnapshotId snapshot_id;
  std::optional<std::vector<FetchAbortedTransaction>> aborted_transactions;
  BrokerId preferred_read_replica{-1};
  Records records;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("error_code", self.error_code);
    visit("high_watermark", self.high_watermark);
    visit("last_stable_offset", self.last_stable_offset, from(4));
    visit("log_start_offset", self.log_start_offset, from(5));
    visit("aborted_transactions", self.aborted_transactions, from(4), nullable(from(4)));
    visit("preferred_read_replica", self.preferred_read_replica, from(11));
    visit("records", self.records, nullable(from(0)));
    visit("diverging_epoch", self.diverging_epoch, from(12), tagged(0));
    visit("current_leader", self.current_leader, from(12), tagged(1));
    visit("snapshot_id", self.snapshot_id, from(12), tagged(2));
  }

  friend bool operator==(const FetchablePartitionResponse&, const FetchablePartitionResponse&) = default;
};

struct FetchableTopicResponse {
  std::string topic;
  TopicId topic_id;
  std::vector<FetchablePartitionResponse> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic", self.topic, between(0, 12));
    visit("topic_id", self.topic_id, from(13));
    visit("partitions", self.partitions);
  }

  friend bool operator==(const FetchableTopicResponse&, const FetchableTopicResponse&) = default;
};

/// Record batches as they lie in the log. Source: FetchResponse.json of Kafka 3.9 and 4.3.1.
struct FetchResponse {
  static constexpr const char* kName = "FetchResponse";
  static constexpr auto kApi = ApiKey::kFetch;
  static constexpr Versions kVersions{0, 18};
  static constexpr Versions kFlexible = from(12);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::int32_t session_id = 0;
  std::vector<FetchableTopicResponse> responses;
  std::vector<NodeEndpoint> node_endpoints;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms, from(1));
    visit("error_code", self.error_code, from(7));
    visit("session_id", self.session_id, from(7));
    visit("responses", self.responses);
    visit("node_endpoints", self.node_endpoints, from(16), tagged(0));
  }

  friend bool operator==(const FetchResponse&, const FetchResponse&) = default;
};

}  // namespace millrace::protocol
