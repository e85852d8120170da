#include "metadata/metadata_delta.h"

#include <fmt/format.h>

#include <map>

#include "metadata/controller.h"

namespace millrace {
namespace {

// Kafka's readers want it first.
constexpr std::string_view kMetadataVersion = "metadata.version";

/// Changes a copy of an image, record after record. Topics are copied when they are first touched.
class Delta {
 public:
  Delta(const MetadataImage& image, Offset last_offset) : image_(std::make_shared<MetadataImage>(image)) {
    image_->last_offset = last_offset;
  }

  Result<void> operator()(const protocol::RegisterBrokerRecord& record) {
    BrokerImage broker{.id = record.broker_id,
                       .epoch = record.broker_epoch,
                       .endpoints = {},
                       .rack = record.rack.value_or(""),
                       .fenced = record.fenced,
                       .directories = record.log_dirs};
    for (const auto& endpoint : record.end_points) {
      broker.endpoints.push_back({.listener = endpoint.name, .host = endpoint.host, .port = endpoint.port});
    }
    // One node: whoever is registered last is the controller too.
    image_->controller = broker.id;
    image_->brokers.insert_or_assign(broker.id, std::move(broker));
    return {};
  }

  Result<void> operator()(const protocol::UnregisterBrokerRecord& record) {
    image_->brokers.erase(record.broker_id);
    return {};
  }

  Result<void> operator()(const protocol::TopicRecord& record) {
    if (image_->topics.contains(record.name) || image_->topics_by_id.contains(record.topic_id)) {
      return fail(ErrorCode::kCorruptLog,
                  fmt::format("topic \"{}\" ({}) is made twice", record.name, record.topic_id.to_string()));
    }
    auto topic = std::make_shared<TopicImage>();
    topic->name = record.name;
    topic->id = record.topic_id;
    topic->internal = record.name.starts_with("__");
    touched_[record.topic_id] = topic;
    image_->topics.insert_or_assign(record.name, topic);
    image_->topics_by_id.insert_or_assign(record.topic_id, topic);
    return {};
  }

  Result<void> operator()(const protocol::PartitionRecord& record) {
    auto* topic = touch(record.topic_id);
    if (topic == nullptr) return unknown(record.topic_id);
    const auto index = static_cast<std::size_t>(record.partition_id.value());
    if (record.partition_id.value() < 0 || index > topic->partitions.size()) {
      return fail(ErrorCode::kCorruptLog, fmt::format("topic \"{}\" has no partition {} before {}", topic->name,
                                                      topic->partitions.size(), index));
    }
    if (index == topic->partitions.size()) topic->partitions.emplace_back();
    topic->partitions[index] = {.leader = record.leader,
                                .leader_epoch = record.leader_epoch,
                                .partition_epoch = record.partition_epoch,
                                .replicas = record.replicas,
                                .in_sync = record.isr,
                                .directories = record.directories};
    return {};
  }

  Result<void> operator()(const protocol::PartitionChangeRecord& record) {
    auto* topic = touch(record.topic_id);
    if (topic == nullptr) return unknown(record.topic_id);
    const auto index = static_cast<std::size_t>(record.partition_id.value());
    if (record.partition_id.value() < 0 || index >= topic->partitions.size()) {
      return fail(ErrorCode::kCorruptLog, fmt::format("topic \"{}\" has no partition {}", topic->name, index));
    }
    auto& partition = topic->partitions[index];
    constexpr BrokerId kSameLeader{-2};
    if (record.isr) partition.in_sync = *record.isr;
    if (record.replicas) partition.replicas = *record.replicas;
    if (record.directories) partition.directories = *record.directories;
    if (record.leader != kSameLeader) {
      partition.leader = record.leader;
      partition.leader_epoch += 1;
    }
    ++partition.partition_epoch;
    return {};
  }

  Result<void> operator()(const protocol::RemoveTopicRecord& record) {
    const auto found = image_->topics_by_id.find(record.topic_id);
    if (found == image_->topics_by_id.end()) return unknown(record.topic_id);
    image_->topics.erase(found->second->name);
    image_->topics_by_id.erase(found);
    touched_.erase(record.topic_id);
    return {};
  }

  Result<void> operator()(const protocol::ConfigRecord& record) {
    const auto type = static_cast<ResourceType>(record.resource_type);
    Properties* configs = nullptr;
    if (type == ResourceType::kTopic) {
      const auto found = image_->topics.find(record.resource_name);
      // Kafka removes a topic's settings after the topic.
      if (found == image_->topics.end()) return {};
      configs = &touch(found->second->id)->configs;
    } else if (type == ResourceType::kBroker) {
      configs = &image_->broker_configs[record.resource_name];
    } else if (type == ResourceType::kGroup) {
      configs = &image_->group_configs[record.resource_name];
    } else {
      return fail(ErrorCode::kUnsupported, fmt::format("settings of resource type {}", record.resource_type));
    }
    if (record.value) {
      configs->insert_or_assign(record.name, *record.value);
      return {};
    }
    configs->erase(record.name);
    if (type == ResourceType::kGroup && configs->empty()) image_->group_configs.erase(record.resource_name);
    return {};
  }

