#include <fmt/format.h>

#include "client/kafka/kafka_client.h"
#include "protocol/list_offsets.h"
#include "protocol/offset_fetch.h"

namespace millrace {
namespace {

// The newest version that names topics.
constexpr std::int16_t kOffsetFetchByName = 7;

/// Questions that are no time have numbers below zero.
std::int64_t timestamp_for(OffsetQuery query) {
  switch (query.kind) {
    case OffsetKind::kLatest:
      return -1;
    case OffsetKind::kEarliest:
      return -2;
    case OffsetKind::kMaxTimestamp:
      return -3;
    case OffsetKind::kByTime:
      break;
  }
  return query.time.time_since_epoch().count();
}

Result<OffsetAnswer> offset_from(const protocol::ListOffsetsResponse& response, const TopicPartition& partition) {
  if (response.topics.size() != 1 || response.topics[0].partitions.size() != 1) {
    return fail(ErrorCode::kMalformed,
                fmt::format("the answer about offsets of {} is of something else", partition.to_string()));
  }
  const auto& found = response.topics[0].partitions[0];
  if (found.error_code != ErrorCode::kNone) {
    return fail(found.error_code,
                fmt::format("cannot find an offset in {}: {}", partition.to_string(), name_of(found.error_code)));
  }
  return OffsetAnswer{.offset = found.offset,
                      .timestamp = Timestamp{std::chrono::milliseconds{found.timestamp}},
                      .leader_epoch = found.leader_epoch};
}

}  // namespace

Result<OffsetAnswer> ask_offset(Cluster& cluster, const TopicPartition& partition, OffsetQuery query,
                                ReadIsolation isolation, TimePoint deadline) {
  protocol::ListOffsetsRequest request;
  request.replica_id = BrokerId{-1};
  request.isolation_level = static_cast<std::int8_t>(isolation);
  auto& topic = request.topics.emplace_back();
  topic.name = partition.topic;
  auto& asked = topic.partitions.emplace_back();
  asked.partition_index = partition.partition;
  asked.timestamp = timestamp_for(query);
  return Cluster::retried<OffsetAnswer>(deadline, [&]() -> Result<OffsetAnswer> {
    MILLRACE_TRY(leader, cluster.leader_of(partition, deadline));
    MILLRACE_TRY(response, cluster.call<protocol::ListOffsetsResponse>(leader, request, deadline));
    return offset_from(response, partition);
  });
}

Result<std::vector<PartitionOffset>> ask_group_offsets(Cluster& cluster, std::string_view group,
                                                       const std::optional<std::vector<TopicPartition>>& partitions,
                                                       TimePoint deadline) {
  protocol::OffsetFetchRequest request;
  request.group_id = group;
  request.require_stable = partitions.has_value();
  if (partitions) {
    request.topics.emplace();
    for (const auto& partition : *partitions) {
      auto& topic = request.topics->emplace_back();
      topic.name = partition.topic;
      topic.partition_indexes.push_back(partition.partition);
    }
  }
  using Offsets = std::vector<PartitionOffset>;
  return Cluster::retried<Offsets>(deadline, [&]() -> Result<Offsets> {
    MILLRACE_TRY(coordinator, cluster.coordinator_of(group, deadline));
    MILLRACE_TRY(response,
                 cluster.call<protocol::OffsetFetchResponse>(coordinator, request, deadline, kOffsetFetchByName));
    auto error = response.error_code;
    Offsets offsets;
    for (const auto& topic : response.topics) {
      for (const auto& found : topic.partitions) {
        if (found.error_code != ErrorCode::kNone) error = found.error_code;
        offsets.push_back({.partition = {topic.name, found.partition_index},
                           .offset = found.committed_offset,
                           .leader_epoch = found.committed_leader_epoch,
                           .metadata = found.metadata.value_or("")});
      }
    }
    if (error != ErrorCode::kNone) {
      return fail(error, fmt::format("cannot read the offsets of group \"{}\": {}", group, name_of(error)));
    }
    return offsets;
  });
}

}  // namespace millrace
