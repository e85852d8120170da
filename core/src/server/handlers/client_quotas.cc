#include "broker/client_quotas.h"

#include "broker/cluster_admin.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

QuotaFilter filter_of(const protocol::DescribeClientQuotasRequest& request) {
  QuotaFilter filter;
  filter.others = request.strict ? QuotaFilter::Others::kRefused : QuotaFilter::Others::kAllowed;
  for (const auto& component : request.components) {
    filter.components.push_back({.type = component.entity_type,
                                 .match = static_cast<QuotaMatch>(component.match_type),
                                 .name = component.match});
  }
  return filter;
}

protocol::DescribedQuota described_quota(const OwnedQuotas& owned) {
  protocol::DescribedQuota shown;
  for (const auto& [type, name] : owned.owner) {
    auto& entity = shown.entity.emplace_back();
    entity.entity_type = type;
    entity.entity_name = name;
  }
  for (const auto& [key, value] : owned.quotas) {
    auto& quota = shown.values.emplace_back();
    quota.key = key;
    quota.value = value;
  }
  return shown;
}

std::vector<AlterQuotas> quota_calls(const protocol::AlterClientQuotasRequest& request) {
  std::vector<AlterQuotas> calls;
  for (const auto& entry : request.entries) {
    auto& call = calls.emplace_back();
    for (const auto& entity : entry.entity) call.owner.emplace_back(entity.entity_type, entity.entity_name);
    for (const auto& op : entry.ops) {
      auto& change = call.changes.emplace_back();
      change.key = op.key;
      if (!op.remove) change.value = op.value;
    }
  }
  return calls;
}

protocol::AlteredQuota altered_quota(const protocol::AlterQuota& asked, const Result<void>& altered) {
  protocol::AlteredQuota shown;
  for (const auto& entity : asked.entity) {
    auto& named = shown.entity.emplace_back();
    named.entity_type = entity.entity_type;
    named.entity_name = entity.entity_name;
  }
  if (!altered) {
    shown.error_code = altered.error().code();
    shown.error_message = altered.error().message();
  }
  return shown;
}

}  // namespace

protocol::DescribeClientQuotasResponse handle(const protocol::DescribeClientQuotasRequest& request,
                                              HandlerContext& context) {
  protocol::DescribeClientQuotasResponse response;
  const auto found = context.broker().admin().quotas(filter_of(request));
  if (!found) {
    response.error_code = found.error().code();
    response.error_message = found.error().message();
    return response;
  }
  response.entries.emplace();
  for (const auto& owned : *found) response.entries->push_back(described_quota(owned));
  return response;
}

Task<protocol::AlterClientQuotasResponse> handle(const protocol::AlterClientQuotasRequest& request,
                                                 HandlerContext& context) {
  using Answers = std::vector<Result<void>>;
  const auto validate_only = request.validate_only ? ValidateOnly::kYes : ValidateOnly::kNo;
  const std::vector<AlterQuotas> calls = quota_calls(request);
  auto alter_all = [&](auto done) { context.broker().admin().alter_quotas(calls, validate_only, done); };
  const Answers altered = co_await callback_result<Answers>(alter_all);
  protocol::AlterClientQuotasResponse response;
  for (std::size_t i = 0; i < altered.size(); ++i) {
    response.entries.push_back(altered_quota(request.entries[i], altered[i]));
  }
  co_return response;
}

}  // namespace millrace
