#include "broker/cluster_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace millrace {
namespace {

constexpr std::string_view kMetadataTopic = "__cluster_metadata";

TopicPartition partition_name(const TopicImage& topic, std::size_t index) {
  return {topic.name, PartitionIndex{static_cast<std::int32_t>(index)}};
}

std::string and_others(const std::string& first, std::size_t others) {
  if (others == 0) return first;
  return fmt::format("{} (and {} other{})", first, others, others == 1 ? "" : "s");
}

}  // namespace

ClusterState::ClusterState(std::unique_ptr<MetadataStore> store, LogFolders& logs,
                           std::shared_ptr<PartitionTable> partitions, const BrokerConfig& config, Executor& executor,
                           Logger& logger, std::function<void()> appended)
    : store_(std::move(store)),
      logs_(logs),
      partitions_(std::move(partitions)),
      config_(config),
      executor_(executor),
      logger_(logger),
      appended_(std::move(appended)) {}

Result<void> ClusterState::start(const MetadataStore::Plan& registration) {
  // Nobody was told of it yet, so it need not be durable to be shown.
  if (const auto end = store_->commit(registration); !end) return std::unexpected(end.error());
  const auto image = store_->latest();
  drop_leftovers(*image);
  for (const auto& [name, topic] : image->topics) add_partitions(*image, *topic, 0, PartitionAge::kKnown);
  tell_missing();
  publish(image);
  appended_();
  return {};
}

void ClusterState::drop_leftovers(const MetadataImage& image) {
  for (const auto& found : logs_.partitions()) {
    if (found.name.topic == kMetadataTopic) continue;
    const auto topic = image.topic(found.name.topic);
    const auto index = static_cast<std::size_t>(found.name.partition.value());
    if (topic && index < topic->partitions.size() && (found.topic_id == topic->id || found.topic_id.is_nil())) continue;
    if (!store_->was_removed(found.topic_id)) {
      if (!left_alone_.emplace(found.folder, found.name).second) continue;
      logger_.warn("{}/{} belongs to no topic of this cluster; it is left alone", found.folder, found.name.to_string());
      continue;
    }
    if (const auto removed = logs_.remove(found.name, found.topic_id); !removed) {
      logger_.warn("cannot remove what is left of {}: {}", found.name.to_string(), removed.error().message());
    }
  }
}

void ClusterState::change(const MetadataStore::Plan& plan, DoneVoid done) {
  const auto end = store_->commit(plan);
  if (!end) {
    note_failure();
    return done(std::unexpected(end.error()));
  }
  if (auto refused = wait_for(*end, std::move(done))) return refused(fail(ErrorCode::kClosed, "the broker is closed"));
  appended_();
  store_->when_durable(*end, [weak = weak_from_this()](const Result<void>& durable) {
    const auto self = weak.lock();
    if (!self) return;
    if (!durable) {
      self->note_failure();
      return self->fail_waiting(durable.error());
    }
    self->executor_.post([weak] {
      if (const auto state = weak.lock()) state->catch_up();
    });
  });
}

DoneVoid ClusterState::wait_for(Offset end, DoneVoid done) {
  const std::lock_guard lock{mutex_};
  if (closed_) return done;
  waiting_.emplace(end, std::move(done));
  return {};
}

void ClusterState::note_failure() {
  const auto failure = store_->log()->failure();
  if (!failure || failure_is_told_.exchange(true)) return;
  logger_.error(
      "no topic, setting or producer id can be made or changed until the broker is started again, because its "
      "metadata log failed; what there is stays in use. {}",
      failure->message());
}

void ClusterState::mend(FolderIsBack back) {
  {
    const std::lock_guard lock{mutex_};
    mend_ = true;
    if (back == FolderIsBack::kYes) drop_leftovers_ = true;
  }
  executor_.post([weak = weak_from_this()] {
    if (const auto state = weak.lock()) state->catch_up();
  });
}

