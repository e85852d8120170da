#include "metadata/features.h"
#include "server/api_table.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// As Kafka has it: letters, digits, '-' and '.', a letter or digit at both ends.
bool is_software_name(std::string_view name) {
  if (name.empty() || !is_letter_or_digit(name.front()) || !is_letter_or_digit(name.back())) return false;
  for (const char c : name) {
    if (!is_letter_or_digit(c) && c != '-' && c != '.') return false;
  }
  return true;
}

/// Clients before version 3 do not name themselves.
bool names_itself_badly(const protocol::ApiVersionsRequest& request) {
  if (request.client_software_name.empty() && request.client_software_version.empty()) return false;
  return !is_software_name(request.client_software_name) || !is_software_name(request.client_software_version);
}

}  // namespace

protocol::ApiVersionsResponse handle(const protocol::ApiVersionsRequest& request, HandlerContext& context) {
  protocol::ApiVersionsResponse response;
  if (names_itself_badly(request)) {
    response.error_code = ErrorCode::kInvalidRequest;
    return response;
  }
  for (const auto& row : served_apis()) {
    auto& api = response.api_keys.emplace_back();
    api.api_key = static_cast<std::int16_t>(row.key);
    api.min_version = row.advertised.first;
    api.max_version = row.advertised.last;
  }
  const auto image = context.broker().metadata();
  response.finalized_features_epoch = image->last_offset.value();
  for (const auto& feature : supported_features()) {
    auto& supported = response.supported_features.emplace_back();
    supported.name = feature.name;
    supported.min_version = feature.min_level;
    supported.max_version = feature.max_level;
    const auto level = image->features.find(feature.name);
    if (level == image->features.end() || level->second == 0) continue;
    auto& finalized = response.finalized_features.emplace_back();
    finalized.name = feature.name;
    finalized.max_version_level = level->second;
    finalized.min_version_level = level->second;
  }
  return response;
}

void adapt(protocol::ApiVersionsResponse& response, std::int16_t version) {
  constexpr std::int16_t kSaysZero = 4;
  if (version >= kSaysZero) return;
  std::erase_if(response.supported_features, [](const auto& feature) { return feature.min_version == 0; });
}

}  // namespace millrace
