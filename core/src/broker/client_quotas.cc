#include "broker/client_quotas.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>

namespace millrace {
namespace {

constexpr std::string_view kUser = "user";
constexpr std::string_view kClientId = "client-id";
constexpr std::string_view kIp = "ip";

enum class QuotaOwnerKind : std::uint8_t { kClient, kAddress };

/// A quota that there is, and which values it may have.
struct QuotaKey {
  std::string_view name;
  QuotaOwnerKind kind;
  /// The largest whole number; none: fractions are allowed.
  std::optional<double> largest;
};

constexpr double kLargestLong = 9223372036854774784.0;  // the last double below 2^63
constexpr double kLargestInt = std::numeric_limits<std::int32_t>::max();

constexpr QuotaKey kQuotaKeys[] = {
    {"producer_byte_rate", QuotaOwnerKind::kClient, kLargestLong},
    {"consumer_byte_rate", QuotaOwnerKind::kClient, kLargestLong},
    {"request_percentage", QuotaOwnerKind::kClient, std::nullopt},
    {"controller_mutation_rate", QuotaOwnerKind::kClient, std::nullopt},
    {"connection_creation_rate", QuotaOwnerKind::kAddress, kLargestInt},
};

std::unexpected<Error> refuse_quota(std::string what) { return fail(ErrorCode::kInvalidRequest, std::move(what)); }

bool is_entity_type(std::string_view type) { return type == kUser || type == kClientId || type == kIp; }

bool is_address(const std::string& text) {
  in6_addr parsed{};
  return ::inet_pton(AF_INET, text.c_str(), &parsed) == 1 || ::inet_pton(AF_INET6, text.c_str(), &parsed) == 1;
}

Result<QuotaOwner> owner_of(const std::vector<QuotaEntityName>& names) {
  if (names.empty()) return refuse_quota("a quota has to be somebody's: name a user, a client-id or an ip");
  QuotaOwner owner;
  for (const auto& [type, name] : names) {
    if (!is_entity_type(type)) {
      return refuse_quota(fmt::format("\"{}\" cannot have quotas: say user, client-id or ip", type));
    }
    if (name && name->empty()) return refuse_quota(fmt::format("the {} of a quota has an empty name", type));
    if (!owner.emplace(type, name).second) return refuse_quota(fmt::format("a quota names {} twice", type));
    if (type == kIp && name && !is_address(*name)) return refuse_quota(fmt::format("\"{}\" is no address", *name));
  }
  if (owner.contains(std::string{kIp}) && owner.size() > 1) {
    return refuse_quota("a quota of an ip is of nothing else");
  }
  return owner;
}

Result<void> check_quota(QuotaOwnerKind kind, const QuotaChange& change) {
  const auto key = std::ranges::find(kQuotaKeys, change.key, &QuotaKey::name);
  if (key == std::end(kQuotaKeys) || key->kind != kind) {
    return refuse_quota(fmt::format("there is no quota \"{}\" of {}", change.key,
                                    kind == QuotaOwnerKind::kAddress ? "an ip" : "users and client-ids"));
  }
  if (!change.value) return {};
  const auto value = *change.value;
  if (!(value > 0) || std::isinf(value)) {
    return refuse_quota(fmt::format("quota \"{}\" is {}, but must be greater than 0", change.key, value));
  }
  constexpr double kRounding = 1e-6;
  if (key->largest && std::abs(value - std::round(value)) > kRounding) {
    return refuse_quota(fmt::format("quota \"{}\" is {}, but must be a whole number", change.key, value));
  }
  if (key->largest && value > *key->largest) {
    return refuse_quota(fmt::format("quota \"{}\" is {}, which is too large", change.key, value));
  }
  return {};
}

Result<void> check_component(const QuotaFilter::Component& component) {
  const auto& [type, match, name] = component;
  if (type.empty()) return refuse_quota("a filter of quotas has an empty type");
  if (!is_entity_type(type)) {
    return fail(ErrorCode::kUnsupportedVersion, fmt::format("there are no quotas of \"{}\"", type));
  }
  if (match < QuotaMatch::kName || match > QuotaMatch::kAny) {
    return refuse_quota(fmt::format("{} is no way to match a {}", static_cast<int>(match), type));
  }
  if ((match == QuotaMatch::kName) != name.has_value()) {
    return refuse_quota(fmt::format("a {} is matched by name, or without one by its kind", type));
  }
  return {};
}

bool matches(const QuotaOwner& owner, const QuotaFilter::Component& component) {
  const auto found = owner.find(component.type);
  if (found == owner.end()) return false;
  if (component.match == QuotaMatch::kAny) return true;
  return component.match == QuotaMatch::kDefault ? !found->second : found->second == component.name;
}

}  // namespace

Result<MetadataRecords> change_quotas(const MetadataImage& image, const AlterQuotas& call) {
  MILLRACE_TRY(owner, owner_of(call.owner));
  const auto kind = owner.contains(std::string{kIp}) ? QuotaOwnerKind::kAddress : QuotaOwnerKind::kClient;
  const auto known = image.client_quotas.find(owner);
  MetadataRecords records;
  for (const auto& change : call.changes) {
    MILLRACE_CHECK(check_quota(kind, change));
    std::optional<double> current;
    if (known != image.client_quotas.end()) {
      if (const auto set = known->second.find(change.key); set != known->second.end()) current = set->second;
    }
    if (change.value != current) records.push_back(quota_record(owner, change.key, change.value));
  }
  return records;
}

Result<std::vector<OwnedQuotas>> find_quotas(const MetadataImage& image, const QuotaFilter& filter) {
  std::set<std::string_view> types;
  for (const auto& component : filter.components) {
    MILLRACE_CHECK(check_component(component));
    if (!types.insert(component.type).second) {
      return refuse_quota(fmt::format("a filter of quotas names {} twice", component.type));
    }
  }
  if (types.contains(kIp) && types.size() > 1) return refuse_quota("a quota of an ip is of nothing else");
  std::vector<OwnedQuotas> found;
  for (const auto& [owner, quotas] : image.client_quotas) {
    if (filter.others == QuotaFilter::Others::kRefused && owner.size() != types.size()) continue;
    const bool all = std::ranges::all_of(filter.components, [&](const auto& one) { return matches(owner, one); });
    if (all) found.push_back({.owner = owner, .quotas = quotas});
  }
  return found;
}

}  // namespace millrace
