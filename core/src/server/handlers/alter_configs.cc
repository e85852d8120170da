#include "server/handlers/handlers.h"

namespace millrace {
namespace {

template <class Configs>
std::vector<ConfigChange> changes_of(const Configs& configs) {
  std::vector<ConfigChange> changes;
  for (const auto& config : configs) {
    auto& change = changes.emplace_back();
    change.name = config.name;
    change.value = config.value;
    if constexpr (requires { config.config_operation; }) change.op = static_cast<ConfigOp>(config.config_operation);
  }
  return changes;
}

/// Both APIs: one resource after the other, each with its own result.
template <class Response, class Request>
Task<Response> alter(const Request& request, AlterMode mode, HandlerContext& context) {
  Response response;
  const auto validate_only = request.validate_only ? ValidateOnly::kYes : ValidateOnly::kNo;
  for (const auto& resource : request.resources) {
    auto alter_one = [&](auto done) {
      ConfigResource named{static_cast<ResourceType>(resource.resource_type), resource.resource_name};
      context.broker().alter_configs(std::move(named), changes_of(resource.configs), mode, validate_only, done);
    };
    const Result<void> altered = co_await callback_result<Result<void>>(alter_one);
    auto& shown = response.responses.emplace_back();
    shown.resource_type = resource.resource_type;
    shown.resource_name = resource.resource_name;
    if (altered) continue;
    shown.error_code = altered.error().code();
    shown.error_message = altered.error().message();
  }
  co_return response;
}

}  // namespace

Task<protocol::AlterConfigsResponse> handle(const protocol::AlterConfigsRequest& request, HandlerContext& context) {
  return alter<protocol::AlterConfigsResponse>(request, AlterMode::kReplace, context);
}

Task<protocol::IncrementalAlterConfigsResponse> handle(const protocol::IncrementalAlterConfigsRequest& request,
                                                       HandlerContext& context) {
  return alter<protocol::IncrementalAlterConfigsResponse>(request, AlterMode::kIncremental, context);
}

}  // namespace millrace
