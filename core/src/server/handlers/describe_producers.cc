#include "server/handlers/handlers.h"

namespace millrace {

protocol::DescribeProducersResponse handle(const protocol::DescribeProducersRequest& request, HandlerContext& context) {
  protocol::DescribeProducersResponse response;
  for (const auto& topic : request.topics) {
    auto& shown = response.topics.emplace_back();
    shown.name = topic.name;
    for (const auto partition : topic.partition_indexes) {
      auto& result = shown.partitions.emplace_back();
      result.partition_index = partition;
      const auto active = context.broker().active_producers(TopicRef{topic.name, TopicId{}}, partition);
      if (!active) {
        result.error_code = active.error().code();
        result.error_message = active.error().message();
        continue;
      }
      for (const auto& producer : *active) {
        result.active_producers.push_back({.producer_id = producer.id,
                                           .producer_epoch = producer.epoch.value(),
                                           .last_sequence = producer.last_sequence,
                                           .last_timestamp = producer.last_timestamp.time_since_epoch().count(),
                                           .coordinator_epoch = producer.coordinator_epoch,
                                           .current_txn_start_offset = producer.open_transaction});
      }
    }
  }
  return response;
}

}  // namespace millrace
