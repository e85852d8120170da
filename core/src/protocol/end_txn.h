#pragma once

#include <cstdint>
#include <string>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// Commit or abort a transaction. Source: EndTxnRequest.json of Kafka 3.9 and 4.3.1.
struct EndTxnRequest {
  static constexpr const char* kName = "EndTxnRequest";
  static constexpr auto kApi = ApiKey::kEndTxn;
  static constexpr Versions kVersions{0, 5};
  static constexpr Versions kFlexible = from(3);

  std::string transactional_id;
  ProducerId producer_id;
  ProducerEpoch producer_epoch;
  bool committed = false;
  /// Not on the wire: the client goes on with the epoch that it is answered (KIP-890).
  bool bumps_epoch = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("transactional_id", self.transactional_id);
    visit("producer_id", self.producer_id);
    visit("producer_epoch", self.producer_epoch);
    visit("committed", self.committed);
  }

  friend bool operator==(const EndTxnRequest&, const EndTxnRequest&) = default;
};

inline void normalize(EndTxnRequest& request, std::int16_t version) { request.bumps_epoch = version >= 5; }

/// It is decided; from version 5 on with the identity that the producer goes on with. Source: EndTxnResponse.json of
/// Kafka 3.9 and 4.3.1.
struct EndTxnResponse {
  static constexpr const char* kName = "EndTxnResponse";
  static constexpr auto kApi = ApiKey::kEndTxn;
  static constexpr Versions kVersions{0, 5};
  static constexpr Versions kFlexible = from(3);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("error_code", self.error_code);
    visit("producer_id", self.producer_id, from(5));
    visit("producer_epoch", self.producer_epoch, from(5));
  }

  friend bool operator==(const EndTxnResponse&, const EndTxnResponse&) = default;
};

}  // namespace millrace::protocol
