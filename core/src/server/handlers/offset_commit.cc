#include "server/handlers/handlers.h"

namespace millrace {
namespace {

CommitOffsets call_of(const protocol::OffsetCommitRequest& request) {
  CommitOffsets call;
  call.group = request.group_id;
  call.member = {.id = request.member_id, .instance = request.group_instance_id};
  call.generation = request.generation_id_or_member_epoch;
  call.speaks = request.knows_member_epochs ? GroupType::kConsumer : GroupType::kClassic;
  if (request.retention_time_ms != -1) call.retention = std::chrono::milliseconds{request.retention_time_ms};
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      call.offsets.push_back(OffsetToCommit{.topic = TopicRef{topic.name, topic.topic_id},
                                            .partition = partition.partition_index,
                                            .offset = partition.committed_offset,
                                            .leader_epoch = partition.committed_leader_epoch,
                                            .metadata = partition.committed_metadata.value_or("")});
    }
  }
  return call;
}

}  // namespace

/// Answered when the offsets are durable.
Task<protocol::OffsetCommitResponse> handle(const protocol::OffsetCommitRequest& request, HandlerContext& context) {
  CommitOffsets call = call_of(request);
  auto commit = [&](auto done) { context.broker().groups().commit_offsets(std::move(call), done); };
  const std::vector<ErrorCode> codes = co_await callback_result<std::vector<ErrorCode>>(commit);
  protocol::OffsetCommitResponse response;
  auto code = codes.begin();
  for (const auto& topic : request.topics) {
    auto& shown = response.topics.emplace_back();
    shown.name = topic.name;
    shown.topic_id = topic.topic_id;
    for (const auto& partition : topic.partitions) {
      auto& result = shown.partitions.emplace_back();
      result.partition_index = partition.partition_index;
      result.error_code = *code++;
    }
  }
  co_return response;
}

}  // namespace millrace
