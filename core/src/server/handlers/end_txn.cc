#include "server/handlers/fenced.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::EndTxnRequest;
using protocol::EndTxnResponse;

EndTransaction call_of(const EndTxnRequest& request) {
  return {.producer = {.id = request.producer_id, .epoch = request.producer_epoch},
          .end = request.committed ? TransactionEnd::kCommit : TransactionEnd::kAbort,
          .version = request.bumps_epoch ? kEpochPerTransaction : kEpochKept};
}

}  // namespace

/// Answered when the end is decided: its markers may still be on their way.
Task<EndTxnResponse> handle(const EndTxnRequest& request, HandlerContext& context) {
  const EndTransaction call = call_of(request);
  auto end = [&](auto done) { context.broker().transactions().end(request.transactional_id, call, done); };
  const TransactionAnswer answer = co_await callback_result<TransactionAnswer>(end);
  EndTxnResponse response;
  response.error_code = answer.error;
  response.producer_id = answer.producer.id;
  response.producer_epoch = answer.producer.epoch;
  co_return response;
}

void adapt(EndTxnResponse& response, std::int16_t version) {
  response.error_code = fenced_code(response.error_code, version);
}

}  // namespace millrace
