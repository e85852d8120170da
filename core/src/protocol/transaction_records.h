#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/keyed_record.h"

// Records of `__transaction_state`.

namespace millrace::protocol {

/// Whose transaction. Source: as of all these, its namesake of Kafka 4.3.1.
struct TransactionLogKey {
  static constexpr const char* kName = "TransactionLogKey";
  static constexpr std::int16_t kKey = 0;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = kNoVersions;

  std::string transactional_id;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("transactional_id", self.transactional_id);
  }

  friend bool operator==(const TransactionLogKey&, const TransactionLogKey&) = default;
};

struct TransactionPartitions {
  std::string topic;
  std::vector<PartitionIndex> partition_ids;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic", self.topic);
    visit("partition_ids", self.partition_ids);
  }

  friend bool operator==(const TransactionPartitions&, const TransactionPartitions&) = default;
};

/// How the transaction of an id stands.
struct TransactionLogValue {
  static constexpr const char* kName = "TransactionLogValue";
  static constexpr std::int16_t kKey = 0;
  static constexpr Versions kVersions{0, 1};
  static constexpr Versions kFlexible = from(1);

  ProducerId producer_id;
  ProducerId previous_producer_id = kNoProducerId;
  ProducerId next_producer_id = kNoProducerId;
  ProducerEpoch producer_epoch;
  ProducerEpoch next_producer_epoch = kNoProducerEpoch;
  std::int32_t transaction_timeout_ms = 0;
  std::int8_t transaction_status = 0;
  /// Null while no transaction was begun.
  std::optional<std::vector<TransactionPartitions>> transaction_partitions;
  std::int64_t transaction_last_update_timestamp_ms = 0;
  std::int64_t transaction_start_timestamp_ms = 0;
  std::int16_t client_transaction_version = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("producer_id", self.producer_id);
    visit("producer_epoch", self.producer_epoch);
    visit("transaction_timeout_ms", self.transaction_timeout_ms);
    visit("transaction_status", self.transaction_status);
    visit("transaction_partitions", self.transaction_partitions, nullable(from(0)));
    visit("transaction_last_update_timestamp_ms", self.transaction_last_update_timestamp_ms);
    visit("transaction_start_timestamp_ms", self.transaction_start_timestamp_ms);
    visit("previous_producer_id", self.previous_producer_id, from(1), tagged(0));
    visit("next_producer_id", self.next_producer_id, from(1), tagged(1));
    visit("client_transaction_version", self.client_transaction_version, from(1), tagged(2));
    visit("next_producer_epoch", self.next_producer_epoch, from(1), tagged(3));
  }

  friend bool operator==(const TransactionLogValue&, const TransactionLogValue&) = default;
};

/// What a record of `__transaction_state` says; without a value the id is forgotten.
struct TransactionRecord {
  TransactionLogKey key;
  std::optional<TransactionLogValue> value;
};

[[nodiscard]] EncodedRecord encode_transaction_record(const TransactionRecord& record);

/// Errors: `kUnsupported` (a kind of record or version that is not known here), `kMalformed`.
[[nodiscard]] Result<TransactionRecord> decode_transaction_record(NullableBytes key, NullableBytes value);

}  // namespace millrace::protocol
