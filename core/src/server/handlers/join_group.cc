#include "server/handlers/handlers.h"

namespace millrace {
namespace {

JoinGroup call_of(const protocol::JoinGroupRequest& request, const HandlerContext& context) {
  JoinGroup call;
  call.member = {.id = request.member_id, .instance = request.group_instance_id};
  call.client_id = context.client_id();
  call.client_host = context.client_host();
  call.protocol_type = request.protocol_type;
  for (const auto& protocol : request.protocols) {
    call.protocols.push_back({.name = protocol.name, .metadata = protocol.metadata});
  }
  call.session_timeout = std::chrono::milliseconds{request.session_timeout_ms};
  call.rebalance_timeout = std::chrono::milliseconds{request.rebalance_timeout_ms};
  call.id_first = request.takes_id_first;
  call.may_skip_assignment = request.may_skip_assignment;
  return call;
}

}  // namespace

/// Answered when every member has joined, or their time is over.
Task<protocol::JoinGroupResponse> handle(const protocol::JoinGroupRequest& request, HandlerContext& context) {
  JoinGroup call = call_of(request, context);
  auto join = [&](auto done) { context.broker().groups().join(request.group_id, std::move(call), done); };
  JoinedGroup joined = co_await callback_result<JoinedGroup>(join);
  protocol::JoinGroupResponse response;
  response.error_code = joined.error;
  response.generation_id = joined.generation;
  response.protocol_type = std::move(joined.protocol_type);
  response.protocol_name = std::move(joined.protocol);
  response.leader = std::move(joined.leader);
  response.skip_assignment = joined.skip_assignment;
  response.member_id = std::move(joined.member_id);
  for (auto& member : joined.members) {
    auto& shown = response.members.emplace_back();
    shown.member_id = std::move(member.id);
    shown.group_instance_id = std::move(member.instance);
    shown.metadata = std::move(member.metadata);
  }
  co_return response;
}

}  // namespace millrace
