#include "server/handlers/handlers.h"

namespace millrace {

Task<protocol::LeaveGroupResponse> handle(const protocol::LeaveGroupRequest& request, HandlerContext& context) {
  using Left = Result<std::vector<LeftGroup>>;
  // One member by itself is how old clients leave; its error is that of the whole answer.
  const bool alone = request.members.empty();
  std::vector<MemberName> members;
  if (alone) members.push_back(MemberName{.id = request.member_id});
  for (const auto& leaving : request.members) {
    members.push_back(MemberName{.id = leaving.member_id, .instance = leaving.group_instance_id});
  }
  auto leave = [&](auto done) { context.broker().groups().leave(request.group_id, members, done); };
  const Left left = co_await callback_result<Left>(leave);
  protocol::LeaveGroupResponse response;
  if (!left) {
    response.error_code = left.error().code();
    co_return response;
  }
  if (alone) {
    response.error_code = left->front().error;
    co_return response;
  }
  for (const auto& member : *left) {
    auto& shown = response.members.emplace_back();
    shown.member_id = member.member.id;
    shown.group_instance_id = member.member.instance;
    shown.error_code = member.error;
  }
  co_return response;
}

}  // namespace millrace
