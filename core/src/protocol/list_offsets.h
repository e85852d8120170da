#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct ListOffsetsPartition {
  PartitionIndex partition_index;
  LeaderEpoch current_leader_epoch = kNoLeaderEpoch;
  std::int64_t timestamp = 0;
  std::int32_t max_num_offsets = 1;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("current_leader_epoch", self.current_leader_epoch, from(4));
    visit("timestamp", self.timestamp);
    visit("max_num_offsets", self.max_num_offsets, between(0, 0));
  }

  friend bool operator==(const ListOffsetsPartition&, const ListOffsetsPartition&) = default;
};

struct ListOffsetsTopic {
  std::string name;
  std::vector<ListOffsetsPartition> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const ListOffsetsTopic&, const ListOffsetsTopic&) = default;
};

/// Which offset is first, last, or the first at a time? Source: ListOffsetsRequest.json of Kafka 3.9 and 4.3.1.
struct ListOffsetsRequest {
  static constexpr const char* kName = "ListOffsetsRequest";
  static constexpr auto kApi = ApiKey::kListOffsets;
  static constexpr Versions kVersions{0, 11};
  static constexpr Versions kFlexible = from(6);

  BrokerId replica_id;
  std::int8_t isolation_level = 0;
  std::vector<ListOffsetsTopic> topics;
  std::int32_t timeout_ms = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("replica_id", self.replica_id);
    visit("isolation_level", self.isolation_level, from(2));
    visit("topics", self.topics);
    visit("timeout_ms", self.timeout_ms, from(10));
  }

  friend bool operator==(const ListOffsetsRequest&, const ListOffsetsRequest&) = default;
};

struct ListOffsetsPartitionResponse {
  PartitionIndex partition_index;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<Offset> old_style_offsets;
  std::int64_t timestamp = -1;
  Offset offset = kNoOffset;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("error_code", self.error_code);
    visit("old_style_offsets", self.old_style_offsets, between(0, 0));
    visit("timestamp", self.timestamp, from(1));
    visit("offset", self.offset, from(1));
    visit("leader_epoch", self.leader_epoch, from(4));
  }

  friend bool operator==(const ListOffsetsPartitionResponse&, const ListOffsetsPartitionResponse&) = default;
};

struct ListOffsetsTopicResponse {
  std::string name;
  std::vector<ListOffsetsPartitionResponse> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const ListOffsetsTopicResponse&, const ListOffsetsTopicResponse&) = default;
};

/// The offsets that were asked for. Source: ListOffsetsResponse.json of Kafka 3.9 and 4.3.1.
struct ListOffsetsResponse {
  static constexpr const char* kName = "ListOffsetsResponse";
  static constexpr auto kApi = ApiKey::kListOffsets;
  static constexpr Versions kVersions{0, 11};
  static constexpr Versions kFlexible = from(6);

  std::int32_t throttle_time_ms = 0;
  std::vector<ListOffsetsTopicResponse> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms, from(2));
    visit("topics", self.topics);
  }

  friend bool operator==(const ListOffsetsResponse&, const ListOffsetsResponse&) = default;
};

}  // namespace millrace::protocol
