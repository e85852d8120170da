#include "broker/broker_core.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "base/buffers.h"
#include "base/deadline_queue.h"
#include "broker/cluster_admin.h"
#include "broker/cluster_state.h"
#include "broker/config_view.h"
#include "broker/coordinator_topic.h"
#include "broker/fetch_path.h"
#include "broker/fetch_sessions.h"
#include "broker/metadata_log.h"
#include "broker/partition_table.h"
#include "broker/produce_path.h"
#include "broker/producer_ids.h"
#include "broker/transaction_path.h"
#include "log/log_folders.h"
#include "metadata/controller.h"
#include "metadata/metadata_delta.h"
#include "metadata/metadata_store.h"

namespace millrace {
namespace {

// A request that makes more than that gets no further: what it makes is held in memory until it is written.
constexpr std::size_t kMostRecordsOfAChange = 10'000;

// Checkpoints and leftovers want a look more often than retention.
constexpr std::chrono::milliseconds kLongestTick{10'000};

Error closed() { return {ErrorCode::kClosed, "the broker is closed"}; }

LogCleaner::Options cleaner_options(const BrokerConfig& config) {
  LogCleaner::Options options;
  options.enabled = config.get_bool("log.cleaner.enable");
  options.cleaning.map_bytes = static_cast<std::size_t>(config.get_long("log.cleaner.dedupe.buffer.size"));
  options.cleaning.map_load_factor =
      broker_config_table().get_double(config.properties(), "log.cleaner.io.buffer.load.factor");
  options.max_bytes_per_second =
      broker_config_table().get_double(config.properties(), "log.cleaner.io.max.bytes.per.second");
  options.backoff = std::chrono::milliseconds{config.get_long("log.cleaner.backoff.ms")};
  return options;
}

/// The broker of one machine.
class LocalBroker final : public BrokerCore, public std::enable_shared_from_this<LocalBroker> {
 public:
  LocalBroker(BrokerEnvironment environment, BrokerConfig config)
      : environment_(environment),
        config_(std::move(config)),
        partitions_(std::make_shared<PartitionTable>()),
        deadlines_(std::make_shared<DeadlineQueue>(environment.executor, environment.clock)),
        fetches_(std::make_shared<FetchPath>(partitions_, deadlines_, environment.executor, environment.clock)),
        fetch_sessions_(
            {.slots = static_cast<std::size_t>(config_.get_long("max.incremental.fetch.session.cache.slots"))},
            environment.clock, environment.seed),
        transaction_path_(std::make_shared<TransactionPath>(partitions_, environment.clock)),
        produces_(*partitions_, *transaction_path_, *deadlines_, environment.clock, buffers_, [this] { flush_soon(); }),
        random_(environment.seed) {}

  ~LocalBroker() override {
    // Who closed it was told how that went.
    if (close_result_) return;
    if (const auto result = close(Duration::max()); !result) {
      environment_.logger.error("the broker did not close cleanly: {}", result.error().message());
    }
  }

  Result<void> start(std::string_view directory);

  Result<void> close(Duration timeout) override;

  void produce(ProduceCall call, ProduceDone done) override {
    if (closed_) return done(ProduceAnswer(call.partitions.size(), std::unexpected(closed())));
    produces_.produce(std::move(call), std::move(done));
  }

  FetchId fetch(FetchCall call, FetchDone done) override {
    if (closed_) {
      done(FetchAnswer(call.partitions.size(), std::unexpected(closed())));
      return FetchId{};
    }
    return fetches_->fetch(std::move(call), std::move(done));
  }

  FetchSessions& fetch_sessions() override { return fetch_sessions_; }
  void end_wait(FetchId fetch) override { fetches_->end_wait(fetch); }
  void end_all_waits() override {
    fetches_->end_all_waits();
    groups_->end_waits();
    transactions_->end_waits();
  }

  Result<OffsetAnswer> list_offset(const TopicRef& topic, PartitionIndex partition, OffsetQuery query,
                                   Isolation isolation, LeaderEpoch current_leader_epoch) override;
  Result<Offset> delete_records(const TopicRef& topic, PartitionIndex partition, Offset before) override;
  Result<std::uint64_t> partition_size(const TopicRef& topic, PartitionIndex partition) override;

  std::shared_ptr<const MetadataImage> metadata() const override { return cluster_->image(); }
  BrokerId id() const override { return config_.broker_id(); }
  const BrokerConfig& config() const override { return config_; }
  bool is_offline(const TopicRef& topic, PartitionIndex partition) const override {
    const auto found = partitions_->find(topic, partition);
    return found && (*found)->is_offline();
  }
  void advertise(Endpoint endpoint) override { cluster_->advertise(std::move(endpoint)); }
  void withdraw(std::string_view listener) override { cluster_->withdraw(listener); }

  void ensure_topics(std::vector<std::string> names, std::move_only_function<void()> done) override;
  void create_topics(std::vector<CreateTopic> topics, ValidateOnly validate_only, CreateTopicsDone done) override;
  void delete_topics(std::vector<TopicRef> topics, DeleteTopicsDone done) override;
  void create_partitions(std::vector<CreatePartitions> calls, ValidateOnly validate_only,
                         CreatePartitionsDone done) override;

  Result<std::vector<ConfigEntry>> describe_configs(const ConfigResource& resource,
                                                    std::span<const std::string> keys) override {
    return millrace::describe_configs(*metadata(), config_, resource, keys);
  }
  void alter_configs(ConfigResource resource, std::vector<ConfigChange> changes, AlterMode mode,
                     ValidateOnly validate_only, DoneVoid done) override;

  ClusterAdmin& admin() override { return *admin_; }
  DurationHistogram::Snapshot flush_times() const override { return logs_->flush_times(); }
  GroupCoordinator& groups() override { return *groups_; }

  TransactionCoordinator& transactions() override { return *transactions_; }
  void commit_offsets_in_transaction(const std::string& transactional_id, CommitOffsets call,
                                     TransactionSupport support, ErrorCodesDone done) override {
    transaction_path_->commit_offsets(transactional_id, std::move(call), support, std::move(done));
  }
  void write_marker(const TopicPartition& partition, const TransactionMarker& marker, std::int16_t transaction_version,
                    DoneVoid done) override {
    if (closed_) return done(std::unexpected(closed()));
    transaction_path_->write_marker(partition, marker, transaction_version, std::move(done));
  }
  Result<std::vector<ActiveProducer>> active_producers(const TopicRef& topic, PartitionIndex partition) override {
    MILLRACE_TRY(at, target(topic, partition));
    return at.log->active_producers();
  }

  void init_producer_id(InitProducerIdDone done) override {
    if (closed_) return done(std::unexpected(closed()));
    producer_ids_->next(std::move(done));
  }

 private:
  template <class Answer, class Item>
  using PlanItem = std::function<Result<Answer>(const MetadataImage&, const Item&, MetadataRecords&)>;

  /// Plans each item against the image with those before it, commits what they give as one change, and answers each.
  template <class Answer, class Item>
  void change_each(std::vector<Item> items, ValidateOnly validate_only, PlanItem<Answer, Item> plan,
                   std::move_only_function<void(std::vector<Result<Answer>>)> done);

  struct Target {
    std::shared_ptr<Partition> partition;
    std::shared_ptr<PartitionLog> log;
  };
  [[nodiscard]] Result<Target> target(const TopicRef& topic, PartitionIndex partition,
                                      LeaderEpoch epoch = kNoLeaderEpoch) const;
  void make_group_coordinator();
  void make_transaction_coordinator();
  /// How a coordinator reaches its topic, which it makes when there is none.
  [[nodiscard]] std::shared_ptr<CoordinatorLog> coordinator_log(CreateTopic topic);
  void flush_soon();
  void schedule_tick();
  void tick();
  void schedule_cleaning(Duration wait);

  BrokerEnvironment environment_;
  const BrokerConfig config_;
  BufferPool buffers_;
  std::unique_ptr<LogFolders> logs_;
  const std::shared_ptr<PartitionTable> partitions_;
  const std::shared_ptr<DeadlineQueue> deadlines_;
  const std::shared_ptr<FetchPath> fetches_;
  FetchSessions fetch_sessions_;
  const std::shared_ptr<TransactionPath> transaction_path_;
  ProducePath produces_;
  std::shared_ptr<ClusterState> cluster_;
  std::unique_ptr<ClusterAdmin> admin_;
  std::shared_ptr<ProducerIds> producer_ids_;
  std::shared_ptr<GroupCoordinator> groups_;
  std::shared_ptr<TransactionCoordinator> transactions_;

  std::mutex controller_mutex_;
  std::optional<Controller> controller_;
  Random random_;

  std::atomic<bool> closed_ = false;
  std::atomic<bool> flush_is_due_ = false;
  std::mutex close_mutex_;
  std::optional<Result<void>> close_result_;
};

Result<void> LocalBroker::start(std::string_view directory) {
  LogManager::Options options;
  options.node_id = config_.broker_id();
  options.initial_config = TopicSettings{{}, config_.properties()}.log_config();
  options.cleaner = cleaner_options(config_);
  options.flush_threads = environment_.flush_threads;
  if (environment_.flush_threads == 0) options.recovery_threads = 1;
  LogFolders::Places places{.metadata = Path{directory}, .data = config_.data_folders()};
  if (places.data.empty()) places.data = {places.metadata};
  MILLRACE_TRY(
      logs, LogFolders::open(environment_.files, places, options, buffers_, environment_.clock, environment_.logger));
  logs_ = std::move(logs);

  MILLRACE_TRY(metadata_log, open_metadata_log(*logs_));
  std::set<std::string> told;
  for (const auto& found : logs_->partitions()) {
    // One that lies in two folders is met twice.
    if (found.log || !told.insert(found.log.error().message()).second) continue;
    environment_.logger.error("{}", found.log.error().message());
  }
  MILLRACE_TRY(
      store, MetadataStore::open(environment_.files, metadata_log, logs_->cluster_id(), buffers_, environment_.clock));

  controller_.emplace(Controller::Defaults{.partitions = static_cast<std::int32_t>(config_.get_long("num.partitions")),
                                           .replication_factor = static_cast<std::int16_t>(
                                               config_.get_long("default.replication.factor"))},
                      Random{random_()});
  cluster_ = std::make_shared<ClusterState>(std::move(store), *logs_, partitions_, config_, environment_.executor,
                                            environment_.logger, [this] { flush_soon(); });
  admin_ = std::make_unique<ClusterAdmin>(cluster_, partitions_, *logs_, environment_.files, environment_.clock,
                                          config_.broker_id());
  producer_ids_ = std::make_shared<ProducerIds>(cluster_, config_.broker_id());

  const auto bump = logs_->was_clean() ? Controller::Bump::kNo : Controller::Bump::kYes;
  MILLRACE_CHECK(cluster_->start([&](const MetadataImage& latest) -> Result<MetadataRecords> {
    MetadataRecords records;
    BrokerImage self;
    self.id = config_.broker_id();
    self.rack = config_.get_string("broker.rack");
    self.directories = logs_->online();
    const auto known = latest.brokers.find(self.id);
    self.epoch = known == latest.brokers.end() ? 0 : known->second.epoch + 1;
    controller_->register_broker(latest, self, bump, records);
    for (const auto& found : logs_->partitions()) {
      Controller::note_directory(latest, self.id, found.name, found.topic_id, found.directory_id, records);
    }
    return records;
  }));
  if (!config_.without_effect().empty()) {
    environment_.logger.info("these keys of the configuration have no effect here: {}",
                             fmt::join(config_.without_effect(), ", "));
  }
  make_group_coordinator();
  make_transaction_coordinator();
  // Whoever takes up ended transactions writes to both.
  transaction_path_->connect(groups_, transactions_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->flush_soon();
  });
  groups_->start();
  transactions_->start();
  schedule_tick();
  schedule_cleaning(std::chrono::milliseconds{config_.get_long("log.cleaner.backoff.ms")});
  return {};
}

std::shared_ptr<CoordinatorLog> LocalBroker::coordinator_log(CreateTopic topic) {
  auto create = [weak = weak_from_this()](CreateTopic wanted, CreateTopicsDone done) {
    if (const auto self = weak.lock()) self->create_topics({std::move(wanted)}, ValidateOnly::kNo, std::move(done));
  };
  auto appended = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->flush_soon();
  };
  auto metadata = [cluster = cluster_] { return cluster->image(); };
  return std::make_shared<CoordinatorTopic>(std::move(topic), partitions_, std::move(metadata), std::move(create),
                                            std::move(appended));
}

void LocalBroker::make_transaction_coordinator() {
  const auto time_of = [&](std::string_view key) { return std::chrono::milliseconds{config_.get_long(key)}; };
  CreateTopic topic{.name = std::string{kTransactionStateTopic},
                    .partitions = static_cast<std::int32_t>(config_.get_long("transaction.state.log.num.partitions"))};
  topic.configs = {{"cleanup.policy", "compact"},
                   {"compression.type", "uncompressed"},
                   {"segment.bytes", std::to_string(config_.get_long("transaction.state.log.segment.bytes"))}};
  auto next_producer_id = [ids = producer_ids_](TransactionContext::IdDone done) {
    ids->next([done = std::move(done)](Result<ProducerIdentity> fresh) mutable {
      if (!fresh) return done(std::unexpected(fresh.error()));
      done(fresh->id);
    });
  };
  const std::shared_ptr<TransactionContext> context{
      new TransactionContext{{.log = coordinator_log(std::move(topic)),
                              .deadlines = deadlines_,
                              .executor = environment_.executor,
                              .clock = environment_.clock,
                              .logger = environment_.logger},
                             transaction_path_,
                             std::move(next_producer_id),
                             TransactionConfig{.max_timeout = time_of("transaction.max.timeout.ms"),
                                               .expiration = time_of("transactional.id.expiration.ms")}}};
  transactions_ = std::make_shared<TransactionCoordinator>(
      context, time_of("transaction.remove.expired.transaction.cleanup.interval.ms"));
}

void LocalBroker::make_group_coordinator() {
  const auto time_of = [&](std::string_view key) { return std::chrono::milliseconds{config_.get_long(key)}; };
  CreateTopic topic{.name = std::string{kConsumerOffsetsTopic},
                    .partitions = static_cast<std::int32_t>(config_.get_long("offsets.topic.num.partitions"))};
  topic.configs = {{"cleanup.policy", "compact"},
                   {"compression.type", "producer"},
                   {"segment.bytes", std::to_string(config_.get_long("offsets.topic.segment.bytes"))}};
  auto metadata = [cluster = cluster_] { return cluster->image(); };
  const std::shared_ptr<GroupContext> context{new GroupContext{
      {.log = coordinator_log(std::move(topic)),
       .deadlines = deadlines_,
       .executor = environment_.executor,
       .clock = environment_.clock,
       .logger = environment_.logger},
      GroupConfig{.min_session_timeout = time_of("group.min.session.timeout.ms"),
                  .max_session_timeout = time_of("group.max.session.timeout.ms"),
                  .initial_rebalance_delay = time_of("group.initial.rebalance.delay.ms"),
                  .max_size = static_cast<std::size_t>(config_.get_long("group.max.size"))},
      config_.consumer_groups(),
      OffsetsConfig{.max_metadata_bytes = static_cast<std::size_t>(config_.get_long("offset.metadata.max.bytes")),
                    .retention = std::chrono::minutes{config_.get_long("offsets.retention.minutes")}}}};
  groups_ =
      std::make_shared<GroupCoordinator>(context, metadata, time_of("offsets.retention.check.interval.ms"), random_());
}

Result<void> LocalBroker::close(Duration) {
  const std::lock_guard lock{close_mutex_};
  if (close_result_) return *close_result_;
  closed_ = true;
  if (cluster_) cluster_->close();
  fetches_->close();
  for (const auto& partition : partitions_->all()) partition->retire();
  // Whatever still waits for a disk is answered by its log.
  close_result_ = logs_ ? logs_->close() : Result<void>{};
  if (transactions_) transactions_->close();
  if (groups_) groups_->close();
  deadlines_->close();
  return *close_result_;
}

// --- records ---------------------------------------------------------------------------------------------------------

Result<LocalBroker::Target> LocalBroker::target(const TopicRef& topic, PartitionIndex partition,
                                                LeaderEpoch epoch) const {
  if (closed_) return std::unexpected(closed());
  MILLRACE_TRY(found, partitions_->find(topic, partition));
  MILLRACE_CHECK(found->check_epoch(epoch));
  MILLRACE_TRY(log, found->log());
  return Target{.partition = std::move(found), .log = std::move(log)};
}

Result<OffsetAnswer> LocalBroker::list_offset(const TopicRef& topic, PartitionIndex partition, OffsetQuery query,
                                              Isolation isolation, LeaderEpoch current_leader_epoch) {
  MILLRACE_TRY(at, target(topic, partition, current_leader_epoch));
  const auto positions = at.log->positions();
  const auto end = isolation == Isolation::kLogEnd      ? positions.log_end
                   : isolation == Isolation::kCommitted ? positions.last_stable
                                                        : positions.high_watermark;
  const auto epoch_at = [&](Offset offset) {
    const auto epoch = at.log->epoch_of(offset);
    return epoch == kNoLeaderEpoch ? at.partition->epoch() : epoch;
  };
  Result<std::optional<OffsetAndTimestamp>> found = std::nullopt;
  switch (query.kind) {
    case OffsetKind::kEarliest:
      return OffsetAnswer{.offset = positions.log_start, .leader_epoch = epoch_at(positions.log_start)};
    case OffsetKind::kLatest:
      return OffsetAnswer{.offset = end, .leader_epoch = at.partition->epoch()};
    case OffsetKind::kMaxTimestamp:
      found = at.log->max_timestamp();
      break;
    case OffsetKind::kByTime:
      found = at.log->offset_for_time(query.time, isolation);
      break;
  }
  if (!found) return std::unexpected(at.partition->told(std::move(found).error()));
  if (!*found) return OffsetAnswer{};
  return OffsetAnswer{.offset = (*found)->offset, .timestamp = (*found)->timestamp, .leader_epoch = (*found)->epoch};
}

Result<Offset> LocalBroker::delete_records(const TopicRef& topic, PartitionIndex partition, Offset before) {
  MILLRACE_TRY(at, target(topic, partition));
  if (!at.log->config().cleanup_delete) {
    return fail(ErrorCode::kPolicyViolation,
                fmt::format("cannot delete records of {}: its cleanup.policy has no \"delete\"",
                            at.partition->name().to_string()));
  }
  auto start = logs_->delete_records(at.partition->name(), at.partition->topic_id(), before);
  if (!start) return std::unexpected(at.partition->told(std::move(start).error()));
  return start;
}

Result<std::uint64_t> LocalBroker::partition_size(const TopicRef& topic, PartitionIndex partition) {
  MILLRACE_TRY(at, target(topic, partition));
  return at.log->size();
}

// --- metadata --------------------------------------------------------------------------------------------------------

template <class Answer, class Item>
void LocalBroker::change_each(std::vector<Item> items, ValidateOnly validate_only, PlanItem<Answer, Item> plan,
                              std::move_only_function<void(std::vector<Result<Answer>>)> done) {
  using Answers = std::vector<Result<Answer>>;
  if (closed_) return done(Answers(items.size(), std::unexpected(closed())));
  const auto answers = std::make_shared<Answers>();
  const auto plan_all = [&](const MetadataImage& latest) -> Result<MetadataRecords> {
    MetadataRecords all;
    auto image = std::make_shared<const MetadataImage>(latest);
    const std::lock_guard lock{controller_mutex_};
    controller_->use_directories(logs_->usable());
    for (const auto& item : items) {
      MetadataRecords records;
      auto answer = all.size() < kMostRecordsOfAChange
                        ? plan(*image, item, records)
                        : fail(ErrorCode::kPolicyViolation, "one request changes too much: ask for less at a time");
      if (answer) {
        MILLRACE_TRY(next, apply_records(*image, records, image->last_offset));
        image = std::move(next);
        std::move(records.begin(), records.end(), std::back_inserter(all));
      }
      answers->push_back(std::move(answer));
    }
    if (validate_only == ValidateOnly::kYes) all.clear();
    return all;
  };
  cluster_->change(plan_all, [answers, done = std::move(done), count = items.size()](Result<void> result) mutable {
    if (!result) {
      // What failed by itself keeps its own reason.
      answers->resize(count, std::unexpected(result.error()));
      for (auto& answer : *answers) {
        if (answer) answer = std::unexpected(result.error());
      }
    }
    done(std::move(*answers));
  });
}

void LocalBroker::create_topics(std::vector<CreateTopic> topics, ValidateOnly validate_only, CreateTopicsDone done) {
  std::map<std::string, int> count;
  for (const auto& topic : topics) ++count[topic.name];
  change_each<CreatedTopic, CreateTopic>(
      std::move(topics), validate_only,
      [this, count = std::move(count)](const MetadataImage& image, const CreateTopic& topic,
                                       MetadataRecords& records) -> Result<CreatedTopic> {
        if (count.at(topic.name) > 1) {
          return fail(ErrorCode::kInvalidRequest,
                      fmt::format("topic \"{}\" is named twice in one request", topic.name));
        }
        auto checked = check_topic_configs(topic.configs);
        if (!checked) return std::unexpected(std::move(checked).error().in(fmt::format("\"{}\"", topic.name)));
        return controller_->create_topic(image, topic, records);
      },
      std::move(done));
}

void LocalBroker::ensure_topics(std::vector<std::string> names, std::move_only_function<void()> done) {
  const auto image = metadata();
  std::vector<CreateTopic> missing;
  for (auto& name : names) {
    // Names with two underscores are the broker's own.
    if (!image->topic(name) && !name.starts_with("__")) missing.push_back({.name = std::move(name)});
  }
  if (missing.empty() || !config_.get_bool("auto.create.topics.enable")) return done();
  create_topics(std::move(missing), ValidateOnly::kNo,
                [done = std::move(done)](const std::vector<Result<CreatedTopic>>&) mutable { done(); });
}

void LocalBroker::delete_topics(std::vector<TopicRef> topics, DeleteTopicsDone done) {
  change_each<DeletedTopic, TopicRef>(
      std::move(topics), ValidateOnly::kNo,
      [this](const MetadataImage& image, const TopicRef& topic, MetadataRecords& records) -> Result<DeletedTopic> {
        if (!config_.get_bool("delete.topic.enable")) {
          return fail(ErrorCode::kTopicDeletionDisabled, "delete.topic.enable is false");
        }
        return controller_->delete_topic(image, topic, records);
      },
      [weak = weak_from_this(), done = std::move(done)](std::vector<Result<DeletedTopic>> deleted) mutable {
        std::set<std::string> names;
        for (const auto& topic : deleted) {
          if (topic) names.insert(topic->name);
        }
        if (const auto self = weak.lock(); self && !names.empty()) self->groups_->topics_deleted(names);
        done(std::move(deleted));
      });
}

void LocalBroker::create_partitions(std::vector<CreatePartitions> calls, ValidateOnly validate_only,
                                    CreatePartitionsDone done) {
  change_each<void, CreatePartitions>(
      std::move(calls), validate_only,
      [this](const MetadataImage& image, const CreatePartitions& call, MetadataRecords& records) {
        return controller_->create_partitions(image, call, records);
      },
      std::move(done));
}

void LocalBroker::alter_configs(ConfigResource resource, std::vector<ConfigChange> changes, AlterMode mode,
                                ValidateOnly validate_only, DoneVoid done) {
  if (closed_) return done(std::unexpected(closed()));
  cluster_->change(
      [&](const MetadataImage& latest) -> Result<MetadataRecords> {
        MILLRACE_TRY(own, own_configs(latest, config_, resource));
        MILLRACE_TRY(wanted, changed_configs(latest, config_, resource, changes, mode));
        MetadataRecords records;
        if (validate_only == ValidateOnly::kNo) Controller::set_configs(resource, own, wanted, records);
        return records;
      },
      std::move(done));
}

// --- from time to time -----------------------------------------------------------------------------------------------

void LocalBroker::flush_soon() {
  if (environment_.flush_threads > 0 || flush_is_due_.exchange(true)) return;
  environment_.executor.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->flush_is_due_ = false;
    self->logs_->run_flush_round();
  });
}

