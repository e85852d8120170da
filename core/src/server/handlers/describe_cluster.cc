#include "server/handlers/authorized_operations.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {
constexpr std::int8_t kBrokers = 1;
}  // namespace

protocol::DescribeClusterResponse handle(const protocol::DescribeClusterRequest& request, HandlerContext& context) {
  const auto image = context.broker().metadata();
  protocol::DescribeClusterResponse response;
  response.endpoint_type = request.endpoint_type;
  response.cluster_id = image->cluster_id;
  response.controller_id = image->controller;
  if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = kAllClusterOperations;
  if (request.endpoint_type != kBrokers) {
    response.error_code = ErrorCode::kMismatchedEndpointType;
    response.error_message = "this is a broker: ask it for brokers";
    return response;
  }
  for (const auto& [id, broker] : image->brokers) {
    if (broker.fenced && !request.include_fenced_brokers) continue;
    for (const auto& endpoint : broker.endpoints) {
      if (endpoint.listener != context.listener()) continue;
      auto& shown = response.brokers.emplace_back();
      shown.broker_id = id;
      shown.host = endpoint.host;
      shown.port = endpoint.port;
      if (!broker.rack.empty()) shown.rack = broker.rack;
      shown.is_fenced = broker.fenced;
    }
  }
  return response;
}

}  // namespace millrace
