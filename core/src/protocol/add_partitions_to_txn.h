#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct AddPartitionsToTxnTopic {
  std::string name;
  std::vector<PartitionIndex> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const AddPartitionsToTxnTopic&, const AddPartitionsToTxnTopic&) = default;
};

struct AddPartitionsToTxnTransaction {
  std::string transactional_id;
  ProducerId producer_id;
  ProducerEpoch producer_epoch;
  bool verify_only = false;
  std::vector<AddPartitionsToTxnTopic> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("transactional_id", self.transactional_id);
    visit("producer_id", self.producer_id);
    visit("producer_epoch", self.producer_epoch);
    visit("verify_only", self.verify_only);
    visit("topics", self.topics);
  }

  friend bool operator==(const AddPartitionsToTxnTransaction&, const AddPartitionsToTxnTransaction&) = default;
};

/// A transaction goes on in these partitions: one transaction of a client, or several that a broker asks for. Source:
/// AddPartitionsToTxnRequest.json of Kafka 3.9 and 4.3.1.
struct AddPartitionsToTxnRequest {
  static constexpr const char* kName = "AddPartitionsToTxnRequest";
  static constexpr auto kApi = ApiKey::kAddPartitionsToTxn;
  static constexpr Versions kVersions{0, 5};
  static constexpr Versions kFlexible = from(3);

  std::vector<AddPartitionsToTxnTransaction> transactions;
  std::string v3_and_below_transactional_id;
  ProducerId v3_and_below_producer_id;
  ProducerEpoch v3_and_below_producer_epoch;
  std::vector<AddPartitionsToTxnTopic> v3_and_below_topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("transactions", self.transactions, from(4));
    visit("v3_and_below_transactional_id", self.v3_and_below_transactional_id, between(0, 3));
    visit("v3_and_below_producer_id", self.v3_and_below_producer_id, between(0, 3));
    visit("v3_and_below_producer_epoch", self.v3_and_below_producer_epoch, between(0, 3));
    visit("v3_and_below_topics", self.v3_and_below_topics, between(0, 3));
  }

  friend bool operator==(const AddPartitionsToTxnRequest&, const AddPartitionsToTxnRequest&) = default;
};

struct AddPartitionsToTxnPartitionResult {
  PartitionIndex partition_index;
  ErrorCode partition_error_code = ErrorCode::kNone;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_index", self.partition_index);
    visit("partition_error_code", self.partition_error_code);
  }

  friend bool operator==(const AddPartitionsToTxnPartitionResult&, const AddPartitionsToTxnPartitionResult&) = default;
};

struct AddPartitionsToTxnTopicResult {
  std::string name;
  std::vector<AddPartitionsToTxnPartitionResult> results_by_partition;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("results_by_partition", self.results_by_partition);
  }

  friend bool operator==(const AddPartitionsToTxnTopicResult&, const AddPartitionsToTxnTopicResult&) = default;
};

struct AddPartitionsToTxnResult {
  std::string transactional_id;
  std::vector<AddPartitionsToTxnTopicResult> topic_results;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("transactional_id", self.transactional_id);
    visit("topic_results", self.topic_results);
  }

  friend bool operator==(const AddPartitionsToTxnResult&, const AddPartitionsToTxnResult&) = default;
};

/// Whether each partition is in its transaction now. Source: AddPartitionsToTxnResponse.json of Kafka 3.9 and 4.3.1.
struct AddPartitionsToTxnResponse {
  static constexpr const char* kName = "AddPartitionsToTxnResponse";
  static constexpr auto kApi = ApiKey::kAddPartitionsToTxn;
  static constexpr Versions kVersions{0, 5};
  static constexpr Versions kFlexible = from(3);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<AddPartitionsToTxnResult> results_by_transaction;
  std::vector<AddPartitionsToTxnTopicResult> results_by_topic_v3_and_below;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("error_code", self.error_code, from(4));
    visit("results_by_transaction", self.results_by_transaction, from(4));
    visit("results_by_topic_v3_and_below", self.results_by_topic_v3_and_below, between(0, 3));
  }

  friend bool operator==(const AddPartitionsToTxnResponse&, const AddPartitionsToTxnResponse&) = default;
};

}  // namespace millrace::protocol