void LocalBroker::schedule_tick() {
  const std::chrono::milliseconds retention{config_.get_long("log.retention.check.interval.ms")};
  deadlines_->add(environment_.clock.now() + std::min(retention, kLongestTick), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->closed_) return;
    // Opening a folder may mean to recover all of it: not in the way of other deadlines.
    self->environment_.executor.post([weak] {
      if (const auto broker = weak.lock(); broker && !broker->closed_) broker->tick();
    });
  });
}

void LocalBroker::tick() {
  logs_->tick();
  cluster_->mend(logs_->reopen() ? FolderIsBack::kYes : FolderIsBack::kNo);
  // After the mend, which the executor has got.
  environment_.executor.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->closed_) return;
    self->groups_->load_again();
    self->transactions_->load_again();
  });
  schedule_tick();
}

void LocalBroker::schedule_cleaning(Duration wait) {
  if (wait == Duration::max()) return;
  auto clean = [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && !self->closed_) self->schedule_cleaning(self->logs_->clean());
  };
  if (wait <= Duration::zero()) {
    environment_.executor.post(std::move(clean));
  } else {
    deadlines_->add(environment_.clock.now() + wait, std::move(clean));
  }
}

}  // namespace

Result<std::shared_ptr<BrokerCore>> BrokerCore::open(BrokerEnvironment environment, std::string_view directory,
                                                     BrokerConfig config) {
  auto broker = std::make_shared<LocalBroker>(environment, std::move(config));
  MILLRACE_CHECK(broker->start(directory));
  return broker;
}

}  // namespace millrace
