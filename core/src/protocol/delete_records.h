#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct DeleteRecordsPartition {
  PartitionIndex partition_index;
  Offset offset;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("offset", self.offset);
  }

  friend bool operator==(const DeleteRecordsPartition&, const DeleteRecordsPartition&) = default;
};

struct DeleteRecordsTopic {
  std::string name;
  std::vector<DeleteRecordsPartition> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const DeleteRecordsTopic&, const DeleteRecordsTopic&) = default;
};

/// Delete the records before an offset. Source: DeleteRecordsRequest.json of Kafka 3.9 and 4.3.1.
struct DeleteRecordsRequest {
  static constexpr const char* kName = "DeleteRecordsRequest";
  static constexpr auto kApi = ApiKey::kDeleteRecords;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(2);

  std::vector<DeleteRecordsTopic> topics;
  std::int32_t timeout_ms = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topics", self.topics);
    visit("timeout_ms", self.timeout_ms);
  }

  friend bool operator==(const DeleteRecordsRequest&, const DeleteRecordsRequest&) = default;
};

struct DeleteRecordsPartitionResult {
  PartitionIndex partition_index;
  Offset low_watermark;
  ErrorCode error_code = ErrorCode::kNone;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("low_watermark", self.low_watermark);
    visit("error_code", self.error_code);
  }

  friend bool operator==(const DeleteRecordsPartitionResult&, const DeleteRecordsPartitionResult&) = default;
};

struct DeleteRecordsTopicResult {
  std::string name;
  std::vector<DeleteRecordsPartitionResult> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const DeleteRecordsTopicResult&, const DeleteRecordsTopicResult&) = default;
};

/// The new log start of each partition. Source: DeleteRecordsResponse.json of Kafka 3.9 and 4.3.1.
struct DeleteRecordsResponse {
  static constexpr const char* kName = "DeleteRecordsResponse";
  static constexpr auto kApi = ApiKey::kDeleteRecords;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(2);

  std::int32_t throttle_time_ms = 0;
  std::vector<DeleteRecordsTopicResult> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("topics", self.topics);
  }

  friend bool operator==(const DeleteRecordsResponse&, const DeleteRecordsResponse&) = default;
};

}  // namespace millrace::protocol
