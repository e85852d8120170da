#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"
#include "protocol/leader_hint.h"
#include "protocol/transaction_support.h"

namespace millrace::protocol {

struct PartitionProduceData {
  PartitionIndex index;
  Records records;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("index", self.index);
    visit("records", self.records, nullable(from(0)));
  }

  friend bool operator==(const PartitionProduceData&, const PartitionProduceData&) = default;
};

struct TopicProduceData {
  std::string name;
  TopicId topic_id;
  std::vector<PartitionProduceData> partition_data;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name, between(0, 12));
    visit("topic_id", self.topic_id, from(13));
    visit("partition_data", self.partition_data);
  }

  friend bool operator==(const TopicProduceData&, const TopicProduceData&) = default;
};

/// Append record batches to partitions. Versions 0 to 2 carry message sets of the formats before record batches.
/// Source: ProduceRequest.json of Kafka 3.9 and 4.3.1.
struct ProduceRequest {
  static constexpr const char* kName = "ProduceRequest";
  static constexpr auto kApi = ApiKey::kProduce;
  static constexpr Versions kVersions{0, 13};
  static constexpr Versions kFlexible = from(9);

  std::optional<std::string> transactional_id;
  std::int16_t acks = 0;
  std::int32_t timeout_ms = 0;
  std::vector<TopicProduceData> topic_data;
  /// Not on the wire.
  TransactionSupport transactions = TransactionSupport::kVerify;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("transactional_id", self.transactional_id, from(3), nullable(from(3)));
    visit("acks", self.acks);
    visit("timeout_ms", self.timeout_ms);
    visit("topic_data", self.topic_data);
  }

  friend bool operator==(const ProduceRequest&, const ProduceRequest&) = default;
};

inline void normalize(ProduceRequest& request, std::int16_t version) {
  if (version == 11) request.transactions = TransactionSupport::kVerifyOrAbort;
  if (version >= 12) request.transactions = TransactionSupport::kAdd;
}

struct BatchIndexAndErrorMessage {
  std::int32_t batch_index = 0;
  std::optional<std::string> batch_index_error_message;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("batch_index", self.batch_index);
    visit("batch_index_error_message", self.batch_index_error_message, nullable(from(8)));
  }

  friend bool operator==(const BatchIndexAndErrorMessage&, const BatchIndexAndErrorMessage&) = default;
};

struct PartitionProduceResponse {
  PartitionIndex index;
  ErrorCode error_code = ErrorCode::kNone;
  Offset base_offset;
  std::int64_t log_append_time_ms = -1;
  Offset log_start_offset = kNoOffset;
  std::vector<BatchIndexAndErrorMessage> record_errors;
  std::optional<std::string> error_message;
  LeaderIdAndEpoch current_leader;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("index", self.index);
    visit("error_code", self.error_code);
    visit("base_offset", self.base_offset);
    visit("log_append_time_ms", self.log_append_time_ms, from(2));
    visit("log_start_offset", self.log_start_offset, from(5));
    visit("record_errors", self.record_errors, from(8));
    visit("error_message", self.error_message, from(8), nullable(from(8)));
    visit("current_leader", self.current_leader, from(10), tagged(0));
  }

  friend bool operator==(const PartitionProduceResponse&, const PartitionProduceResponse&) = default;
};

struct TopicProduceResponse {
  std::string name;
  TopicId topic_id;
  std::vector<PartitionProduceResponse> partition_responses;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name, between(0, 12));
    visit("topic_id", self.topic_id, from(13));
    visit("partition_responses", self.partition_responses);
  }

  friend bool operator==(const TopicProduceResponse&, const TopicProduceResponse&) = default;
};

/// What became of each partition's records. Source: ProduceResponse.json of Kafka 3.9 and 4.3.1.
struct ProduceResponse {
  static constexpr const char* kName = "ProduceResponse";
  static constexpr auto kApi = ApiKey::kProduce;
  static constexpr Versions kVersions{0, 13};
  static constexpr Versions kFlexible = from(9);

  std::vector<TopicProduceResponse> responses;
  std::int32_t throttle_time_ms = 0;
  std::vector<NodeEndpoint> node_endpoints;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("responses", self.responses);
    visit("throttle_time_ms", self.throttle_time_ms, from(1));
    visit("node_endpoints", self.node_endpoints, from(10), tagged(0));
  }

  friend bool operator==(const ProduceResponse&, const ProduceResponse&) = default;
};

}  // namespace millrace::protocol
