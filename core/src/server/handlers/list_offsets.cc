#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::ListOffsetsPartition;
using protocol::ListOffsetsPartitionResponse;

/// Timestamps below zero are questions of their own.
struct SpecialTime {
  std::int64_t timestamp;
  OffsetKind kind;
};
constexpr SpecialTime kSpecialTimes[] = {
    {-1, OffsetKind::kLatest},
    {-2, OffsetKind::kEarliest},
    {-3, OffsetKind::kMaxTimestamp},
    {-4, OffsetKind::kEarliest},  // the earliest on local disks: there are no others
};

/// Absent for what nobody has: the offsets of records in remote storage.
std::optional<OffsetQuery> query_of(std::int64_t timestamp) {
  for (const auto& special : kSpecialTimes) {
    if (special.timestamp == timestamp) return OffsetQuery{.kind = special.kind};
  }
  if (timestamp < 0) return std::nullopt;
  return OffsetQuery{.kind = OffsetKind::kByTime, .time = Timestamp{std::chrono::milliseconds{timestamp}}};
}

ListOffsetsPartitionResponse answer(const std::string& topic, const ListOffsetsPartition& asked, Isolation isolation,
                                    HandlerContext& context) {
  ListOffsetsPartitionResponse shown;
  shown.partition_index = asked.partition_index;
  const auto query = query_of(asked.timestamp);
  if (!query) return shown;
  const auto found = context.broker().list_offset(TopicRef{topic, TopicId{}}, asked.partition_index, *query, isolation,
                                                  asked.current_leader_epoch);
  if (!found) {
    shown.error_code = found.error().code();
    return shown;
  }
  shown.offset = found->offset;
  shown.timestamp = found->timestamp.time_since_epoch().count();
  shown.leader_epoch = found->leader_epoch;
  if (found->offset != kNoOffset && asked.max_num_offsets > 0) shown.old_style_offsets = {found->offset};
  return shown;
}

}  // namespace

protocol::ListOffsetsResponse handle(const protocol::ListOffsetsRequest& request, HandlerContext& context) {
  const auto isolation = request.isolation_level == 1 ? Isolation::kCommitted : Isolation::kHighWatermark;
  protocol::ListOffsetsResponse response;
  for (const auto& topic : request.topics) {
    auto& shown = response.topics.emplace_back();
    shown.name = topic.name;
    for (const auto& partition : topic.partitions) {
      shown.partitions.push_back(answer(topic.name, partition, isolation, context));
    }
  }
  return response;
}

}  // namespace millrace
