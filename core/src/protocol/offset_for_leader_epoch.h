#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct EpochPartition {
  PartitionIndex partition;
  LeaderEpoch current_leader_epoch = kNoLeaderEpoch;
  LeaderEpoch leader_epoch;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition", self.partition);
    visit("current_leader_epoch", self.current_leader_epoch, from(2));
    visit("leader_epoch", self.leader_epoch);
  }

  friend bool operator==(const EpochPartition&, const EpochPartition&) = default;
};

struct EpochTopic {
  std::string topic;
  std::vector<EpochPartition> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic", self.topic);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const EpochTopic&, const EpochTopic&) = default;
};

/// Where do the records of a leader epoch end? A follower or consumer that was away finds out what is no longer there.
/// Source: OffsetForLeaderEpochRequest.json of Kafka 3.9 and 4.3.1.
struct OffsetForLeaderEpochRequest {
  static constexpr const char* kName = "OffsetForLeaderEpochRequest";
  static constexpr auto kApi = ApiKey::kOffsetForLeaderEpoch;
  static constexpr Versions kVersions{0, 4};
  static constexpr Versions kFlexible = from(4);

  BrokerId replica_id{-2};
  std::vector<EpochTopic> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("replica_id", self.replica_id, from(3));
    visit("topics", self.topics);
  }

  friend bool operator==(const OffsetForLeaderEpochRequest&, const OffsetForLeaderEpochRequest&) = default;
};

struct EpochEndOffset {
  ErrorCode error_code = ErrorCode::kNone;
  PartitionIndex partition;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  Offset end_offset = kNoOffset;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("error_code", self.error_code);
    visit("partition", self.partition);
    visit("leader_epoch", self.leader_epoch, from(1));
    visit("end_offset", self.end_offset);
  }

  friend bool operator==(const EpochEndOffset&, const EpochEndOffset&) = default;
};

struct EpochTopicResult {
  std::string topic;
  std::vector<EpochEndOffset> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic", self.topic);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const EpochTopicResult&, const EpochTopicResult&) = default;
};

/// The end of each epoch. Source: OffsetForLeaderEpochResponse.json of Kafka 3.9 and 4.3.1.
struct OffsetForLeaderEpochResponse {
  static constexpr const char* kName = "OffsetForLeaderEpochResponse";
  static constexpr auto kApi = ApiKey::kOffsetForLeaderEpoch;
  static constexpr Versions kVersions{0, 4};
  static constexpr Versions kFlexible = from(4);

  std::int32_t throttle_time_ms = 0;
  std::vector<EpochTopicResult> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms, from(2));
    visit("topics", self.topics);
  }

  friend bool operator==(const OffsetForLeaderEpochResponse&, const OffsetForLeaderEpochResponse&) = default;
};

}  // namespace millrace::protocol
