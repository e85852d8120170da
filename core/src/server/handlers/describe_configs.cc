#include <utility>

#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::DescribeConfigsRequest;
using protocol::DescribeConfigsResourceResult;

/// DescribeConfigs' numbers: BOOLEAN 1, STRING 2, INT 3, LONG 5, DOUBLE 6, LIST 7.
constexpr std::pair<ConfigType, std::int8_t> kTypes[] = {
    {ConfigType::kBool, std::int8_t{1}}, {ConfigType::kString, std::int8_t{2}}, {ConfigType::kInt, std::int8_t{3}},
    {ConfigType::kLong, std::int8_t{5}}, {ConfigType::kDouble, std::int8_t{6}}, {ConfigType::kList, std::int8_t{7}},
};

std::int8_t wire_type(ConfigType type) {
  for (const auto& [ours, theirs] : kTypes) {
    if (ours == type) return theirs;
  }
  return 0;
}

DescribeConfigsResourceResult result_of(const ConfigEntry& entry, const DescribeConfigsRequest& request) {
  DescribeConfigsResourceResult shown;
  shown.name = entry.name;
  shown.value = entry.value;
  shown.read_only = entry.read_only;
  shown.is_default = entry.source == ConfigSource::kDefault;
  shown.config_source = static_cast<std::int8_t>(entry.source);
  shown.config_type = wire_type(entry.type);
  if (request.include_documentation) shown.documentation = entry.doc;
  if (!request.include_synonyms) return shown;
  for (const auto& synonym : entry.synonyms) {
    auto& other = shown.synonyms.emplace_back();
    other.name = synonym.name;
    other.value = synonym.value;
    other.source = static_cast<std::int8_t>(synonym.source);
  }
  return shown;
}

}  // namespace

protocol::DescribeConfigsResponse handle(const DescribeConfigsRequest& request, HandlerContext& context) {
  protocol::DescribeConfigsResponse response;
  for (const auto& resource : request.resources) {
    auto& shown = response.results.emplace_back();
    shown.resource_type = resource.resource_type;
    shown.resource_name = resource.resource_name;
    const ConfigResource named{static_cast<ResourceType>(resource.resource_type), resource.resource_name};
    const auto keys = resource.configuration_keys.value_or(std::vector<std::string>{});
    const auto entries = context.broker().describe_configs(named, keys);
    if (!entries) {
      shown.error_code = entries.error().code();
      shown.error_message = entries.error().message();
      continue;
    }
    for (const auto& entry : *entries) shown.configs.push_back(result_of(entry, request));
  }
  return response;
}

}  // namespace millrace
