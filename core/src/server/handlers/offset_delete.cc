#include "server/handlers/handlers.h"

namespace millrace {

Task<protocol::OffsetDeleteResponse> handle(const protocol::OffsetDeleteRequest& request, HandlerContext& context) {
  using Deleted = Result<std::vector<ErrorCode>>;
  std::vector<TopicPartition> partitions;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) partitions.emplace_back(topic.name, partition.partition_index);
  }
  auto forget = [&](auto done) { context.broker().groups().delete_offsets(request.group_id, partitions, done); };
  const Deleted deleted = co_await callback_result<Deleted>(forget);
  protocol::OffsetDeleteResponse response;
  if (!deleted) {
    response.error_code = deleted.error().code();
    co_return response;
  }
  auto code = deleted->begin();
  for (const auto& topic : request.topics) {
    auto& shown = response.topics.emplace_back();
    shown.name = topic.name;
    for (const auto& partition : topic.partitions) {
      auto& result = shown.partitions.emplace_back();
      result.partition_index = partition.partition_index;
      result.error_code = *code++;
    }
  }
  co_return response;
}

}  // namespace millrace
