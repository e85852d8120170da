#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::ConsumerGroupHeartbeatRequest;
using protocol::ConsumerGroupHeartbeatResponse;

ConsumerHeartbeat call_of(const ConsumerGroupHeartbeatRequest& request, const HandlerContext& context) {
  ConsumerHeartbeat call;
  call.member = {.id = request.member_id, .instance = request.instance_id};
  call.epoch = request.member_epoch;
  call.client_id = context.client_id();
  call.client_host = context.client_host();
  call.rack = request.rack_id;
  if (request.rebalance_timeout_ms != -1) {
    call.rebalance_timeout = std::chrono::milliseconds{request.rebalance_timeout_ms};
  }
  if (const auto& names = request.subscribed_topic_names) call.topics.emplace(names->begin(), names->end());
  call.topic_pattern = request.subscribed_topic_regex;
  call.assignor = request.server_assignor;
  if (request.topic_partitions) {
    auto& owned = call.owned.emplace();
    for (const auto& topic : *request.topic_partitions) {
      owned[topic.topic_id].insert(topic.partitions.begin(), topic.partitions.end());
    }
  }
  return call;
}

/// What only the request's version can tell.
std::optional<std::string> problem_of(const ConsumerGroupHeartbeatRequest& request) {
  if (request.group_id.empty()) return "GroupId can't be empty.";
  if (!request.takes_member_id && request.member_id.empty()) return "MemberId can't be empty.";
  return std::nullopt;
}

}  // namespace

/// Answered when what the heartbeat changed is durable.
Task<ConsumerGroupHeartbeatResponse> handle(const ConsumerGroupHeartbeatRequest& request, HandlerContext& context) {
  ConsumerGroupHeartbeatResponse response;
  if (auto problem = problem_of(request)) {
    response.error_code = ErrorCode::kInvalidRequest;
    response.error_message = std::move(problem);
    co_return response;
  }
  ConsumerHeartbeat call = call_of(request, context);
  auto beat = [&](auto done) { context.broker().groups().consumer_heartbeat(request.group_id, std::move(call), done); };
  ConsumerHeartbeatAnswer answer = co_await callback_result<ConsumerHeartbeatAnswer>(beat);
  response.error_code = answer.error;
  response.error_message = std::move(answer.message);
  if (answer.error != ErrorCode::kNone) co_return response;
  response.member_id = std::move(answer.member_id);
  response.member_epoch = answer.epoch;
  response.heartbeat_interval_ms = static_cast<std::int32_t>(answer.heartbeat_interval.count());
  if (!answer.assignment) co_return response;
  auto& assignment = response.assignment.emplace();
  for (const auto& [topic, partitions] : *answer.assignment) {
    auto& shown = assignment.topic_partitions.emplace_back();
    shown.topic_id = topic;
    shown.partitions.assign(partitions.begin(), partitions.end());
  }
  co_return response;
}

}  // namespace millrace
