#include "broker/cluster_admin.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

protocol::EpochEndOffset epoch_end_of(const std::string& topic, const protocol::EpochPartition& asked,
                                      HandlerContext& context) {
  protocol::EpochEndOffset shown;
  shown.partition = asked.partition;
  const auto end = context.broker().admin().end_of_epoch({.name = topic}, asked.partition, asked.current_leader_epoch,
                                                         asked.leader_epoch);
  if (!end) {
    shown.error_code = end.error().code();
  } else if (*end) {
    shown.leader_epoch = (*end)->epoch;
    shown.end_offset = (*end)->offset;
  }
  return shown;
}

}  // namespace

protocol::OffsetForLeaderEpochResponse handle(const protocol::OffsetForLeaderEpochRequest& request,
                                              HandlerContext& context) {
  protocol::OffsetForLeaderEpochResponse response;
  for (const auto& topic : request.topics) {
    auto& shown = response.topics.emplace_back();
    shown.topic = topic.topic;
    for (const auto& partition : topic.partitions) {
      shown.partitions.push_back(epoch_end_of(topic.topic, partition, context));
    }
  }
  return response;
}

}  // namespace millrace
