#include "broker/config_view.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace {
namespace {

const ConfigTable& table_of(ResourceType type) {
  if (type == ResourceType::kTopic) return topic_config_table();
  return type == ResourceType::kGroup ? group_config_table() : broker_config_table();
}

/// The broker's key that says what a key of the resource is when it is not set.
std::string broker_key_of(ResourceType type, std::string_view key) {
  if (type == ResourceType::kTopic) return std::string{broker_default_of(key)};
  return type == ResourceType::kGroup ? fmt::format("group.{}", key) : std::string{key};
}

Result<void> check_configs(ResourceType type, const Properties& configs, const BrokerConfig& broker) {
  if (type == ResourceType::kTopic) return check_topic_configs(configs);
  return type == ResourceType::kGroup ? check_group_configs(configs, broker.consumer_groups())
                                      : check_dynamic_broker_configs(configs);
}

/// Where a key's value may come from, nearest first.
class Sources {
 public:
  /// `own`: what is set for a topic or a group itself, which is what `own_source` says.
  Sources(const MetadataImage& image, const BrokerConfig& broker, Properties own, ConfigSource own_source)
      : own_(std::move(own)), own_source_(own_source), broker_(broker.properties()) {
    const auto dynamic = [&](const std::string& name) {
      const auto found = image.broker_configs.find(name);
      return found == image.broker_configs.end() ? Properties{} : found->second;
    };
    dynamic_broker_ = dynamic(std::to_string(broker.broker_id().value()));
    dynamic_default_ = dynamic("");
  }

  [[nodiscard]] std::vector<ConfigSynonym> of(const ConfigKey& key, std::string_view broker_key) const {
    std::vector<ConfigSynonym> synonyms;
    const auto add = [&](const Properties& from, std::string_view name, ConfigSource source) {
      if (const auto found = from.find(name); found != from.end()) {
        synonyms.push_back({.name = found->first, .value = found->second, .source = source});
      }
    };
    add(own_, key.name, own_source_);
    add(dynamic_broker_, broker_key, ConfigSource::kDynamicBroker);
    add(dynamic_default_, broker_key, ConfigSource::kDynamicDefaultBroker);
    add(broker_, broker_key, ConfigSource::kStaticBroker);
    const auto* fallback = broker_config_table().find(broker_key);
    synonyms.push_back({.name = std::string{broker_key.empty() ? key.name : broker_key},
                        .value = std::string{fallback == nullptr ? key.fallback : fallback->fallback},
                        .source = ConfigSource::kDefault});
    return synonyms;
  }

 private:
  Properties own_;
  ConfigSource own_source_;
  Properties dynamic_broker_;
  Properties dynamic_default_;
  const Properties& broker_;
};

std::string with_list_change(const ConfigChange& change, const std::string& list) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < list.size();) {
    const auto comma = std::min(list.find(',', at), list.size());
    if (comma > at) words.push_back(list.substr(at, comma - at));
    at = comma + 1;
  }
  std::erase(words, *change.value);
  if (change.op == ConfigOp::kAppend) words.push_back(*change.value);
  std::string changed;
  for (const auto& word : words) changed += (changed.empty() ? "" : ",") + word;
  return changed;
}

}  // namespace

Result<Properties> own_configs(const MetadataImage& image, const BrokerConfig& broker, const ConfigResource& resource) {
  if (resource.type == ResourceType::kTopic) {
    MILLRACE_TRY(topic, find_topic(image, {.name = resource.name}));
    return topic->configs;
  }
  if (resource.type == ResourceType::kGroup) {
    if (resource.name.empty()) {
      return fail(ErrorCode::kInvalidRequest, "groups have no common settings but the broker's; name a group");
    }
    const auto found = image.group_configs.find(resource.name);
    return found == image.group_configs.end() ? Properties{} : found->second;
  }
  if (resource.type != ResourceType::kBroker) {
    return fail(ErrorCode::kInvalidRequest, fmt::format("there are no settings of resource type {}; topics (2), "
                                                        "brokers (4) and groups (32) have some",
                                                        static_cast<int>(resource.type)));
  }
  if (!resource.name.empty() && resource.name != std::to_string(broker.broker_id().value())) {
    return fail(ErrorCode::kInvalidRequest, fmt::format("broker \"{}\" has to be asked itself; this is broker {}",
                                                        resource.name, broker.broker_id().value()));
  }
  const auto found = image.broker_configs.find(resource.name);
  return found == image.broker_configs.end() ? Properties{} : found->second;
}

Result<std::vector<ConfigEntry>> describe_configs(const MetadataImage& image, const BrokerConfig& broker,
                                                  const ConfigResource& resource, std::span<const std::string> keys) {
  MILLRACE_TRY(own, own_configs(image, broker, resource));
  const bool is_broker = resource.type == ResourceType::kBroker;
  // The default of all brokers has only what was set for it.
  const bool only_own = is_broker && resource.name.empty();
  const Sources sources{image, broker, is_broker ? Properties{} : own,
                        resource.type == ResourceType::kGroup ? ConfigSource::kGroup : ConfigSource::kTopic};
  std::vector<ConfigEntry> entries;
  for (const auto& key : table_of(resource.type).keys()) {
    if (!keys.empty() && std::find(keys.begin(), keys.end(), key.name) == keys.end()) continue;
    if (only_own && !own.contains(key.name)) continue;
    auto synonyms = sources.of(key, broker_key_of(resource.type, key.name));
    if (only_own) {
      std::erase_if(synonyms, [](const auto& synonym) { return synonym.source < ConfigSource::kDynamicDefaultBroker; });
    }
    entries.push_back({.name = std::string{key.name},
                       .value = synonyms.front().value,
                       .source = synonyms.front().source,
                       .type = key.type,
                       .read_only = is_broker && !is_dynamic_broker_key(key.name),
                       .doc = std::string{key.doc},
                       .synonyms = std::move(synonyms)});
  }
  return entries;
}

Result<Properties> changed_configs(const MetadataImage& image, const BrokerConfig& broker,
                                   const ConfigResource& resource, std::span<const ConfigChange> changes,
                                   AlterMode mode) {
  MILLRACE_TRY(wanted, own_configs(image, broker, resource));
  if (mode == AlterMode::kReplace) wanted.clear();
  for (const auto& change : changes) {
    if (change.op == ConfigOp::kDelete || (mode == AlterMode::kReplace && !change.value)) {
      wanted.erase(change.name);
      continue;
    }
    if (!change.value) {
      return fail(ErrorCode::kInvalidConfig, fmt::format("\"{}\" is to be set, but has no value", change.name));
    }
    if (change.op == ConfigOp::kSet) {
      wanted.insert_or_assign(change.name, *change.value);
      continue;
    }
    const auto* key = table_of(resource.type).find(change.name);
    if (key != nullptr && key->type != ConfigType::kList) {
      return fail(ErrorCode::kInvalidConfig, fmt::format("\"{}\" is no list: it cannot be appended to", change.name));
    }
    const auto current = describe_configs(image, broker, resource, std::span{&change.name, 1});
    auto list = !current || current->empty() ? std::string{} : current->front().value;
    if (const auto set = wanted.find(change.name); set != wanted.end()) list = set->second;
    wanted.insert_or_assign(change.name, with_list_change(change, list));
  }
  MILLRACE_CHECK(check_configs(resource.type, wanted, broker));
  return wanted;
}

}  // namespace millrace
