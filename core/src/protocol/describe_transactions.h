#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// How are these transactions? Source: DescribeTransactionsRequest.json of Kafka 3.9 and 4.3.1.
struct DescribeTransactionsRequest {
  static constexpr const char* kName = "DescribeTransactionsRequest";
  static constexpr auto kApi = ApiKey::kDescribeTransactions;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::vector<std::string> transactional_ids;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("transactional_ids", self.transactional_ids);
  }

  friend bool operator==(const DescribeTransactionsRequest&, const DescribeTransactionsRequest&) = default;
};

struct TransactionTopicData {
  std::string topic;
  std::vector<PartitionIndex> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic", self.topic);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const TransactionTopicData&, const TransactionTopicData&) = default;
};

struct DescribedTransactionState {
  ErrorCode error_code = ErrorCode::kNone;
  std::string transactional_id;
  std::string transaction_state;
  std::int32_t transaction_timeout_ms = 0;
  std::int64_t transaction_start_time_ms = 0;
  ProducerId producer_id;
  ProducerEpoch producer_epoch;
  std::vector<TransactionTopicData> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("error_code", self.error_code);
    visit("transactional_id", self.transactional_id);
    visit("transaction_state", self.transaction_state);
    visit("transaction_timeout_ms", self.transaction_timeout_ms);
    visit("transaction_start_time_ms", self.transaction_start_time_ms);
    visit("producer_id", self.producer_id);
    visit("producer_epoch", self.producer_epoch);
    visit("topics", self.topics);
  }

  friend bool operator==(const DescribedTransactionState&, const DescribedTransactionState&) = default;
};

/// Each in full. Source: DescribeTransactionsResponse.json of Kafka 3.9 and 4.3.1.
struct DescribeTransactionsResponse {
  static constexpr const char* kName = "DescribeTransactionsResponse";
  static constexpr auto kApi = ApiKey::kDescribeTransactions;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::int32_t throttle_time_ms = 0;
  std::vector<DescribedTransactionState> transaction_states;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("transaction_states", self.transaction_states);
  }

  friend bool operator==(const DescribeTransactionsResponse&, const DescribeTransactionsResponse&) = default;
};

}  // namespace millrace::protocol
