#include "server/handlers/fenced.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::InitProducerIdRequest;
using protocol::InitProducerIdResponse;

InitTransactions call_of(const InitProducerIdRequest& request) {
  InitTransactions call{.timeout = std::chrono::milliseconds{request.transaction_timeout_ms}};
  if (request.producer_id != kNoProducerId) {
    call.expected = ProducerIdentity{.id = request.producer_id, .epoch = request.producer_epoch};
  }
  return call;
}

/// What cannot be asked of a transactional producer.
ErrorCode problem_of(const InitProducerIdRequest& request) {
  if (request.transactional_id->empty()) return ErrorCode::kInvalidRequest;
  const bool one_without_the_other =
      (request.producer_id == kNoProducerId) != (request.producer_epoch == kNoProducerEpoch);
  if (one_without_the_other) return ErrorCode::kInvalidRequest;
  // As a Kafka answers that has not been told to allow it (KIP-939).
  if (request.enable_2pc) return ErrorCode::kTransactionalIdAuthorizationFailed;
  return request.keep_prepared_txn ? ErrorCode::kUnsupportedVersion : ErrorCode::kNone;
}

InitProducerIdResponse response_of(ErrorCode error, const ProducerIdentity& identity) {
  InitProducerIdResponse response;
  response.error_code = error;
  if (error == ErrorCode::kNone) {
    response.producer_id = identity.id;
    response.producer_epoch = identity.epoch;
  }
  return response;
}

}  // namespace

Task<InitProducerIdResponse> handle(const InitProducerIdRequest& request, HandlerContext& context) {
  if (!request.transactional_id) {
    auto init = [&](auto done) { context.broker().init_producer_id(done); };
    const Result<ProducerIdentity> identity = co_await callback_result<Result<ProducerIdentity>>(init);
    co_return response_of(identity ? ErrorCode::kNone : identity.error().code(), identity.value_or(ProducerIdentity()));
  }
  const auto problem = problem_of(request);
  if (problem != ErrorCode::kNone) co_return response_of(problem, ProducerIdentity());
  const InitTransactions call = call_of(request);
  auto init = [&](auto done) { context.broker().transactions().init(*request.transactional_id, call, done); };
  const TransactionAnswer answer = co_await callback_result<TransactionAnswer>(init);
  co_return response_of(answer.error, answer.producer);
}

void adapt(InitProducerIdResponse& response, std::int16_t version) {
  response.error_code = fenced_code(response.error_code, version, kInitProducerIdKnowsFencing);
}

}  // namespace millrace
