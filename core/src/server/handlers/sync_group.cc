#include "server/handlers/handlers.h"

namespace millrace {

/// Answered when the leader's assignment is stored.
Task<protocol::SyncGroupResponse> handle(const protocol::SyncGroupRequest& request, HandlerContext& context) {
  SyncGroup call;
  call.member.id = request.member_id;
  call.member.instance = request.group_instance_id;
  call.generation = request.generation_id;
  call.protocol_type = request.protocol_type;
  call.protocol = request.protocol_name;
  for (const auto& assignment : request.assignments) {
    call.assignments.emplace_back(assignment.member_id, assignment.assignment);
  }
  auto sync = [&](auto done) { context.broker().groups().sync(request.group_id, std::move(call), done); };
  SyncedGroup synced = co_await callback_result<SyncedGroup>(sync);
  protocol::SyncGroupResponse response;
  response.error_code = synced.error;
  response.protocol_type = std::move(synced.protocol_type);
  response.protocol_name = std::move(synced.protocol);
  response.assignment = std::move(synced.assignment);
  co_return response;
}

}  // namespace millrace
