#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct DescribeProducersTopic {
  std::string name;
  std::vector<PartitionIndex> partition_indexes;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partition_indexes", self.partition_indexes);
  }

  friend bool operator==(const DescribeProducersTopic&, const DescribeProducersTopic&) = default;
};

/// Who writes to partitions? Source: DescribeProducersRequest.json of Kafka 3.9 and 4.3.1.
struct DescribeProducersRequest {
  static constexpr const char* kName = "DescribeProducersRequest";
  static constexpr auto kApi = ApiKey::kDescribeProducers;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::vector<DescribeProducersTopic> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topics", self.topics);
  }

  friend bool operator==(const DescribeProducersRequest&, const DescribeProducersRequest&) = default;
};

struct ActiveProducerState {
  ProducerId producer_id;
  std::int32_t producer_epoch = 0;
  std::int32_t last_sequence = -1;
  std::int64_t last_timestamp = -1;
  std::int32_t coordinator_epoch = 0;
  Offset current_txn_start_offset = kNoOffset;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("producer_id", self.producer_id);
    visit("producer_epoch", self.producer_epoch);
    visit("last_sequence", self.last_sequence);
    visit("last_timestamp", self.last_timestamp);
    visit("coordinator_epoch", self.coordinator_epoch);
    visit("current_txn_start_offset", self.current_txn_start_offset);
  }

  friend bool operator==(const ActiveProducerState&, const ActiveProducerState&) = default;
};

struct DescribeProducersPartitionResponse {
  PartitionIndex partition_index;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::vector<ActiveProducerState> active_producers;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
    visit("active_producers", self.active_producers);
  }

  friend bool operator==(const DescribeProducersPartitionResponse&,
                         const DescribeProducersPartitionResponse&) = default;
};

struct DescribeProducersTopicResponse {
  std::string name;
  std::vector<DescribeProducersPartitionResponse> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const DescribeProducersTopicResponse&, const DescribeProducersTopicResponse&) = default;
};

/// The idempotent and transactional producers of each partition. Source: DescribeProducersResponse.json of Kafka 3.9
/// and 4.3.1.
struct DescribeProducersResponse {
  static constexpr const char* kName = "DescribeProducersResponse";
  static constexpr auto kApi = ApiKey::kDescribeProducers;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::int32_t throttle_time_ms = 0;
  std::vector<DescribeProducersTopicResponse> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("topics", self.topics);
  }

  friend bool operator==(const DescribeProducersResponse&, const DescribeProducersResponse&) = default;
};

}  // namespace millrace::protocol