void ClusterState::catch_up() {
  std::shared_ptr<const MetadataImage> before;
  {
    const std::lock_guard lock{mutex_};
    look_again_ = true;
    if (applying_) return;
    applying_ = true;
    before = applied_;
  }
  for (;;) {
    bool mend = false;
    bool drop = false;
    {
      const std::lock_guard lock{mutex_};
      if (!std::exchange(look_again_, false) || closed_) {
        applying_ = false;
        return;
      }
      mend = std::exchange(mend_, false);
      drop = std::exchange(drop_leftovers_, false);
    }
    // Before partitions of the same names are looked for.
    if (drop) drop_leftovers(*before);
    if (mend) mend_partitions(*before);
    const auto after = store_->durable();
    if (after != before && after->last_offset > before->last_offset) {
      apply_difference(*before, *after);
      tell_missing();
      publish(after);
      before = after;
      bound_log();
    }
    std::vector<DoneVoid> done;
    {
      const std::lock_guard lock{mutex_};
      while (!waiting_.empty() && waiting_.begin()->first <= before->last_offset + 1) {
        done.push_back(std::move(waiting_.extract(waiting_.begin()).mapped()));
      }
    }
    for (auto& tell : done) tell({});
  }
}

void ClusterState::bound_log() {
  const auto most = static_cast<std::uint64_t>(config_.get_long("metadata.log.max.record.bytes.between.snapshots"));
  if (store_->log_bytes() < most) return;
  const auto needed_from = store_->snapshot();
  const auto cut = needed_from ? logs_.metadata().delete_records(store_->log()->name(), *needed_from) : needed_from;
  if (!cut) logger_.warn("cannot write a snapshot of the metadata: {}", cut.error().message());
}

void ClusterState::apply_difference(const MetadataImage& before, const MetadataImage& after) {
  for (const auto& [id, topic] : before.topics_by_id) {
    if (!after.topics_by_id.contains(id)) remove_topic(*topic);
  }
  const bool all = before.broker_configs != after.broker_configs;
  for (const auto& [id, topic] : after.topics_by_id) {
    const auto known = before.topic(id);
    if (!known) {
      add_partitions(after, *topic, 0, PartitionAge::kNew);
    } else if (known != topic || all) {
      add_partitions(after, *topic, known->partitions.size(), PartitionAge::kNew);
      if (all || known->configs != topic->configs) configure(after, *topic);
    }
  }
}

void ClusterState::add_partitions(const MetadataImage& image, const TopicImage& topic, std::size_t first,
                                  PartitionAge age) {
  const TopicSettings settings{topic.configs, effective_broker_configs(image, config_)};
  for (auto i = first; i < topic.partitions.size(); ++i) {
    partitions_->add(make_partition(topic, i, settings, age));
  }
}

std::shared_ptr<Partition> ClusterState::make_partition(const TopicImage& topic, std::size_t index,
                                                        const TopicSettings& settings, PartitionAge age) {
  const auto config = settings.log_config();
  const auto name = partition_name(topic, index);
  const auto partition =
      Partition::make(name, topic.id, topic.partitions[index].leader_epoch, make_log(name, topic, config, age));
  partition->configure(config, settings.min_insync_replicas());
  return partition;
}

Result<std::shared_ptr<PartitionLog>> ClusterState::make_log(const TopicPartition& name, const TopicImage& topic,
                                                             const LogConfig& config, PartitionAge age) {
  auto log = logs_.find(name, topic.id);
  if (log || log.error().code() != ErrorCode::kUnknownTopicOrPartition) return log;
  const auto index = static_cast<std::size_t>(name.partition.value());
  const auto directory = topic.partitions[index].directory_of(config_.broker_id());
  log = logs_.create(name, topic.id, config, directory, age);
  if (log) return log;
  if (!missing_.emplace(topic.id, index).second) return log;
  const auto [told, is_first] = untold_.try_emplace(directory, name.to_string(), log.error().message());
  if (!is_first) ++told->second.others;
  return log;
}

