#include <fmt/format.h>

#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::FindCoordinatorRequest;
using protocol::FindCoordinatorResponse;
using protocol::FoundCoordinator;

constexpr std::int8_t kGroupKey = 0;
constexpr std::int8_t kTransactionKey = 1;

/// This broker, as clients of the asker's listener reach it.
FoundCoordinator self(HandlerContext& context) {
  FoundCoordinator found;
  found.node_id = context.broker().id();
  const auto image = context.broker().metadata();
  const auto broker = image->brokers.find(found.node_id);
  if (broker != image->brokers.end()) {
    for (const auto& endpoint : broker->second.endpoints) {
      if (endpoint.listener != context.listener()) continue;
      found.host = endpoint.host;
      found.port = endpoint.port;
      return found;
    }
  }
  found.error_code = ErrorCode::kCoordinatorNotAvailable;
  found.error_message = "the broker is not reachable over this listener";
  return found;
}

FoundCoordinator none(ErrorCode code, std::string message) {
  FoundCoordinator found;
  found.node_id = BrokerId{-1};
  found.port = -1;
  found.error_code = code;
  found.error_message = std::move(message);
  return found;
}

}  // namespace

/// On one node it is always this broker. The first question makes the topic that the answer stands on.
Task<FindCoordinatorResponse> handle(const FindCoordinatorRequest& request, HandlerContext& context) {
  FoundCoordinator found;
  if (request.key_type == kGroupKey || request.key_type == kTransactionKey) {
    auto ensure = [&](auto done) {
      if (request.key_type == kGroupKey) return context.broker().groups().ensure(done);
      context.broker().transactions().ensure(done);
    };
    const Result<void> ready = co_await callback_result<Result<void>>(ensure);
    found = ready ? self(context) : none(ErrorCode::kCoordinatorNotAvailable, ready.error().message());
  } else {
    found = none(ErrorCode::kUnsupportedVersion,
                 fmt::format("there is no coordinator for keys of type {} here", request.key_type));
  }
  FindCoordinatorResponse response;
  response.error_code = found.error_code;
  response.error_message = found.error_message;
  response.node_id = found.node_id;
  response.host = found.host;
  response.port = found.port;
  for (const auto& key : request.coordinator_keys) {
    found.key = key;
    response.coordinators.push_back(found);
  }
  co_return response;
}

}  // namespace millrace
