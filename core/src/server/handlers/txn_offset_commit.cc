#include "server/handlers/handlers.h"

namespace millrace {
namespace {

CommitOffsets call_of(const protocol::TxnOffsetCommitRequest& request) {
  CommitOffsets call;
  call.group = request.group_id;
  call.member = {.id = request.member_id, .instance = request.group_instance_id};
  call.generation = request.generation_id;
  call.transaction = OffsetsTransaction{.producer = {.id = request.producer_id, .epoch = request.producer_epoch}};
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      call.offsets.push_back(OffsetToCommit{.topic = TopicRef{topic.name, TopicId{}},
                                            .partition = partition.partition_index,
                                            .offset = partition.committed_offset,
                                            .leader_epoch = partition.committed_leader_epoch,
                                            .metadata = partition.committed_metadata.value_or("")});
    }
  }
  return call;
}

}  // namespace

/// Answered when the offsets are durable; they count from the transaction's end.
Task<protocol::TxnOffsetCommitResponse> handle(const protocol::TxnOffsetCommitRequest& request,
                                               HandlerContext& context) {
  CommitOffsets call = call_of(request);
  const auto support = request.transactions;
  auto commit = [&](auto done) {
    context.broker().commit_offsets_in_transaction(request.transactional_id, std::move(call), support, done);
  };
  const std::vector<ErrorCode> codes = co_await callback_result<std::vector<ErrorCode>>(commit);
  protocol::TxnOffsetCommitResponse response;
  auto code = codes.begin();
  for (const auto& topic : request.topics) {
    auto& shown = response.topics.emplace_back();
    shown.name = topic.name;
    for (const auto& partition : topic.partitions) {
      auto& result = shown.partitions.emplace_back();
      result.partition_index = partition.partition_index;
      result.error_code = *code++;
    }
  }
  co_return response;
}

}  // namespace millrace
