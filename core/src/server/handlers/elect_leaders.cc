#include "broker/cluster_admin.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

std::optional<std::vector<TopicPartition>> wanted_elections(const protocol::ElectLeadersRequest& request) {
  if (!request.topic_partitions) return std::nullopt;
  std::vector<TopicPartition> wanted;
  for (const auto& topic : *request.topic_partitions) {
    for (const auto partition : topic.partitions) wanted.push_back({topic.topic, partition});
  }
  return wanted;
}

}  // namespace

protocol::ElectLeadersResponse handle(const protocol::ElectLeadersRequest& request, HandlerContext& context) {
  protocol::ElectLeadersResponse response;
  const auto elections = context.broker().admin().elect_leaders(static_cast<ElectionType>(request.election_type),
                                                                wanted_elections(request));
  if (!elections) {
    response.error_code = elections.error().code();
    return response;
  }
  for (const auto& election : *elections) {
    auto& results = response.replica_election_results;
    if (results.empty() || results.back().topic != election.partition.topic) {
      results.emplace_back().topic = election.partition.topic;
    }
    auto& shown = results.back().partition_result.emplace_back();
    shown.partition_id = election.partition.partition;
    if (election.result) continue;
    shown.error_code = election.result.error().code();
    shown.error_message = election.result.error().message();
  }
  return response;
}

}  // namespace millrace
