#include "server/handlers/handlers.h"

namespace millrace {

Task<protocol::DeleteGroupsResponse> handle(const protocol::DeleteGroupsRequest& request, HandlerContext& context) {
  auto forget = [&](auto done) { context.broker().groups().delete_groups(request.groups_names, done); };
  const std::vector<ErrorCode> codes = co_await callback_result<std::vector<ErrorCode>>(forget);
  protocol::DeleteGroupsResponse response;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    auto& result = response.results.emplace_back();
    result.group_id = request.groups_names[i];
    result.error_code = codes[i];
  }
  co_return response;
}

}  // namespace millrace
