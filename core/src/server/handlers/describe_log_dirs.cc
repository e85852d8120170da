#include <algorithm>
#include <cstdint>
#include <limits>

#include "broker/cluster_admin.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::DescribeLogDirsRequest;
using protocol::DescribeLogDirsResult;

/// Without a list: everything.
bool is_wanted(const DescribeLogDirsRequest& request, const TopicPartition& name) {
  if (!request.topics) return true;
  return std::ranges::any_of(*request.topics, [&](const auto& topic) {
    return topic.topic == name.topic && std::ranges::find(topic.partitions, name.partition) != topic.partitions.end();
  });
}

std::int64_t wire_bytes(std::uint64_t bytes) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(bytes, kMost));
}

/// A partition whose log could not be opened has no size that could be told.
void show_replicas(const DescribeLogDirsRequest& request, const std::vector<Replica>& replicas, const Uuid& directory,
                   DescribeLogDirsResult& shown) {
  for (const auto& replica : replicas) {
    if (!replica.positions || replica.directory_id != directory || !is_wanted(request, replica.partition)) continue;
    if (shown.topics.empty() || shown.topics.back().name != replica.partition.topic) {
      shown.topics.emplace_back().name = replica.partition.topic;
    }
    auto& partition = shown.topics.back().partitions.emplace_back();
    partition.partition_index = replica.partition.partition;
    partition.partition_size = wire_bytes(replica.bytes);
  }
}

}  // namespace

protocol::DescribeLogDirsResponse handle(const DescribeLogDirsRequest& request, HandlerContext& context) {
  const auto& admin = context.broker().admin();
  protocol::DescribeLogDirsResponse response;
  const auto replicas = admin.replicas();
  for (const auto& directory : admin.directories()) {
    auto& shown = response.results.emplace_back();
    shown.log_dir = directory.path;
    if (directory.offline) {
      shown.error_code = ErrorCode::kStorageError;
      continue;
    }
    shown.total_bytes = wire_bytes(directory.space->total);
    shown.usable_bytes = wire_bytes(directory.space->usable);
    show_replicas(request, replicas, directory.id, shown);
  }
  return response;
}

protocol::AlterReplicaLogDirsResponse handle(const protocol::AlterReplicaLogDirsRequest& request,
                                             HandlerContext& context) {
  protocol::AlterReplicaLogDirsResponse response;
  for (const auto& directory : request.dirs) {
    for (const auto& topic : directory.topics) {
      auto& shown = response.results.emplace_back();
      shown.topic_name = topic.name;
      for (const auto partition : topic.partitions) {
        const auto moved = context.broker().admin().move_replica(directory.path, {.name = topic.name}, partition);
        auto& result = shown.partitions.emplace_back();
        result.partition_index = partition;
        if (!moved) result.error_code = moved.error().code();
      }
    }
  }
  return response;
}

}  // namespace millrace
