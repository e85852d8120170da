#include "broker/coordinator_topic.h"
#include "server/handlers/fenced.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::AddOffsetsToTxnRequest;
using protocol::AddOffsetsToTxnResponse;

}  // namespace

/// The partition that has the group's offsets becomes a part of the transaction.
Task<AddOffsetsToTxnResponse> handle(const AddOffsetsToTxnRequest& request, HandlerContext& context) {
  AddOffsetsToTxnResponse response;
  auto ensure = [&](auto done) { context.broker().groups().ensure(done); };
  const Result<void> ready = co_await callback_result<Result<void>>(ensure);
  if (!ready) {
    response.error_code = ErrorCode::kCoordinatorNotAvailable;
    co_return response;
  }
  const auto partition = context.broker().groups().partition_of(request.group_id);
  if (!partition) {
    response.error_code = partition.error().code();
    co_return response;
  }
  AddToTransaction call;
  call.producer.id = request.producer_id;
  call.producer.epoch = request.producer_epoch;
  call.partitions.emplace(std::string(kConsumerOffsetsTopic), *partition);
  call.version = kEpochKept;
  auto add = [&](auto done) { context.broker().transactions().add(request.transactional_id, std::move(call), done); };
  const TransactionAnswer answer = co_await callback_result<TransactionAnswer>(add);
  response.error_code = answer.error;
  co_return response;
}

void adapt(AddOffsetsToTxnResponse& response, std::int16_t version) {
  response.error_code = fenced_code(response.error_code, version);
}

}  // namespace millrace
