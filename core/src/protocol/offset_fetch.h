#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct OffsetFetchTopic {
  std::string name;
  TopicId topic_id;
  std::vector<PartitionIndex> partition_indexes;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name, between(0, 9));
    visit("topic_id", self.topic_id, from(10));
    visit("partition_indexes", self.partition_indexes);
  }

  friend bool operator==(const OffsetFetchTopic&, const OffsetFetchTopic&) = default;
};

struct OffsetFetchGroup {
  std::string group_id;
  std::optional<std::string> member_id;
  std::int32_t member_epoch = -1;
  std::optional<std::vector<OffsetFetchTopic>> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group_id);
    visit("member_id", self.member_id, from(9), nullable(from(9)));
    visit("member_epoch", self.member_epoch, from(9));
    visit("topics", self.topics, nullable(from(8)));
  }

  friend bool operator==(const OffsetFetchGroup&, const OffsetFetchGroup&) = default;
};

/// Where does a group go on? No topics: everywhere it has an offset. Source: OffsetFetchRequest.json of Kafka 3.9
/// and 4.3.1.
struct OffsetFetchRequest {
  static constexpr const char* kName = "OffsetFetchRequest";
  static constexpr auto kApi = ApiKey::kOffsetFetch;
  static constexpr Versions kVersions{0, 10};
  static constexpr Versions kFlexible = from(6);

  std::string group_id;
  std::optional<std::vector<OffsetFetchTopic>> topics;
  std::vector<OffsetFetchGroup> groups;
  bool require_stable = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group_id, between(0, 7));
    visit("topics", self.topics, between(0, 7), nullable(between(2, 7)));
    visit("groups", self.groups, from(8));
    visit("require_stable", self.require_stable, from(7));
  }

  friend bool operator==(const OffsetFetchRequest&, const OffsetFetchRequest&) = default;
};

struct FetchedOffset {
  PartitionIndex partition_index;
  Offset committed_offset;
  LeaderEpoch committed_leader_epoch = kNoLeaderEpoch;
  std::optional<std::string> metadata;
  ErrorCode error_code = ErrorCode::kNone;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("committed_offset", self.committed_offset);
    visit("committed_leader_epoch", self.committed_leader_epoch, from(5));
    visit("metadata", self.metadata, nullable(from(0)));
    visit("error_code", self.error_code);
  }

  friend bool operator==(const FetchedOffset&, const FetchedOffset&) = default;
};

struct FetchedTopicOffsets {
  std::string name;
  TopicId topic_id;
  std::vector<FetchedOffset> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name, between(0, 9));
    visit("topic_id", self.topic_id, from(10));
    visit("partitions", self.partitions);
  }

  friend bool operator==(const FetchedTopicOffsets&, const FetchedTopicOffsets&) = default;
};

struct FetchedGroupOffsets {
  std::string group_id;
  std::vector<FetchedTopicOffsets> topics;
  ErrorCode error_code = ErrorCode::kNone;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group_id);
    visit("topics", self.topics);
    visit("error_code", self.error_code);
  }

  friend bool operator==(const FetchedGroupOffsets&, const FetchedGroupOffsets&) = default;
};

/// The committed offsets; -1 where there is none. Source: OffsetFetchResponse.json of Kafka 3.9 and 4.3.1.
struct OffsetFetchResponse {
  static constexpr const char* kName = "OffsetFetchResponse";
  static constexpr auto kApi = ApiKey::kOffsetFetch;
  static constexpr Versions kVersions{0, 10};
  static constexpr Versions kFlexible = from(6);

  std::int32_t throttle_time_ms = 0;
  std::vector<FetchedTopicOffsets> topics;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<FetchedGroupOffsets> groups;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms, from(3));
    visit("topics", self.topics, between(0, 7));
    visit("error_code", self.error_code, between(2, 7));
    visit("groups", self.groups, from(8));
  }

  friend bool operator==(const OffsetFetchResponse&, const OffsetFetchResponse&) = default;
};

}  // namespace millrace::protocol
