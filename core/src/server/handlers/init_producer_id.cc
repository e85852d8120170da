#include "server/handlers/handlers.h"

namespace millrace {

Task<protocol::InitProducerIdResponse> handle(const protocol::InitProducerIdRequest& request, HandlerContext& context) {
  protocol::InitProducerIdResponse response;
  if (request.transactional_id) {
    // There is no transaction coordinator: an error that producers do not retry.
    response.error_code = ErrorCode::kUnsupportedVersion;
    co_return response;
  }
  auto init = [&](auto done) { context.broker().init_producer_id(done); };
  const Result<ProducerIdentity> identity = co_await callback_result<Result<ProducerIdentity>>(init);
  if (identity) {
    response.producer_id = identity->id;
    response.producer_epoch = identity->epoch;
  } else {
    response.error_code = identity.error().code();
  }
  co_return response;
}

}  // namespace millrace
