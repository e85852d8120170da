#pragma once

#include <cstdint>
#include <string>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// A transaction will commit offsets of a group. Source: AddOffsetsToTxnRequest.json of Kafka 3.9 and 4.3.1.
struct AddOffsetsToTxnRequest {
  static constexpr const char* kName = "AddOffsetsToTxnRequest";
  static constexpr auto kApi = ApiKey::kAddOffsetsToTxn;
  static constexpr Versions kVersions{0, 4};
  static constexpr Versions kFlexible = from(3);

  std::string transactional_id;
  ProducerId producer_id;
  ProducerEpoch producer_epoch;
  std::string group_id;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("transactional_id", self.transactional_id);
    visit("producer_id", self.producer_id);
    visit("producer_epoch", self.producer_epoch);
    visit("group_id", self.group_id);
  }

  friend bool operator==(const AddOffsetsToTxnRequest&, const AddOffsetsToTxnRequest&) = default;
};

/// Whether it may. Source: AddOffsetsToTxnResponse.json of Kafka 3.9 and 4.3.1.
struct AddOffsetsToTxnResponse {
  static constexpr const char* kName = "AddOffsetsToTxnResponse";
  static constexpr auto kApi = ApiKey::kAddOffsetsToTxn;
  static constexpr Versions kVersions{0, 4};
  static constexpr Versions kFlexible = from(3);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("error_code", self.error_code);
  }

  friend bool operator==(const AddOffsetsToTxnResponse&, const AddOffsetsToTxnResponse&) = default;
};

}  // namespace millrace::protocol
