#include "broker/cluster_admin.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

constexpr std::string_view kQuorumTopic = "__cluster_metadata";

protocol::QuorumPartition quorum_partition(const MetadataQuorum& quorum) {
  protocol::QuorumPartition shown;
  shown.leader_id = quorum.leader;
  shown.leader_epoch = quorum.epoch;
  shown.high_watermark = quorum.high_watermark;
  auto& voter = shown.current_voters.emplace_back();
  voter.replica_id = quorum.leader;
  voter.replica_directory_id = quorum.directory;
  voter.log_end_offset = quorum.log_end;
  voter.last_fetch_timestamp = quorum.now.time_since_epoch().count();
  voter.last_caught_up_timestamp = quorum.now.time_since_epoch().count();
  return shown;
}

protocol::QuorumNode quorum_node(const MetadataQuorum& quorum, HandlerContext& context) {
  protocol::QuorumNode shown;
  shown.node_id = quorum.leader;
  const auto image = context.broker().metadata();
  const auto leader = image->brokers.find(quorum.leader);
  if (leader == image->brokers.end()) return shown;
  for (const auto& endpoint : leader->second.endpoints) {
    auto& listener = shown.listeners.emplace_back();
    listener.name = endpoint.listener;
    listener.host = endpoint.host;
    listener.port = endpoint.port;
  }
  return shown;
}

/// Who votes is not decided here.
template <class Response>
Response refused_voter() {
  Response response;
  response.error_code = ErrorCode::kUnsupportedVersion;
  response.error_message = "this cluster's metadata is kept by its controller alone: there are no voters to change";
  return response;
}

}  // namespace

/// One broker is controller and keeps the metadata log: a quorum of one.
protocol::DescribeQuorumResponse handle(const protocol::DescribeQuorumRequest& request, HandlerContext& context) {
  const auto quorum = context.broker().admin().quorum();
  protocol::DescribeQuorumResponse response;
  for (const auto& topic : request.topics) {
    auto& shown = response.topics.emplace_back();
    shown.topic_name = topic.topic_name;
    for (const auto& asked : topic.partitions) {
      const bool is_metadata = topic.topic_name == kQuorumTopic && asked.partition_index == PartitionIndex{0};
      auto& partition = shown.partitions.emplace_back();
      if (is_metadata) partition = quorum_partition(quorum);
      partition.partition_index = asked.partition_index;
      if (!is_metadata) partition.error_code = ErrorCode::kUnknownTopicOrPartition;
    }
  }
  response.nodes.push_back(quorum_node(quorum, context));
  return response;
}

protocol::AddRaftVoterResponse handle(const protocol::AddRaftVoterRequest&, HandlerContext&) {
  return refused_voter<protocol::AddRaftVoterResponse>();
}

protocol::RemoveRaftVoterResponse handle(const protocol::RemoveRaftVoterRequest&, HandlerContext&) {
  return refused_voter<protocol::RemoveRaftVoterResponse>();
}

}  // namespace millrace
