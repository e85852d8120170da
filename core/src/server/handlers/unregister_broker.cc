#include "broker/cluster_admin.h"
#include "server/handlers/handlers.h"

namespace millrace {

Task<protocol::UnregisterBrokerResponse> handle(const protocol::UnregisterBrokerRequest& request,
                                                HandlerContext& context) {
  auto forget = [&](auto done) { context.broker().admin().unregister_broker(request.broker_id, done); };
  const Result<void> forgotten = co_await callback_result<Result<void>>(forget);
  protocol::UnregisterBrokerResponse response;
  if (!forgotten) {
    response.error_code = forgotten.error().code();
    response.error_message = forgotten.error().message();
  }
  co_return response;
}

}  // namespace millrace
