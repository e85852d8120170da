#include "broker/cluster_admin.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

std::vector<FeatureChange> feature_changes(const protocol::UpdateFeaturesRequest& request) {
  std::vector<FeatureChange> changes;
  for (const auto& update : request.feature_updates) {
    auto& change = changes.emplace_back();
    change.name = update.feature;
    change.level = update.max_version_level;
    // Version 0 only says whether a downgrade is fine.
    change.step = update.allow_downgrade ? FeatureStep::kSafeDowngrade : static_cast<FeatureStep>(update.upgrade_type);
  }
  return changes;
}

}  // namespace

Task<protocol::UpdateFeaturesResponse> handle(const protocol::UpdateFeaturesRequest& request, HandlerContext& context) {
  const auto validate_only = request.validate_only ? ValidateOnly::kYes : ValidateOnly::kNo;
  const std::vector<FeatureChange> changes = feature_changes(request);
  auto update_all = [&](auto done) { context.broker().admin().update_features(changes, validate_only, done); };
  const Result<void> updated = co_await callback_result<Result<void>>(update_all);
  protocol::UpdateFeaturesResponse response;
  if (!updated) {
    response.error_code = updated.error().code();
    response.error_message = updated.error().message();
  }
  for (const auto& update : request.feature_updates) {
    auto& result = response.results.emplace_back();
    result.feature = update.feature;
    result.error_code = response.error_code;
    result.error_message = response.error_message;
  }
  co_return response;
}

}  // namespace millrace