  Result<void> operator()(const protocol::ProducerIdsRecord& record) {
    image_->next_producer_id = record.next_producer_id;
    return {};
  }

  Result<void> operator()(const protocol::FeatureLevelRecord& record) {
    image_->features.insert_or_assign(record.name, record.feature_level);
    return {};
  }
  Result<void> operator()(const protocol::ClientQuotaRecord& record) {
    QuotaOwner owner;
    for (const auto& entity : record.entity) owner.insert_or_assign(entity.entity_type, entity.entity_name);
    if (!record.remove) {
      image_->client_quotas[owner].insert_or_assign(record.key, record.value);
    } else if (const auto found = image_->client_quotas.find(owner); found != image_->client_quotas.end()) {
      found->second.erase(record.key);
      if (found->second.empty()) image_->client_quotas.erase(found);
    }
    return {};
  }
  Result<void> operator()(const protocol::NoOpRecord&) { return {}; }

  template <class Record>
  Result<void> operator()(const Record&) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("the metadata log has a {}, which this version does not serve", Record::kName));
  }

  [[nodiscard]] std::shared_ptr<const MetadataImage> image() const { return image_; }

 private:
  static Result<void> unknown(const TopicId& id) {
    return fail(ErrorCode::kCorruptLog, fmt::format("there is no topic with id {}", id.to_string()));
  }

  TopicImage* touch(const TopicId& id) {
    if (const auto touched = touched_.find(id); touched != touched_.end()) return touched->second.get();
    const auto found = image_->topics_by_id.find(id);
    if (found == image_->topics_by_id.end()) return nullptr;
    auto copy = std::make_shared<TopicImage>(*found->second);
    image_->topics.insert_or_assign(copy->name, copy);
    found->second = copy;
    return touched_.emplace(id, std::move(copy)).first->second.get();
  }

  std::shared_ptr<MetadataImage> image_;
  std::map<TopicId, std::shared_ptr<TopicImage>> touched_;
};

}  // namespace

MetadataRecord quota_record(const QuotaOwner& owner, const std::string& key, std::optional<double> value) {
  protocol::ClientQuotaRecord record;
  for (const auto& [type, name] : owner) {
    auto& entity = record.entity.emplace_back();
    entity.entity_type = type;
    entity.entity_name = name;
  }
  record.key = key;
  record.value = value.value_or(0);
  record.remove = !value;
  return record;
}

Result<std::shared_ptr<const MetadataImage>> apply_records(const MetadataImage& image,
                                                           std::span<const MetadataRecord> records,
                                                           Offset last_offset) {
  Delta delta{image, last_offset};
  for (const auto& record : records)
    MILLRACE_CHECK(std::visit([&](const auto& fields) { return delta(fields); }, record));
  return delta.image();
}

MetadataRecords records_of(const MetadataImage& image) {
  MetadataRecords records;
  for (const auto& [name, level] : image.features) {
    protocol::FeatureLevelRecord record;
    record.name = name;
    record.feature_level = level;
    records.emplace(name == kMetadataVersion ? records.begin() : records.end(), std::move(record));
  }
  for (const auto& [id, broker] : image.brokers) {
    protocol::RegisterBrokerRecord record;
    record.broker_id = id;
    record.broker_epoch = broker.epoch;
    record.fenced = broker.fenced;
    record.log_dirs = broker.directories;
    if (!broker.rack.empty()) record.rack = broker.rack;
    for (const auto& endpoint : broker.endpoints) {
      auto& added = record.end_points.emplace_back();
      added.name = endpoint.listener;
      added.host = endpoint.host;
      added.port = endpoint.port;
    }
    records.emplace_back(std::move(record));
  }
  for (const auto& [name, configs] : image.broker_configs) {
    Controller::set_configs({ResourceType::kBroker, name}, {}, configs, records);
  }
  for (const auto& [id, configs] : image.group_configs) {
    Controller::set_configs({ResourceType::kGroup, id}, {}, configs, records);
  }
  for (const auto& [owner, quotas] : image.client_quotas) {
    for (const auto& [key, value] : quotas) records.push_back(quota_record(owner, key, value));
  }
  for (const auto& [name, topic] : image.topics) {
    protocol::TopicRecord record;
    record.name = name;
    record.topic_id = topic->id;
    records.emplace_back(std::move(record));
    Controller::set_configs({ResourceType::kTopic, name}, {}, topic->configs, records);
    std::int32_t index = 0;
    for (const auto& partition : topic->partitions) {
      protocol::PartitionRecord added;
      added.partition_id = PartitionIndex{index++};
      added.topic_id = topic->id;
      added.replicas = partition.replicas;
      added.isr = partition.in_sync;
      added.leader = partition.leader;
      added.leader_epoch = partition.leader_epoch;
      added.partition_epoch = partition.partition_epoch;
      added.directories = partition.directories;
      records.emplace_back(std::move(added));
    }
  }
  protocol::ProducerIdsRecord ids;
  ids.broker_id = image.controller;
  ids.next_producer_id = image.next_producer_id;
  records.emplace_back(ids);
  return records;
}

}  // namespace millrace