void ClusterState::tell_missing() {
  for (const auto& [directory, missing] : std::exchange(untold_, {})) {
    logger_.error("{} is offline: {}", and_others(missing.first, missing.others), missing.reason);
  }
}

void ClusterState::mend_partitions(const MetadataImage& image) {
  if (missing_.empty()) return;
  drop_leftovers(image);
  const auto broker_configs = effective_broker_configs(image, config_);
  std::string first;
  std::size_t others = 0;
  for (const auto& [id, index] : std::set{missing_}) {
    const auto topic = image.topic(id);
    if (!topic) {
      missing_.erase({id, index});
      continue;
    }
    const auto partition =
        make_partition(*topic, index, TopicSettings{topic->configs, broker_configs}, PartitionAge::kKnown);
    const auto& name = partition->name();
    const auto found = logs_.find(name, id);
    if (!found && found.error().code() == ErrorCode::kUnknownTopicOrPartition) continue;
    missing_.erase({id, index});
    const auto before = partitions_->find({.name = name.topic}, name.partition);
    partitions_->replace(partition);
    if (before) (*before)->retire();
    if (!found) continue;
    if (first.empty()) {
      first = name.to_string();
    } else {
      ++others;
    }
  }
  if (first.empty()) return;
  logger_.warn("{} can be used again", and_others(first, others));
}

void ClusterState::remove_topic(const TopicImage& topic) {
  for (const auto& partition : partitions_->remove(topic.name)) {
    partition->retire();
    if (const auto removed = logs_.remove(partition->name(), topic.id); !removed) {
      logger_.error("{} is deleted, but its files are not: {}", partition->name().to_string(),
                    removed.error().message());
    }
  }
}

void ClusterState::configure(const MetadataImage& image, const TopicImage& topic) {
  const TopicSettings settings{topic.configs, effective_broker_configs(image, config_)};
  for (const auto& partition : partitions_->of_topic(topic.name)) {
    partition->configure(settings.log_config(), settings.min_insync_replicas());
  }
}

Properties ClusterState::effective_broker_configs(const MetadataImage& image, const BrokerConfig& config) {
  auto effective = config.properties();
  for (const auto& name : {std::string{}, std::to_string(config.broker_id().value())}) {
    const auto found = image.broker_configs.find(name);
    if (found == image.broker_configs.end()) continue;
    for (const auto& [key, value] : found->second) effective.insert_or_assign(key, value);
  }
  return effective;
}

void ClusterState::publish(std::shared_ptr<const MetadataImage> image) {
  const std::lock_guard lock{mutex_};
  applied_ = std::move(image);
  show_endpoints();
}

std::shared_ptr<const MetadataImage> ClusterState::image() const {
  const std::lock_guard lock{mutex_};
  return shown_;
}

void ClusterState::advertise(Endpoint endpoint) {
  const std::lock_guard lock{mutex_};
  std::erase_if(endpoints_, [&](const auto& known) { return known.listener == endpoint.listener; });
  endpoints_.push_back(std::move(endpoint));
  show_endpoints();
}

void ClusterState::withdraw(std::string_view listener) {
  const std::lock_guard lock{mutex_};
  std::erase_if(endpoints_, [&](const auto& known) { return known.listener == listener; });
  show_endpoints();
}

void ClusterState::show_endpoints() {
  auto shown = std::make_shared<MetadataImage>(*applied_);
  const auto self = shown->brokers.find(config_.broker_id());
  if (self != shown->brokers.end()) self->second.endpoints = endpoints_;
  shown_ = std::move(shown);
}

void ClusterState::fail_waiting(const Error& error) {
  std::multimap<Offset, DoneVoid> waiting;
  {
    const std::lock_guard lock{mutex_};
    waiting.swap(waiting_);
  }
  for (auto& [end, done] : waiting) done(std::unexpected(error));
}

void ClusterState::close() {
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
  }
  fail_waiting({ErrorCode::kClosed, "the broker is closed"});
}

}  // namespace millrace
