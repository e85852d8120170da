#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// Give an idempotent or transactional producer its identity. Source: InitProducerIdRequest.json of Kafka 3.9
/// and 4.3.1.
struct InitProducerIdRequest {
  static constexpr const char* kName = "InitProducerIdRequest";
  static constexpr auto kApi = ApiKey::kInitProducerId;
  static constexpr Versions kVersions{0, 6};
  static constexpr Versions kFlexible = from(2);

  std::optional<std::string> transactional_id;
  std::int32_t transaction_timeout_ms = 0;
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
  bool enable_2pc = false;
  bool keep_prepared_txn = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("transactional_id", self.transactional_id, nullable(from(0)));
    visit("transaction_timeout_ms", self.transaction_timeout_ms);
    visit("producer_id", self.producer_id, from(3));
    visit("producer_epoch", self.producer_epoch, from(3));
    visit("enable_2pc", self.enable_2pc, from(6));
    visit("keep_prepared_txn", self.keep_prepared_txn, from(6));
  }

  friend bool operator==(const InitProducerIdRequest&, const InitProducerIdRequest&) = default;
};

/// The producer's id and epoch. Source: InitProducerIdResponse.json of Kafka 3.9 and 4.3.1.
struct InitProducerIdResponse {
  static constexpr const char* kName = "InitProducerIdResponse";
  static constexpr auto kApi = ApiKey::kInitProducerId;
  static constexpr Versions kVersions{0, 6};
  static constexpr Versions kFlexible = from(2);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch producer_epoch;
  ProducerId ongoing_txn_producer_id = kNoProducerId;
  ProducerEpoch ongoing_txn_producer_epoch = kNoProducerEpoch;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("error_code", self.error_code);
    visit("producer_id", self.producer_id);
    visit("producer_epoch", self.producer_epoch);
    visit("ongoing_txn_producer_id", self.ongoing_txn_producer_id, from(6));
    visit("ongoing_txn_producer_epoch", self.ongoing_txn_producer_epoch, from(6));
  }

  friend bool operator==(const InitProducerIdResponse&, const InitProducerIdResponse&) = default;
};

}  // namespace millrace::protocol
