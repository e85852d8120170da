#include <variant>

#include "metadata/controller.h"
#include "server/handlers/authorized_operations.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::MetadataRequest;
using protocol::MetadataResponse;
using protocol::MetadataResponsePartition;
using protocol::MetadataResponseTopic;

MetadataResponsePartition partition_of(const TopicImage& topic, std::size_t index, HandlerContext& context) {
  const auto& image = topic.partitions[index];
  MetadataResponsePartition partition;
  partition.partition_index = PartitionIndex{static_cast<std::int32_t>(index)};
  partition.leader_id = image.leader;
  partition.leader_epoch = image.leader_epoch;
  partition.replica_nodes = image.replicas;
  partition.isr_nodes = image.in_sync;
  if (context.broker().is_offline(TopicRef{topic.name, topic.id}, partition.partition_index)) {
    partition.offline_replicas.push_back(context.broker().id());
    if (image.leader == context.broker().id()) partition.leader_id = BrokerId{-1};
  }
  if (partition.leader_id.value() < 0) partition.error_code = ErrorCode::kLeaderNotAvailable;
  return partition;
}

MetadataResponseTopic topic_of(const TopicImage& image, const MetadataRequest& request, HandlerContext& context) {
  MetadataResponseTopic topic;
  topic.name = image.name;
  topic.topic_id = image.id;
  topic.is_internal = image.internal;
  for (std::size_t i = 0; i < image.partitions.size(); ++i) topic.partitions.push_back(partition_of(image, i, context));
  if (request.include_topic_authorized_operations) topic.topic_authorized_operations = kAllTopicOperations;
  return topic;
}

MetadataResponseTopic missing_topic(const protocol::MetadataRequestTopic& asked) {
  MetadataResponseTopic topic;
  topic.topic_id = asked.topic_id;
  topic.name = asked.name;
  if (!asked.topic_id.is_nil())
    topic.error_code = ErrorCode::kUnknownTopicId;
  else if (!asked.name || !check_topic_name(*asked.name))
    topic.error_code = ErrorCode::kInvalidTopic;
  else
    topic.error_code = ErrorCode::kUnknownTopicOrPartition;
  return topic;
}

MetadataImage::TopicPtr find(const MetadataImage& image, const protocol::MetadataRequestTopic& asked) {
  if (!asked.topic_id.is_nil()) return image.topic(asked.topic_id);
  return asked.name ? image.topic(*asked.name) : nullptr;
}

/// The names that are asked for and not there.
std::vector<std::string> missing_names(const MetadataImage& image, const MetadataRequest& request) {
  std::vector<std::string> names;
  if (!request.topics) return names;
  for (const auto& asked : *request.topics) {
    if (asked.topic_id.is_nil() && asked.name && !image.topic(*asked.name)) names.push_back(*asked.name);
  }
  return names;
}

MetadataResponse describe(const MetadataRequest& request, HandlerContext& context) {
  const auto image = context.broker().metadata();
  MetadataResponse response;
  response.cluster_id = image->cluster_id;
  response.controller_id = image->controller;
  for (const auto& [id, broker] : image->brokers) {
    for (const auto& endpoint : broker.endpoints) {
      if (endpoint.listener != context.listener()) continue;
      auto& shown = response.brokers.emplace_back();
      shown.node_id = id;
      shown.host = endpoint.host;
      shown.port = endpoint.port;
      if (!broker.rack.empty()) shown.rack = broker.rack;
    }
  }
  if (!request.topics) {
    for (const auto& [name, topic] : image->topics) response.topics.push_back(topic_of(*topic, request, context));
  } else {
    for (const auto& asked : *request.topics) {
      const auto topic = find(*image, asked);
      response.topics.push_back(topic ? topic_of(*topic, request, context) : missing_topic(asked));
    }
  }
  if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = kAllClusterOperations;
  return response;
}

}  // namespace

/// Who leads what. A topic that is asked for by name and does not exist is made first, where that is wanted.
Task<MetadataResponse> handle(const MetadataRequest& request, HandlerContext& context) {
  if (request.allow_auto_topic_creation) {
    std::vector<std::string> names = missing_names(*context.broker().metadata(), request);
    if (!names.empty()) {
      auto create = [&](auto done) {
        context.broker().ensure_topics(std::move(names), [done]() mutable { done(std::monostate()); });
      };
      (void)co_await callback_result<std::monostate>(create);
    }
  }
  MetadataResponse response = describe(request, context);
  co_return response;
}

}  // namespace millrace
