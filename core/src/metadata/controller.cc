#include "metadata/controller.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/uuid.h"
#include "metadata/features.h"

namespace millrace {
namespace {

constexpr std::size_t kLongestName = 249;
/// What Kafka lets one request make.
constexpr std::int32_t kMostNewPartitions = 10'000;

/// Kafka's metrics fold '.' and '_', so two topics may not differ in these alone.
std::string folded(std::string_view name) {
  std::string text{name};
  std::replace(text.begin(), text.end(), '.', '_');
  return text;
}

std::vector<BrokerId> live_brokers(const MetadataImage& image) {
  std::vector<BrokerId> live;
  for (const auto& [id, broker] : image.brokers) {
    if (!broker.fenced) live.push_back(id);
  }
  return live;
}

Result<void> check_replicas(const MetadataImage& image, std::int32_t partition, const std::vector<BrokerId>& replicas) {
  const auto wrong = [&](std::string_view what) {
    return fail(ErrorCode::kInvalidReplicaAssignment, fmt::format("the replicas of partition {} {}", partition, what));
  };
  if (replicas.empty()) return wrong("are empty");
  for (auto at = replicas.begin(); at != replicas.end(); ++at) {
    if (std::find(replicas.begin(), at, *at) != at) return wrong(fmt::format("name broker {} twice", at->value()));
    if (!image.brokers.contains(*at)) {
      return wrong(fmt::format("name broker {}, which is not in the cluster", at->value()));
    }
  }
  return {};
}

/// Chooses directories, one after the other: always the one with the fewest partitions.
class DirectoryChoice {
 public:
  DirectoryChoice(const MetadataImage& image, const std::vector<Uuid>& usable) {
    for (const auto& id : usable) choices_.emplace_back(id, 0);
    // Nothing to choose.
    if (choices_.size() < 2) return;
    for (const auto& [name, topic] : image.topics) {
      for (const auto& partition : topic->partitions) {
        for (const auto& id : partition.directories) {
          const auto known = std::ranges::find(choices_, id, &Choice::first);
          if (known != choices_.end()) ++known->second;
        }
      }
    }
  }

  /// Errors: `kStorageError`.
  Result<Uuid> next() {
    if (choices_.empty()) {
      return fail(ErrorCode::kStorageError, "no data folder can be used for a new partition: all are offline");
    }
    const auto fewest = std::ranges::min_element(choices_, {}, &Choice::second);
    ++fewest->second;
    return fewest->first;
  }

