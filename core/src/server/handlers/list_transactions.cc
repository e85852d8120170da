#include "server/handlers/handlers.h"

namespace millrace {

/// States that nobody knows are named in the answer, and match nothing.
protocol::ListTransactionsResponse handle(const protocol::ListTransactionsRequest& request, HandlerContext& context) {
  protocol::ListTransactionsResponse response;
  TransactionFilter filter{.states = {}, .producers = request.producer_id_filters, .longer_than = {}, .id_pattern = {}};
  for (const auto& name : request.state_filters) {
    if (const auto state = transaction_state_of(name)) {
      filter.states.push_back(*state);
    } else {
      response.unknown_state_filters.push_back(name);
    }
  }
  if (!request.state_filters.empty() && filter.states.empty()) return response;
  if (request.duration_filter >= 0) filter.longer_than = std::chrono::milliseconds{request.duration_filter};
  filter.id_pattern = request.transactional_id_pattern.value_or("");
  const auto listed = context.broker().transactions().list(filter);
  if (!listed) {
    response.error_code = listed.error().code();
    return response;
  }
  for (const auto& one : *listed) {
    response.transaction_states.push_back({.transactional_id = one.id,
                                           .producer_id = one.producer,
                                           .transaction_state = std::string{name_of(one.state)}});
  }
  return response;
}

}  // namespace millrace
