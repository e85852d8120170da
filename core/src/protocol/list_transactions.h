#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// Which transactional ids are there? No filter: all. Source: ListTransactionsRequest.json of Kafka 3.9 and 4.3.1.
struct ListTransactionsRequest {
  static constexpr const char* kName = "ListTransactionsRequest";
  static constexpr auto kApi = ApiKey::kListTransactions;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(0);

  std::vector<std::string> state_filters;
  std::vector<ProducerId> producer_id_filters;
  std::int64_t duration_filter = -1;
  std::optional<std::string> transactional_id_pattern;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("state_filters", self.state_filters);
    visit("producer_id_filters", self.producer_id_filters);
    visit("duration_filter", self.duration_filter, from(1));
    visit("transactional_id_pattern", self.transactional_id_pattern, from(2), nullable(from(2)));
  }

  friend bool operator==(const ListTransactionsRequest&, const ListTransactionsRequest&) = default;
};

struct ListedTransactionState {
  std::string transactional_id;
  ProducerId producer_id;
  std::string transaction_state;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("transactional_id", self.transactional_id);
    visit("producer_id", self.producer_id);
    visit("transaction_state", self.transaction_state);
  }

  friend bool operator==(const ListedTransactionState&, const ListedTransactionState&) = default;
};

/// Those of this coordinator. Source: ListTransactionsResponse.json of Kafka 3.9 and 4.3.1.
struct ListTransactionsResponse {
  static constexpr const char* kName = "ListTransactionsResponse";
  static constexpr auto kApi = ApiKey::kListTransactions;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(0);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<std::string> unknown_state_filters;
  std::vector<ListedTransactionState> transaction_states;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("error_code", self.error_code);
    visit("unknown_state_filters", self.unknown_state_filters);
    visit("transaction_states", self.transaction_states);
  }

  friend bool operator==(const ListTransactionsResponse&, const ListTransactionsResponse&) = default;
};

}  // namespace millrace::protocol
