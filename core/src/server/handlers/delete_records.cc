#include "server/handlers/handlers.h"

namespace millrace {

/// Offset -1 is `kNoOffset` on both sides: all up to the high watermark.
protocol::DeleteRecordsResponse handle(const protocol::DeleteRecordsRequest& request, HandlerContext& context) {
  protocol::DeleteRecordsResponse response;
  for (const auto& topic : request.topics) {
    auto& topic_response = response.topics.emplace_back();
    topic_response.name = topic.name;
    for (const auto& partition : topic.partitions) {
      const auto start =
          context.broker().delete_records(TopicRef{topic.name, TopicId{}}, partition.partition_index, partition.offset);
      auto& shown = topic_response.partitions.emplace_back();
      shown.partition_index = partition.partition_index;
      shown.low_watermark = start.value_or(kNoOffset);
      if (!start) shown.error_code = start.error().code();
    }
  }
  return response;
}

}  // namespace millrace
