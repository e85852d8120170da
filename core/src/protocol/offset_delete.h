#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct OffsetDeleteRequestPartition {
  PartitionIndex partition_index;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
  }

  friend bool operator==(const OffsetDeleteRequestPartition&, const OffsetDeleteRequestPartition&) = default;
};

struct OffsetDeleteRequestTopic {
  std::string name;
  std::vector<OffsetDeleteRequestPartition> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const OffsetDeleteRequestTopic&, const OffsetDeleteRequestTopic&) = default;
};

/// Forgets offsets of a group. Source: OffsetDeleteRequest.json of Kafka 3.9 and 4.3.1.
struct OffsetDeleteRequest {
  static constexpr const char* kName = "OffsetDeleteRequest";
  static constexpr auto kApi = ApiKey::kOffsetDelete;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = kNoVersions;

  std::string group_id;
  std::vector<OffsetDeleteRequestTopic> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group_id);
    visit("topics", self.topics);
  }

  friend bool operator==(const OffsetDeleteRequest&, const OffsetDeleteRequest&) = default;
};

struct OffsetDeleteResponsePartition {
  PartitionIndex partition_index;
  ErrorCode error_code = ErrorCode::kNone;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("error_code", self.error_code);
  }

  friend bool operator==(const OffsetDeleteResponsePartition&, const OffsetDeleteResponsePartition&) = default;
};

struct OffsetDeleteResponseTopic {
  std::string name;
  std::vector<OffsetDeleteResponsePartition> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const OffsetDeleteResponseTopic&, const OffsetDeleteResponseTopic&) = default;
};

/// Which of them are forgotten. Source: OffsetDeleteResponse.json of Kafka 3.9 and 4.3.1.
struct OffsetDeleteResponse {
  static constexpr const char* kName = "OffsetDeleteResponse";
  static constexpr auto kApi = ApiKey::kOffsetDelete;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = kNoVersions;

  ErrorCode error_code = ErrorCode::kNone;
  std::int32_t throttle_time_ms = 0;
  std::vector<OffsetDeleteResponseTopic> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("error_code", self.error_code);
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("topics", self.topics);
  }

  friend bool operator==(const OffsetDeleteResponse&, const OffsetDeleteResponse&) = default;
};

}  // namespace millrace::protocol
