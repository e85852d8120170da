#include "broker/cluster_admin.h"
#include "server/handlers/handlers.h"

namespace millrace {

protocol::AlterPartitionReassignmentsResponse handle(const protocol::AlterPartitionReassignmentsRequest& request,
                                                     HandlerContext& context) {
  protocol::AlterPartitionReassignmentsResponse response;
  response.allow_replication_factor_change = request.allow_replication_factor_change;
  for (const auto& topic : request.topics) {
    auto& shown = response.responses.emplace_back();
    shown.name = topic.name;
    for (const auto& partition : topic.partitions) {
      const auto moved =
          context.broker().admin().reassign({.name = topic.name}, partition.partition_index, partition.replicas);
      auto& result = shown.partitions.emplace_back();
      result.partition_index = partition.partition_index;
      if (moved) continue;
      result.error_code = moved.error().code();
      result.error_message = moved.error().message();
    }
  }
  return response;
}

/// With one broker no partition is ever on its way.
protocol::ListPartitionReassignmentsResponse handle(const protocol::ListPartitionReassignmentsRequest&,
                                                    HandlerContext&) {
  return {};
}

}  // namespace millrace
