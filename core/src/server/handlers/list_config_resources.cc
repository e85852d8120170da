#include <algorithm>

#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::ListConfigResourcesRequest;
using protocol::ListConfigResourcesResponse;

/// Kafka's types of resources that have settings. There are never any of the two before the last here.
constexpr std::int8_t kTopicType = 2;
constexpr std::int8_t kBrokerType = 4;
constexpr std::int8_t kBrokerLoggerType = 8;
constexpr std::int8_t kGroupType = 32;
constexpr std::int8_t kListedTypes[] = {kTopicType, kBrokerType, kBrokerLoggerType, protocol::kClientMetricsType,
                                        kGroupType};

void list_resource(ListConfigResourcesResponse& response, std::int8_t type, std::string name) {
  auto& shown = response.config_resources.emplace_back();
  shown.resource_type = type;
  shown.resource_name = std::move(name);
}

}  // namespace

ListConfigResourcesResponse handle(const ListConfigResourcesRequest& request, HandlerContext& context) {
  ListConfigResourcesResponse response;
  const auto is_known = [](std::int8_t type) {
    return std::ranges::find(kListedTypes, type) != std::end(kListedTypes);
  };
  if (!std::ranges::all_of(request.resource_types, is_known)) {
    response.error_code = ErrorCode::kUnsupportedVersion;
    return response;
  }
  const auto is_asked = [&](std::int8_t type) {
    return request.resource_types.empty() ||
           std::ranges::find(request.resource_types, type) != request.resource_types.end();
  };
  const auto image = context.broker().metadata();
  if (is_asked(kTopicType)) {
    for (const auto& [name, topic] : image->topics) list_resource(response, kTopicType, name);
  }
  if (is_asked(kBrokerType)) {
    for (const auto& [id, broker] : image->brokers) list_resource(response, kBrokerType, std::to_string(id.value()));
  }
  if (is_asked(kGroupType)) {
    for (const auto& [id, configs] : image->group_configs) list_resource(response, kGroupType, id);
  }
  return response;
}

}  // namespace millrace
