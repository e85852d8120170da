#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct OffsetCommitRequestPartition {
  PartitionIndex partition_index;
  Offset committed_offset;
  LeaderEpoch committed_leader_epoch = kNoLeaderEpoch;
  std::int64_t commit_timestamp = -1;
  std::optional<std::string> committed_metadata;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("committed_offset", self.committed_offset);
    visit("committed_leader_epoch", self.committed_leader_epoch, from(6));
    visit("commit_timestamp", self.commit_timestamp, between(1, 1));
    visit("committed_metadata", self.committed_metadata, nullable(from(0)));
  }

  friend bool operator==(const OffsetCommitRequestPartition&, const OffsetCommitRequestPartition&) = default;
};

struct OffsetCommitRequestTopic {
  std::string name;
  TopicId topic_id;
  std::vector<OffsetCommitRequestPartition> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name, between(0, 9));
    visit("topic_id", self.topic_id, from(10));
    visit("partitions", self.partitions);
  }

  friend bool operator==(const OffsetCommitRequestTopic&, const OffsetCommitRequestTopic&) = default;
};

/// Where the group will go on, by partition. Source: OffsetCommitRequest.json of Kafka 3.9 and 4.3.1.
struct OffsetCommitRequest {
  static constexpr const char* kName = "OffsetCommitRequest";
  static constexpr auto kApi = ApiKey::kOffsetCommit;
  static constexpr Versions kVersions{0, 10};
  static constexpr Versions kFlexible = from(8);

  std::string group_id;
  std::int32_t generation_id_or_member_epoch = -1;
  /// What a version means without a field for it; `normalize` sets it: the client has words for member epochs
  /// (KIP-848).
  bool knows_member_epochs = false;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::int64_t retention_time_ms = -1;
  std::vector<OffsetCommitRequestTopic> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group_id);
    visit("generation_id_or_member_epoch", self.generation_id_or_member_epoch, from(1));
    visit("member_id", self.member_id, from(1));
    visit("group_instance_id", self.group_instance_id, from(7), nullable(from(7)));
    visit("retention_time_ms", self.retention_time_ms, between(2, 4));
    visit("topics", self.topics);
  }

  friend bool operator==(const OffsetCommitRequest&, const OffsetCommitRequest&) = default;
};

inline void normalize(OffsetCommitRequest& request, std::int16_t version) {
  request.knows_member_epochs = version >= 9;
}

struct OffsetCommitResponsePartition {
  PartitionIndex partition_index;
  ErrorCode error_code = ErrorCode::kNone;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("error_code", self.error_code);
  }

  friend bool operator==(const OffsetCommitResponsePartition&, const OffsetCommitResponsePartition&) = default;
};

struct OffsetCommitResponseTopic {
  std::string name;
  TopicId topic_id;
  std::vector<OffsetCommitResponsePartition> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name, between(0, 9));
    visit("topic_id", self.topic_id, from(10));
    visit("partitions", self.partitions);
  }

  friend bool operator==(const OffsetCommitResponseTopic&, const OffsetCommitResponseTopic&) = default;
};

/// Which offsets are stored. Source: OffsetCommitResponse.json of Kafka 3.9 and 4.3.1.
struct OffsetCommitResponse {
  static constexpr const char* kName = "OffsetCommitResponse";
  static constexpr auto kApi = ApiKey::kOffsetCommit;
  static constexpr Versions kVersions{0, 10};
  static constexpr Versions kFlexible = from(8);

  std::int32_t throttle_time_ms = 0;
  std::vector<OffsetCommitResponseTopic> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms, from(3));
    visit("topics", self.topics);
  }

  friend bool operator==(const OffsetCommitResponse&, const OffsetCommitResponse&) = default;
};

}  // namespace millrace::protocol
