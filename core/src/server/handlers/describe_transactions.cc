#include "server/handlers/handlers.h"

namespace millrace {
namespace {

protocol::DescribedTransactionState shown_of(const DescribedTransaction& described) {
  const auto& data = described.data;
  protocol::DescribedTransactionState shown;
  shown.transactional_id = described.id;
  shown.transaction_state = name_of(data.state);
  shown.transaction_timeout_ms = static_cast<std::int32_t>(data.timeout.count());
  shown.transaction_start_time_ms = data.started.time_since_epoch().count();
  shown.producer_id = data.producer.id;
  shown.producer_epoch = data.producer.epoch;
  for (const auto& partition : data.partitions) {
    if (shown.topics.empty() || shown.topics.back().topic != partition.topic) {
      shown.topics.push_back({partition.topic, {}});
    }
    shown.topics.back().partitions.push_back(partition.partition);
  }
  return shown;
}

}  // namespace

protocol::DescribeTransactionsResponse handle(const protocol::DescribeTransactionsRequest& request,
                                              HandlerContext& context) {
  protocol::DescribeTransactionsResponse response;
  for (const auto& id : request.transactional_ids) {
    const auto described = context.broker().transactions().describe(id);
    if (described) {
      response.transaction_states.push_back(shown_of(*described));
    } else {
      auto& shown = response.transaction_states.emplace_back();
      shown.transactional_id = id;
      shown.error_code = described.error().code();
    }
  }
  return response;
}

}  // namespace millrace
