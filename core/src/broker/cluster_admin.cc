#include "broker/cluster_admin.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace millrace {
namespace {

/// As an operator writes it: without a slash at the end.
Path absolute_path(std::string_view path) {
  auto whole = std::filesystem::absolute(path).lexically_normal();
  if (!whole.has_filename() && whole.has_relative_path()) whole = whole.parent_path();
  return whole.string();
}

Result<const PartitionImage*> find_partition(const MetadataImage& image, const TopicRef& topic, PartitionIndex index) {
  MILLRACE_TRY(found, find_topic(image, topic));
  const auto at = static_cast<std::size_t>(index.value());
  if (index.value() < 0 || at >= found->partitions.size()) {
    return fail(ErrorCode::kUnknownTopicOrPartition,
                fmt::format("topic \"{}\" has no partition {}", found->name, index.value()));
  }
  // The image keeps the topic.
  return &found->partitions[at];
}

std::unexpected<Error> refuse_replicas(const TopicPartition& name, std::string_view why) {
  return fail(ErrorCode::kInvalidReplicaAssignment, fmt::format("cannot move {}: {}", name.to_string(), why));
}

bool keeps_replicas(const MetadataImage& image, BrokerId id) {
  return std::ranges::any_of(image.topics, [&](const auto& topic) {
    return std::ranges::any_of(topic.second->partitions, [&](const auto& partition) {
      return std::ranges::find(partition.replicas, id) != partition.replicas.end();
    });
  });
}

}  // namespace

ClusterAdmin::ClusterAdmin(std::shared_ptr<ClusterState> cluster, std::shared_ptr<const PartitionTable> partitions,
                           const LogFolders& folders, FileSystem& files, const Clock& clock, BrokerId self)
    : cluster_(std::move(cluster)),
      partitions_(std::move(partitions)),
      folders_(folders),
      files_(files),
      clock_(clock),
      self_(self) {}

std::vector<LogDirectory> ClusterAdmin::directories() const {
  std::vector<LogDirectory> directories;
  for (const auto& folder : folders_.folders()) {
    auto& shown = directories.emplace_back(absolute_path(folder.path), folder.id, folder.offline.has_value());
    if (shown.offline) continue;
    if (const auto space = files_.space(folder.path)) {
      shown.space = *space;
    } else {
      shown.offline = true;
    }
  }
  return directories;
}

Result<std::optional<EpochEnd>> ClusterAdmin::end_of_epoch(const TopicRef& topic, PartitionIndex partition,
                                                           LeaderEpoch current_leader_epoch, LeaderEpoch epoch) const {
  MILLRACE_TRY(found, partitions_->find(topic, partition));
  MILLRACE_CHECK(found->check_epoch(current_leader_epoch));
  MILLRACE_TRY(log, found->log());
  return log->end_of_epoch(epoch, found->epoch());
}

std::vector<Replica> ClusterAdmin::replicas() const {
  std::vector<Replica> replicas;
  const auto image = cluster_->image();
  for (const auto& partition : partitions_->all()) {
    auto& replica = replicas.emplace_back();
    replica.partition = partition->name();
    replica.topic_id = partition->topic_id();
    replica.offline = partition->is_offline();
    if (const auto known = find_partition(*image, {.name = {}, .id = replica.topic_id}, replica.partition.partition)) {
      replica.directory_id = (*known)->directory_of(self_);
    }
    const auto log = partition->log();
    if (!log) continue;
    replica.bytes = (*log)->size();
    replica.positions = (*log)->positions();
  }
  std::ranges::sort(replicas, {}, &Replica::partition);
  return replicas;
}

Result<void> ClusterAdmin::move_replica(std::string_view path, const TopicRef& topic, PartitionIndex partition) const {
  const auto all = folders_.folders();
  const auto to = std::ranges::find_if(all, [&](const auto& folder) {
    return folder.takes_partitions && path.starts_with('/') && absolute_path(folder.path) == absolute_path(path);
  });
  if (to == all.end()) {
    return fail(ErrorCode::kLogDirNotFound, fmt::format("this broker has no log directory {} for partitions", path));
  }
  if (to->offline) {
    return fail(ErrorCode::kStorageError, fmt::format("{} is offline: {}", path, to->offline->message()));
  }
  const auto image = cluster_->image();
  MILLRACE_TRY(found, find_partition(*image, topic, partition));
  if (found->directory_of(self_) == to->id) return {};
  return refuse_replicas({topic.name, partition}, "moving records to another log directory is not served yet");
}

bool ClusterAdmin::leads(const PartitionImage& partition, const TopicPartition& name) const {
  if (partition.leader != self_) return false;
  const auto found = partitions_->find({.name = name.topic}, name.partition);
  return found && !(*found)->is_offline();
}

Result<void> ClusterAdmin::elect(ElectionType type, const MetadataImage& image, const TopicPartition& name) const {
  MILLRACE_TRY(partition, find_partition(image, {.name = name.topic}, name.partition));
  const bool has_leader = leads(*partition, name);
  const bool is_preferred = !partition->replicas.empty() && partition->replicas.front() == partition->leader;
  if (has_leader && (type == ElectionType::kUnclean || is_preferred)) {
    return fail(ErrorCode::kElectionNotNeeded,
                fmt::format("broker {} leads {} already", self_.value(), name.to_string()));
  }
  if (type == ElectionType::kPreferred) {
    return fail(ErrorCode::kPreferredLeaderNotAvailable,
                fmt::format("the preferred leader of {} is not available", name.to_string()));
  }
  return fail(ErrorCode::kEligibleLeadersNotAvailable,
              fmt::format("{} has no replica that could lead it", name.to_string()));
}