 private:
  using Choice = std::pair<Uuid, std::size_t>;
  std::vector<Choice> choices_;
};

MetadataRecord partition_record(const TopicId& topic, std::int32_t index, const std::vector<BrokerId>& replicas,
                                const Uuid& directory) {
  protocol::PartitionRecord record;
  record.partition_id = PartitionIndex{index};
  record.topic_id = topic;
  record.replicas = replicas;
  record.isr = replicas;
  record.leader = replicas.front();
  record.leader_epoch = LeaderEpoch{0};
  record.partition_epoch = 0;
  record.directories.assign(replicas.size(), directory);
  return record;
}

}  // namespace

Result<MetadataImage::TopicPtr> find_topic(const MetadataImage& image, const TopicRef& topic) {
  if (!topic.id.is_nil()) {
    if (auto found = image.topic(topic.id)) return found;
    return fail(ErrorCode::kUnknownTopicId, fmt::format("there is no topic with id {}", topic.id.to_string()));
  }
  if (auto found = image.topic(topic.name)) return found;
  return fail(ErrorCode::kUnknownTopicOrPartition, fmt::format("there is no topic \"{}\"", topic.name));
}

Result<void> check_topic_name(std::string_view name) {
  const auto wrong = [&](std::string_view what) {
    return fail(ErrorCode::kInvalidTopic, fmt::format("\"{}\" cannot be a topic's name: {}", name, what));
  };
  if (name.empty()) return wrong("it is empty");
  if (name == "." || name == "..") return wrong("it would be a folder of its own");
  if (name.size() > kLongestName) return wrong(fmt::format("it is longer than {} characters", kLongestName));
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  if (!std::all_of(name.begin(), name.end(), allowed)) return wrong("only a-z, A-Z, 0-9, '.', '_' and '-' are allowed");
  return {};
}

Result<std::vector<std::vector<BrokerId>>> Controller::place(const MetadataImage& image, std::int32_t first,
                                                             std::int32_t count, std::int16_t replicas) const {
  if (count > kMostNewPartitions) {
    return fail(ErrorCode::kPolicyViolation,
                fmt::format("{} partitions at once are more than the {} that are allowed", count, kMostNewPartitions));
  }
  const auto live = live_brokers(image);
  if (replicas < 1 || static_cast<std::size_t>(replicas) > live.size()) {
    return fail(ErrorCode::kInvalidReplicationFactor,
                fmt::format("{} replicas need as many brokers, but there are {}", replicas, live.size()));
  }
  std::vector<std::vector<BrokerId>> placed;
  for (std::int32_t i = first; i < first + count; ++i) {
    auto& partition = placed.emplace_back();
    for (std::int16_t j = 0; j < replicas; ++j)
      partition.push_back(live[static_cast<std::size_t>(i + j) % live.size()]);
  }
  return placed;
}

Result<CreatedTopic> Controller::create_topic(const MetadataImage& image, const CreateTopic& topic,
                                              MetadataRecords& records) {
  MILLRACE_CHECK(check_topic_name(topic.name));
  if (image.topic(topic.name)) {
    return fail(ErrorCode::kTopicAlreadyExists, fmt::format("topic \"{}\" exists already", topic.name));
  }
  const auto fold = folded(topic.name);
  const bool may_collide = fold.find('_') != std::string::npos;
  for (const auto& [name, other] : image.topics) {
    if (!may_collide || folded(name) != fold) continue;
    return fail(
        ErrorCode::kInvalidTopic,
        fmt::format("topic \"{}\" collides with \"{}\": names may not differ only in '.' and '_'", topic.name, name));
  }

  std::vector<std::vector<BrokerId>> replicas;
  if (topic.assignments.empty()) {
    const auto partitions = topic.partitions == -1 ? defaults_.partitions : topic.partitions;
    if (partitions < 1) {
      return fail(ErrorCode::kInvalidPartitions,
                  fmt::format("topic \"{}\" needs at least 1 partition, not {}", topic.name, partitions));
    }
    const auto factor = topic.replication_factor == -1 ? defaults_.replication_factor : topic.replication_factor;
    auto placed = place(image, 0, partitions, factor);
    if (!placed) return std::unexpected(std::move(placed).error().in(fmt::format("topic \"{}\"", topic.name)));
    replicas = *std::move(placed);
  } else {
    if (topic.partitions != -1 || topic.replication_factor != -1) {
      return fail(ErrorCode::kInvalidRequest,
                  fmt::format("topic \"{}\": give its replicas or its numbers, not both", topic.name));
    }
    for (const auto& [index, brokers] : topic.assignments) {
      if (index != static_cast<std::int32_t>(replicas.size())) {
        return fail(ErrorCode::kInvalidReplicaAssignment,
                    fmt::format("topic \"{}\": there are no replicas for partition {}", topic.name, replicas.size()));
      }
      MILLRACE_CHECK(check_replicas(image, index, brokers));
      replicas.push_back(brokers);
    }
  }

  auto id = random_uuid(random_);
  while (image.topic(id)) id = random_uuid(random_);
  const CreatedTopic created{.id = id,
                             .partitions = static_cast<std::int32_t>(replicas.size()),
                             .replication_factor = static_cast<std::int16_t>(replicas.front().size())};
  protocol::TopicRecord record;
  record.name = topic.name;
  record.topic_id = created.id;
  records.emplace_back(std::move(record));
  set_configs({ResourceType::kTopic, topic.name}, {}, topic.configs, records);
  DirectoryChoice directories{image, directories_};
  for (std::int32_t i = 0; i < created.partitions; ++i) {
    MILLRACE_TRY(directory, directories.next());
    records.push_back(partition_record(created.id, i, replicas[static_cast<std::size_t>(i)], directory));
  }
  return created;
}

Result<DeletedTopic> Controller::delete_topic(const MetadataImage& image, const TopicRef& topic,
                                              MetadataRecords& records) const {
  MILLRACE_TRY(found, find_topic(image, topic));
  if (found->internal) {
    return fail(ErrorCode::kInvalidTopic,
                fmt::format("topic \"{}\" belongs to the broker and cannot be deleted", found->name));
  }
  set_configs({ResourceType::kTopic, found->name}, found->configs, {}, records);
  protocol::RemoveTopicRecord record;
  record.topic_id = found->id;
  records.emplace_back(record);
  return DeletedTopic{.name = found->name, .id = found->id};
}

Result<void> Controller::create_partitions(const MetadataImage& image, const CreatePartitions& call,
                                           MetadataRecords& records) const {
  MILLRACE_TRY(topic, find_topic(image, {.name = call.topic}));
  const auto have = static_cast<std::int32_t>(topic->partitions.size());
  if (call.total <= have) {
    return fail(ErrorCode::kInvalidPartitions,
                fmt::format("topic \"{}\" has {} partitions already; {} is not more", call.topic, have, call.total));
  }
  const auto added = call.total - have;
  auto replicas = call.assignments;
  if (replicas.empty()) {
    const auto factor = static_cast<std::int16_t>(topic->partitions.front().replicas.size());
    auto placed = place(image, have, added, factor);
    if (!placed) return std::unexpected(std::move(placed).error().in(fmt::format("topic \"{}\"", call.topic)));
    replicas = *std::move(placed);
  }
  if (static_cast<std::int32_t>(replicas.size()) != added) {
    return fail(ErrorCode::kInvalidReplicaAssignment,
                fmt::format("topic \"{}\" gets {} new partitions, but replicas are given for {}", call.topic, added,
                            replicas.size()));
  }
  DirectoryChoice directories{image, directories_};
  for (std::int32_t i = 0; i < added; ++i) {
    const auto& brokers = replicas[static_cast<std::size_t>(i)];
    MILLRACE_CHECK(check_replicas(image, have + i, brokers));
    MILLRACE_TRY(directory, directories.next());
    records.push_back(partition_record(topic->id, have + i, brokers, directory));
  }
  return {};
}

void Controller::set_configs(const ConfigResource& resource, const Properties& current, const Properties& wanted,
                             MetadataRecords& records) {
  const auto add = [&](const std::string& name, std::optional<std::string> value) {
    protocol::ConfigRecord record;
    record.resource_type = static_cast<std::int8_t>(resource.type);
    record.resource_name = resource.name;
    record.name = name;
    record.value = std::move(value);
    records.emplace_back(std::move(record));
  };
  for (const auto& [name, value] : current) {
    if (!wanted.contains(name)) add(name, std::nullopt);
  }
  for (const auto& [name, value] : wanted) {
    const auto known = current.find(name);
    if (known == current.end() || known->second != value) add(name, value);
  }
}

void Controller::register_broker(const MetadataImage& image, const BrokerImage& broker, Bump leader_epochs,
                                 MetadataRecords& records) {
  for (const auto& feature : supported_features()) {
    if (image.features.contains(feature.name)) continue;
    protocol::FeatureLevelRecord level;
    level.name = feature.name;
    level.feature_level = feature.initial_level;
    records.emplace_back(std::move(level));
  }
  protocol::RegisterBrokerRecord record;
  record.broker_id = broker.id;
  record.incarnation_id = random_uuid(random_);
  record.broker_epoch = broker.epoch;
  record.fenced = false;
  record.log_dirs = broker.directories;
  if (!broker.rack.empty()) record.rack = broker.rack;
  for (const auto& endpoint : broker.endpoints) {
    auto& added = record.end_points.emplace_back();
    added.name = endpoint.listener;
    added.host = endpoint.host;
    added.port = endpoint.port;
  }
  records.emplace_back(std::move(record));
  if (leader_epochs == Bump::kNo) return;
  for (const auto& [name, topic] : image.topics) {
    for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
      if (topic->partitions[i].leader != broker.id) continue;
      protocol::PartitionChangeRecord change;
      change.partition_id = PartitionIndex{static_cast<std::int32_t>(i)};
      change.topic_id = topic->id;
      change.leader = broker.id;
      records.emplace_back(std::move(change));
    }
  }
}

void Controller::note_directory(const MetadataImage& image, BrokerId broker, const TopicPartition& name,
                                const TopicId& topic, const Uuid& directory, MetadataRecords& records) {
  const auto found = image.topic(topic);
  const auto index = static_cast<std::size_t>(name.partition.value());
  if (!found || index >= found->partitions.size()) return;
  const auto& partition = found->partitions[index];
  if (partition.directory_of(broker) == directory) return;
  protocol::PartitionChangeRecord change;
  change.partition_id = name.partition;
  change.topic_id = topic;
  change.directories = partition.directories;
  change.directories->resize(partition.replicas.size());
  for (std::size_t i = 0; i < partition.replicas.size(); ++i) {
    if (partition.replicas[i] == broker) (*change.directories)[i] = directory;
  }
  records.emplace_back(std::move(change));
}

}  // namespace millrace
