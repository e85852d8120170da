#include <algorithm>

#include "broker/topic_page.h"
#include "server/handlers/authorized_operations.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::DescribeTopicPartitionsRequest;
using protocol::DescribeTopicPartitionsResponse;

protocol::DescribedTopicPartition described_partition(const TopicImage& topic, std::size_t index,
                                                      HandlerContext& context) {
  const auto& image = topic.partitions[index];
  protocol::DescribedTopicPartition shown;
  shown.partition_index = PartitionIndex{static_cast<std::int32_t>(index)};
  shown.leader_id = image.leader;
  shown.leader_epoch = image.leader_epoch;
  shown.replica_nodes = image.replicas;
  shown.isr_nodes = image.in_sync;
  // Nobody is kept out of the in-sync replicas that could lead.
  shown.eligible_leader_replicas.emplace();
  shown.last_known_elr.emplace();
  if (context.broker().is_offline(TopicRef{topic.name, topic.id}, shown.partition_index)) {
    shown.offline_replicas.push_back(context.broker().id());
    if (image.leader == context.broker().id()) shown.leader_id = BrokerId{-1};
  }
  return shown;
}

protocol::DescribedTopic described_topic(const TopicSlice& slice, HandlerContext& context) {
  protocol::DescribedTopic shown;
  shown.name = slice.name;
  shown.topic_authorized_operations = kAllTopicOperations;
  if (!slice.topic) {
    shown.error_code = slice.topic.error().code();
    return shown;
  }
  const auto& topic = **slice.topic;
  shown.topic_id = topic.id;
  shown.is_internal = topic.internal;
  for (std::size_t i = 0; i < slice.count; ++i) {
    shown.partitions.push_back(described_partition(topic, slice.first + i, context));
  }
  return shown;
}

DescribeTopicPartitionsResponse refused(const DescribeTopicPartitionsRequest& request, const Error& error) {
  DescribeTopicPartitionsResponse response;
  for (const auto& topic : request.topics) {
    auto& shown = response.topics.emplace_back();
    shown.name = topic.name;
    shown.error_code = error.code();
  }
  return response;
}

}  // namespace

DescribeTopicPartitionsResponse handle(const DescribeTopicPartitionsRequest& request, HandlerContext& context) {
  std::vector<std::string> names;
  for (const auto& topic : request.topics) names.push_back(topic.name);
  std::optional<TopicCursor> from;
  if (request.cursor) from = {.topic = request.cursor->topic_name, .partition = request.cursor->partition_index};
  const auto allowed = context.broker().config().get_long("max.request.partition.size.limit");
  const auto most = std::clamp<std::int64_t>(request.response_partition_limit, 1, allowed);
  const auto page = topic_page(*context.broker().metadata(), names, from, static_cast<std::size_t>(most));
  if (!page) return refused(request, page.error());

  DescribeTopicPartitionsResponse response;
  for (const auto& slice : page->topics) response.topics.push_back(described_topic(slice, context));
  if (page->next) {
    auto& next = response.next_cursor.emplace();
    next.topic_name = page->next->topic;
    next.partition_index = page->next->partition;
  }
  return response;
}

}  // namespace millrace