Result<std::vector<Election>> ClusterAdmin::elect_leaders(
    ElectionType type, const std::optional<std::vector<TopicPartition>>& wanted) const {
  if (type != ElectionType::kPreferred && type != ElectionType::kUnclean) {
    return fail(ErrorCode::kInvalidRequest, fmt::format("{} is no type of election", static_cast<int>(type)));
  }
  const auto image = cluster_->image();
  std::vector<Election> elections;
  if (wanted) {
    for (const auto& name : *wanted) elections.push_back({.partition = name, .result = elect(type, *image, name)});
    return elections;
  }
  for (const auto& [topic, topic_image] : image->topics) {
    for (std::size_t i = 0; i < topic_image->partitions.size(); ++i) {
      TopicPartition name{topic, PartitionIndex{static_cast<std::int32_t>(i)}};
      auto result = elect(type, *image, name);
      if (!result && result.error().code() == ErrorCode::kElectionNotNeeded) continue;
      elections.push_back({.partition = std::move(name), .result = std::move(result)});
    }
  }
  return elections;
}

Result<void> ClusterAdmin::reassign(const TopicRef& topic, PartitionIndex index,
                                    const std::optional<std::vector<BrokerId>>& replicas) const {
  const auto image = cluster_->image();
  MILLRACE_TRY(partition, find_partition(*image, topic, index));
  const TopicPartition name{topic.name, index};
  if (!replicas) {
    return fail(ErrorCode::kNoReassignmentInProgress, fmt::format("{} is not being moved", name.to_string()));
  }
  if (replicas->empty()) return refuse_replicas(name, "no replicas are given");
  std::set<BrokerId> seen;
  for (const auto id : *replicas) {
    if (!seen.insert(id).second) return refuse_replicas(name, fmt::format("broker {} is named twice", id.value()));
    if (!image->brokers.contains(id)) {
      return refuse_replicas(name, fmt::format("there is no broker {} in this cluster", id.value()));
    }
  }
  if (*replicas != partition->replicas) {
    return refuse_replicas(name, "moving records to another broker is not served yet");
  }
  return {};
}

void ClusterAdmin::unregister_broker(BrokerId id, DoneVoid done) {
  cluster_->change(
      [&](const MetadataImage& latest) -> Result<MetadataRecords> {
        const auto known = latest.brokers.find(id);
        if (known == latest.brokers.end()) {
          return fail(ErrorCode::kBrokerIdNotRegistered, fmt::format("there is no broker {}", id.value()));
        }
        const auto refuse = [&](std::string_view why) {
          return fail(ErrorCode::kInvalidRequest, fmt::format("cannot forget broker {}: {}", id.value(), why));
        };
        if (id == self_) return refuse("it is this one, and it runs");
        if (keeps_replicas(latest, id)) return refuse("partitions have their replicas there");
        protocol::UnregisterBrokerRecord record;
        record.broker_id = id;
        record.broker_epoch = known->second.epoch;
        return MetadataRecords{record};
      },
      std::move(done));
}

void ClusterAdmin::update_features(const std::vector<FeatureChange>& changes, ValidateOnly validate_only,
                                   DoneVoid done) {
  cluster_->change(
      [&](const MetadataImage& latest) -> Result<MetadataRecords> {
        if (changes.empty()) return fail(ErrorCode::kInvalidRequest, "no features are named that should change");
        std::set<std::string_view> names;
        MetadataRecords all;
        for (const auto& change : changes) {
          if (!names.insert(change.name).second) {
            return fail(ErrorCode::kInvalidRequest, fmt::format("feature \"{}\" is named twice", change.name));
          }
          MILLRACE_TRY(records, change_feature(latest, change));
          std::ranges::move(records, std::back_inserter(all));
        }
        if (validate_only == ValidateOnly::kYes) all.clear();
        return all;
      },
      std::move(done));
}

void ClusterAdmin::alter_quotas(const std::vector<AlterQuotas>& calls, ValidateOnly validate_only,
                                std::move_only_function<void(std::vector<Result<void>>)> done) {
  const auto answers = std::make_shared<std::vector<Result<void>>>();
  const auto plan = [&](const MetadataImage& latest) -> Result<MetadataRecords> {
    MetadataRecords all;
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const bool is_again = std::any_of(calls.begin(), calls.begin() + static_cast<std::ptrdiff_t>(i),
                                        [&](const auto& earlier) { return earlier.owner == calls[i].owner; });
      Result<MetadataRecords> records = fail(ErrorCode::kInvalidRequest, "one request changes the same quotas twice");
      if (!is_again) records = change_quotas(latest, calls[i]);
      answers->push_back(records ? Result<void>{} : std::unexpected(records.error()));
      if (records) std::ranges::move(*records, std::back_inserter(all));
    }
    if (validate_only == ValidateOnly::kYes) all.clear();
    return all;
  };
  cluster_->change(plan, [answers, count = calls.size(), done = std::move(done)](const Result<void>& result) mutable {
    answers->resize(count);
    for (auto& answer : *answers) {
      // What failed by itself keeps its own reason.
      if (!result && answer) answer = result;
    }
    done(std::move(*answers));
  });
}

Result<std::vector<OwnedQuotas>> ClusterAdmin::quotas(const QuotaFilter& filter) const {
  return find_quotas(*cluster_->image(), filter);
}

MetadataQuorum ClusterAdmin::quorum() const {
  const auto& store = cluster_->store();
  const auto positions = store.log()->positions();
  return {.leader = cluster_->image()->controller,
          .epoch = store.epoch(),
          .directory = folders_.metadata().directory_id(),
          .high_watermark = positions.high_watermark,
          .log_end = positions.log_end,
          .now = clock_.wall()};
}

}  // namespace millrace
