#include "client/kafka/kafka_consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "client/client_config.h"
#include "client/group/assignor.h"

namespace millrace {
namespace {

// What the destructor waits for a last commit and for leaving the group.
constexpr std::chrono::seconds kParting{5};
// Questions to the cluster that have no deadline of their own.
constexpr std::chrono::seconds kAskPatience{30};
// librdkafka wants a name also of a consumer that is in no group; it never commits under it.
constexpr const char* kNoGroup = "millrace.assigned";
// The least that librdkafka takes.
constexpr std::int64_t kLeastMessage = 1000;
constexpr std::int64_t kFetchOverhead = 512;
constexpr std::int64_t kMostFetch = 2147483135;

/// How long to wait for the next of what comes while a consumer closes.
int closing_step(TimePoint until) {
  constexpr std::chrono::milliseconds kStep{50};
  return rd_timeout(std::min<Duration>(kStep, left_until(until)));
}

std::map<std::string, std::string> consumer_settings(const std::string& brokers, const Properties& properties) {
  const auto& table = consumer_config_table();
  const auto text = [&](std::string_view key) { return table.get_string(properties, key); };
  const auto reset = text("auto.offset.reset");
  const auto group = text("group.id");
  const auto fetch = std::clamp(table.get_long(properties, "fetch.max.bytes"), kLeastMessage, kMostFetch);
  std::map<std::string, std::string> settings{
      {"bootstrap.servers", brokers},
      {"client.id", text("client.id")},
      {"group.id", group.empty() ? kNoGroup : group},
      {"auto.offset.reset", reset == "none" ? "error" : reset},
      {"isolation.level", text("isolation.level")},
      {"check.crcs", text("check.crcs")},
      {"fetch.min.bytes",
       std::to_string(std::min<std::int64_t>(table.get_long(properties, "fetch.min.bytes"), 100'000'000))},
      {"fetch.max.bytes", std::to_string(fetch)},
      {"message.max.bytes", std::to_string(std::min(fetch, std::int64_t{1'000'000}))},
      {"receive.message.max.bytes", std::to_string(std::max(fetch + kFetchOverhead, std::int64_t{100'000'000}))},
      {"max.partition.fetch.bytes", text("max.partition.fetch.bytes")},
      {"partition.assignment.strategy", text("partition.assignment.strategy")},
      {"session.timeout.ms", text("session.timeout.ms")},
      {"heartbeat.interval.ms", text("heartbeat.interval.ms")},
      {"max.poll.interval.ms", text("max.poll.interval.ms")},
      // Ours commits what polls gave, not what librdkafka has fetched.
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      // Behind the last record there may be offsets that are none: the end says so.
      {"enable.partition.eof", "true"},
      // New topics and partitions are noticed in seconds.
      {"topic.metadata.refresh.interval.ms", "10000"}};
  if (const auto instance = text("group.instance.id"); !instance.empty()) settings["group.instance.id"] = instance;
  return settings;
}

}  // namespace

KafkaConsumer::Settings KafkaConsumer::Settings::of(const Properties& properties) {
  const auto& table = consumer_config_table();
  Settings settings{};
  settings.group = table.get_string(properties, "group.id");
  settings.reset_to = reset_of(properties);
  settings.isolation = table.get_string(properties, "isolation.level") == "read_committed"
                           ? ReadIsolation::kCommitted
                           : ReadIsolation::kUncommitted;
  settings.max_bytes = static_cast<std::size_t>(table.get_long(properties, "fetch.max.bytes"));
  settings.auto_commit = auto_commit_of(properties);
  return settings;
}

Result<std::unique_ptr<KafkaConsumer>> KafkaConsumer::make(std::shared_ptr<KafkaContext> context,
                                                           const Properties& properties) {
  const auto names = consumer_config_table().get_string(properties, "partition.assignment.strategy");
  MILLRACE_TRY(strategies, parse_assignors(names));
  for (const auto* strategy : strategies) {
    if (strategy->name != "sticky") continue;
    return fail(ErrorCode::kInvalidConfig,
                "consumer: \"partition.assignment.strategy\" is \"sticky\", which librdkafka does not have: use "
                "cooperative-sticky, or an embedded log");
  }
  MILLRACE_TRY(conf, make_conf(consumer_settings(context->brokers, properties)));
  std::unique_ptr<KafkaConsumer> consumer{new KafkaConsumer{std::move(context), Settings::of(properties)}};
  rd_kafka_conf_set_opaque(conf.get(), consumer.get());
  rd_kafka_conf_set_rebalance_cb(conf.get(), on_rebalance);
  MILLRACE_TRY(handle, make_handle(RD_KAFKA_CONSUMER, std::move(conf)));
  consumer->handle_ = std::shared_ptr<rd_kafka_t>{handle.release(), [](rd_kafka_t* last) {
                                                    // `close` has left the group, or its time was over: this must not
                                                    // wait for it again.
                                                    rd_kafka_destroy_flags(last, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
                                                  }};
  rd_kafka_poll_set_consumer(consumer->handle_.get());
  consumer->queue_ =
      std::shared_ptr<rd_kafka_queue_t>{rd_kafka_queue_get_consumer(consumer->handle_.get()), rd_kafka_queue_destroy};
  return consumer;
}

KafkaConsumer::KafkaConsumer(std::shared_ptr<KafkaContext> context, Settings settings)
    : context_(std::move(context)), settings_(std::move(settings)) {
  if (settings_.auto_commit) next_auto_commit_ = std::chrono::steady_clock::now() + *settings_.auto_commit;
}

KafkaConsumer::~KafkaConsumer() {
  // What it refers to may be gone.
  listener_ = {};
  if (!handle_) return;
  const auto closed = close(kParting);
  if (!closed && context_->logger != nullptr) {
    context_->logger->warn("the last commit of a consumer that ended is lost, and what it had read is read again: {}",
                           closed.error().message());
  }
}

void KafkaConsumer::wakeup() {
  wakeup_ = true;
  rd_kafka_queue_yield(queue_.get());
}

Result<void> KafkaConsumer::close(Duration timeout) {
  if (closed_) return {};
  const auto until = deadline_in(timeout);
  Result<void> committed;
  // First those under way: what they fail to commit is committed with the rest.
  finish_commits(until);
  if (settings_.auto_commit) {
    const auto rest = assigned_.positions(Assignment::Which::kNew);
    if (!rest.empty()) committed = commit_now(rest, left_until(until));
  }
  // The listener is told of the end by this queue.
  const RdQueue queue{rd_kafka_queue_new(handle_.get())};
  const RdError error{rd_kafka_consumer_close_queue(handle_.get(), queue.get())};
  while (!error && rd_kafka_consumer_closed(handle_.get()) == 0 && std::chrono::steady_clock::now() < until) {
    const RdMessage message{rd_kafka_consume_queue(queue.get(), closing_step(until))};
  }
  closed_ = true;
  assigned_.clear();
  for (const auto& commit : std::exchange(commits_, {})) {
    if (commit.done) commit.done(fail(ErrorCode::kTimedOut, "the consumer is closed, and there was no answer in time"));
  }
  return committed;
}

void KafkaConsumer::finish_commits(TimePoint until) {
  while (!commits_.empty() && std::chrono::steady_clock::now() < until) {
    // What is not their answer is a record that nobody polls any more.
    const RdMessage message{rd_kafka_consume_queue(queue_.get(), closing_step(until))};
  }
}

// --- what is read ----------------------------------------------------------------------------------------------------

Result<void> KafkaConsumer::assign(std::vector<TopicPartition> partitions) {
  if (subscription_ == Subscription::kByGroup) return divided_by_group();
  const auto until = deadline_in(kAskPatience);
  std::map<std::string, std::size_t> counts;
  for (const auto& partition : partitions) {
    if (assigned_.find(partition) != nullptr) continue;
    if (!counts.contains(partition.topic)) {
      MILLRACE_TRY(topic, context_->cluster->topic(partition.topic, until));
      counts.emplace(partition.topic, topic.partitions.size());
    }
    MILLRACE_CHECK(check_partition(partition, counts.at(partition.topic)));
  }
  assigned_.assign(std::move(partitions));
  subscription_ = assigned_.empty() ? Subscription::kNone : Subscription::kByHand;
  to_apply_ = true;
  return {};
}

std::vector<TopicPartition> KafkaConsumer::assignment() const { return assigned_.names(); }

Result<void> KafkaConsumer::apply_assignment() {
  if (!to_apply_) return {};
  std::vector<PartitionOffset> added;
  for (auto& assigned : assigned_) {
    // What is paused is not read, and begins where it is when it is resumed.
    if (assigned.is_applied || assigned.fetching == Fetching::kPaused) continue;
    if (!assigned.position) {
      MILLRACE_TRY(first, first_position(*assigned.name));
      assigned.position = first;
    }
    added.push_back({.partition = *assigned.name, .offset = *assigned.position});
  }
  std::vector<TopicPartition> removed;
  std::ranges::copy_if(applied_, std::back_inserter(removed),
                       [this](const auto& one) { return assigned_.find(one) == nullptr; });
  // Only the differences: librdkafka 2.0 does not survive it when a partition that just starts is assigned again.
  if (!removed.empty()) {
    MILLRACE_CHECK(rd_result("cannot give up partitions",
                             RdError{rd_kafka_incremental_unassign(handle_.get(), to_list(removed).get())}));
  }
  if (!added.empty()) {
    const auto topics = learn_topics(handle_.get(), added);
    const std::span<const PartitionOffset> offsets{added};
    MILLRACE_CHECK(rd_result("cannot assign partitions",
                             RdError{rd_kafka_incremental_assign(handle_.get(), to_list(offsets).get())}));
  }
  to_apply_ = false;
  applied_.clear();
  for (auto& assigned : assigned_) {
    assigned.is_applied = assigned.is_applied || assigned.fetching == Fetching::kOn;
    if (assigned.is_applied) applied_.push_back(*assigned.name);
  }
  return {};
}

Result<void> KafkaConsumer::move_to(AssignedPartition& assigned, Offset offset) {
  assigned.position = offset;
  // What librdkafka has not been given yet gets the position with the partition.
  if (is_being_given_ || (subscription_ == Subscription::kByHand && !assigned.is_applied)) return {};
  const std::vector<PartitionOffset> to{{.partition = *assigned.name, .offset = offset}};
  const auto what = fmt::format("cannot seek {} to {}", assigned.name->to_string(), offset.value());
  const auto until = deadline_in(kAskPatience);
  for (;;) {
    const auto list = to_list(std::span{to});
    MILLRACE_CHECK(
        rd_result(what, RdError{rd_kafka_seek_partitions(handle_.get(), list.get(), rd_timeout(left_until(until)))}));
    const auto error = list->elems[0].err;
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    // It is just being started.
    const bool passes = error == RD_KAFKA_RESP_ERR__STATE || error == RD_KAFKA_RESP_ERR__IN_PROGRESS;
    if (!passes || !Cluster::pause_before_retry(until)) return rd_fail(what, error);
  }
}

Result<void> KafkaConsumer::seek(const TopicPartition& partition, Offset offset) {
  MILLRACE_TRY(assigned, assigned_.find_or_fail(partition));
  MILLRACE_CHECK(check_seek(partition, offset));
  return move_to(*assigned, offset);
}

Result<void> KafkaConsumer::seek(const TopicPartition& partition, StartAt start) {
  MILLRACE_TRY(assigned, assigned_.find_or_fail(partition));
  const OffsetQuery query{.kind = start == StartAt::kEarliest ? OffsetKind::kEarliest : OffsetKind::kLatest};
  MILLRACE_TRY(offset, offset_for(partition, query));
  return move_to(*assigned, offset);
}

Result<void> KafkaConsumer::seek_to_time(const TopicPartition& partition, Timestamp time) {
  MILLRACE_TRY(assigned, assigned_.find_or_fail(partition));
  const OffsetQuery query{.kind = OffsetKind::kByTime, .time = time};
  MILLRACE_TRY(offset, offset_for(partition, query));
  if (offset == kNoOffset) return seek(partition, StartAt::kLatest);
  return move_to(*assigned, offset);
}

Result<Offset> KafkaConsumer::position(const TopicPartition& partition) const {
  MILLRACE_TRY(assigned, assigned_.find_or_fail(partition));
  if (assigned->position) return *assigned->position;
  return first_position(partition);
}

Result<void> KafkaConsumer::pause(std::span<const TopicPartition> partitions) {
  return set_fetching(partitions, Fetching::kPaused);
}
Result<void> KafkaConsumer::resume(std::span<const TopicPartition> partitions) {
  return set_fetching(partitions, Fetching::kOn);
}

Result<void> KafkaConsumer::set_fetching(std::span<const TopicPartition> partitions, Fetching fetching) {
  std::vector<TopicPartition> known;
  for (const auto& partition : partitions) {
    MILLRACE_TRY(assigned, assigned_.find_or_fail(partition));
    assigned->fetching = fetching;
    if (subscription_ == Subscription::kByGroup || assigned->is_applied) {
      known.push_back(partition);
    } else {
      to_apply_ = true;
    }
  }
  if (to_apply_ || is_being_given_ || known.empty()) return {};
  const auto list = to_list(known);
  const auto error = fetching == Fetching::kPaused ? rd_kafka_pause_partitions(handle_.get(), list.get())
                                                   : rd_kafka_resume_partitions(handle_.get(), list.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return rd_fail("cannot pause or resume", error);
  return {};
}

Result<Offset> KafkaConsumer::offset_for(const TopicPartition& partition, OffsetQuery query) const {
  MILLRACE_TRY(answer,
               ask_offset(*context_->cluster, partition, query, settings_.isolation, deadline_in(kAskPatience)));
  return answer.offset;
}

Result<Offset> KafkaConsumer::first_position(const TopicPartition& partition) const {
  if (!settings_.group.empty()) {
    MILLRACE_TRY(found, ask_group_offsets(*context_->cluster, settings_.group, std::vector{partition},
                                          deadline_in(kAskPatience)));
    if (!found.empty() && found.front().offset != kNoOffset) return found.front().offset;
  }
  if (!settings_.reset_to) return nowhere_to_begin(partition);
  return offset_for(partition,
                    {.kind = *settings_.reset_to == StartAt::kEarliest ? OffsetKind::kEarliest : OffsetKind::kLatest});
}

// --- the group -------------------------------------------------------------------------------------------------------

Result<void> KafkaConsumer::check_group() const {
  if (closed_) return closed_consumer();
  if (!settings_.group.empty()) return {};
  return no_group();
}

Result<void> KafkaConsumer::subscribe(std::vector<std::string> topics, RebalanceListener listener) {
  MILLRACE_CHECK(check_group());
  if (subscription_ == Subscription::kByHand) return assigned_by_hand();
  if (topics.empty()) {
    if (subscription_ == Subscription::kNone) return {};
    if (settings_.auto_commit) auto_commit();
    const auto mine = assignment();
    if (!mine.empty() && listener_.revoked) listener_.revoked(mine);
    listener_ = {};
    rd_kafka_unsubscribe(handle_.get());
    subscription_ = Subscription::kNone;
    assigned_.clear();
    return {};
  }
  const RdPartitions list{rd_kafka_topic_partition_list_new(static_cast<int>(topics.size()))};
  for (const auto& topic : topics) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  }
  listener_ = std::move(listener);
  const auto error = rd_kafka_subscribe(handle_.get(), list.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return rd_fail("cannot subscribe", error);
  subscription_ = Subscription::kByGroup;
  return {};
}

void KafkaConsumer::on_rebalance(rd_kafka_t* handle, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t* list,
                                 void* self) {
  auto& consumer = *static_cast<KafkaConsumer*>(self);
  const bool cooperative = std::string_view{rd_kafka_rebalance_protocol(handle)} == "COOPERATIVE";
  if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    consumer.got(list);
    if (cooperative) {
      const RdError problem{rd_kafka_incremental_assign(handle, list)};
    } else {
      rd_kafka_assign(handle, list);
    }
    // What was assigned reads; what the listener paused does not.
    for (const auto& assigned : consumer.assigned_) {
      if (assigned.fetching == Fetching::kOn) continue;
      rd_kafka_pause_partitions(handle, to_list(std::vector{*assigned.name}).get());
    }
    return;
  }
  if (error == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) consumer.gave_up(list);
  if (cooperative && error == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
    const RdError problem{rd_kafka_incremental_unassign(handle, list)};
  } else {
    rd_kafka_assign(handle, nullptr);
  }
}

void KafkaConsumer::got(rd_kafka_topic_partition_list_t* list) {
  const auto partitions = from_list(list);
  for (const auto& partition : partitions) assigned_.add(partition);
  is_being_given_ = true;
  if (listener_.assigned) listener_.assigned(partitions);
  is_being_given_ = false;
  for (int i = 0; i < list->cnt; ++i) {
    auto& given = list->elems[i];
    const auto* assigned = assigned_.find({given.topic, PartitionIndex{given.partition}});
    // Where nobody has sought librdkafka goes to what was committed.
    if (assigned != nullptr && assigned->position) given.offset = assigned->position->value();
  }
}

void KafkaConsumer::gave_up(rd_kafka_topic_partition_list_t* list) {
  const auto partitions = from_list(list);
  if (rd_kafka_assignment_lost(handle_.get()) != 0) {
    if (listener_.lost) listener_.lost(partitions);
  } else {
    if (settings_.auto_commit) {
      // What is not committed now is read again by whoever gets the partition.
      const auto rest = assigned_.positions(Assignment::Which::kNew);
      const auto committed = rest.empty() ? Result<void>{} : commit_now(rest, kParting);
      if (!committed && context_->logger != nullptr) {
        context_->logger->warn("what was read of partitions that went to others is read again: {}",
                               committed.error().message());
      }
    }
    if (listener_.revoked) listener_.revoked(partitions);
  }
  assigned_.remove(partitions);
}

// --- commits ---------------------------------------------------------------------------------------------------------

void KafkaConsumer::auto_commit() {
  next_auto_commit_ = std::chrono::steady_clock::now() + *settings_.auto_commit;
  const auto rest = assigned_.positions(Assignment::Which::kNew);
  if (rest.empty()) return;
  assigned_.note_committed(rest);
  // What is refused is committed again the next time, or read again by whoever has the partition then.
  const auto sent = commit_async(rest, [this, rest](const Result<void>& result) {
    if (!result) assigned_.forget_committed(rest);
  });
  if (!sent) assigned_.forget_committed(rest);
}

Result<void> KafkaConsumer::commit(Duration timeout) {
  return commit(assigned_.positions(Assignment::Which::kAll), timeout);
}

Result<void> KafkaConsumer::commit(std::span<const PartitionOffset> offsets, Duration timeout) {
  MILLRACE_CHECK(check_group());
  if (offsets.empty()) return {};
  return commit_now(offsets, timeout);
}

Result<void> KafkaConsumer::commit_now(std::span<const PartitionOffset> offsets, Duration timeout) {
  const auto what = fmt::format("group \"{}\" cannot commit", settings_.group);
  const RdQueue answers{rd_kafka_queue_new(handle_.get())};
  const auto sent = rd_kafka_commit_queue(handle_.get(), to_list(offsets).get(), answers.get(), nullptr, nullptr);
  if (sent != RD_KAFKA_RESP_ERR_NO_ERROR) return rd_fail(what, sent);
  const RdEvent answer{rd_kafka_queue_poll(answers.get(), rd_timeout(timeout))};
  if (!answer) return fail(ErrorCode::kTimedOut, what + ": no answer in time");
  if (const auto error = rd_kafka_event_error(answer.get()); error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return rd_fail(what, error);
  }
  assigned_.note_committed(offsets);
  return {};
}

Result<void> KafkaConsumer::commit_async(CommitListener done) {
  return commit_async(assigned_.positions(Assignment::Which::kAll), std::move(done));
}

Result<void> KafkaConsumer::commit_async(std::span<const PartitionOffset> offsets, CommitListener done) {
  MILLRACE_CHECK(check_group());
  commits_.push_back({this, std::move(done)});
  const auto error =
      rd_kafka_commit_queue(handle_.get(), to_list(offsets).get(), queue_.get(), on_commit, &commits_.back());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  commits_.pop_back();
  return rd_fail(fmt::format("group \"{}\" cannot commit", settings_.group), error);
}

void KafkaConsumer::on_commit(rd_kafka_t* /*handle*/, rd_kafka_resp_err_t error,
                              rd_kafka_topic_partition_list_t* /*list*/, void* pending) {
  auto* const mine = static_cast<PendingCommit*>(pending);
  auto& commits = mine->consumer->commits_;
  const auto found = std::ranges::find_if(commits, [&](const auto& one) { return &one == mine; });
  const auto done = std::move(found->done);
  const auto what = fmt::format("group \"{}\" cannot commit", mine->consumer->settings_.group);
  commits.erase(found);
  if (!done) return;
  Result<void> result;
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) result = rd_fail(what, error);
  done(result);
}

Result<std::vector<PartitionOffset>> KafkaConsumer::committed(std::span<const TopicPartition> partitions,
                                                              Duration timeout) {
  MILLRACE_CHECK(check_group());
  MILLRACE_TRY(found, ask_group_offsets(*context_->cluster, settings_.group,
                                        std::vector<TopicPartition>{partitions.begin(), partitions.end()},
                                        deadline_in(timeout)));
  std::vector<PartitionOffset> ordered;
  for (const auto& partition : partitions) {
    const auto one = std::ranges::find(found, partition, &PartitionOffset::partition);
    ordered.push_back(one == found.end() ? PartitionOffset{.partition = partition} : *one);
  }
  return ordered;
}

Result<GroupMetadata> KafkaConsumer::group_metadata() const {
  MILLRACE_CHECK(check_group());
  if (subscription_ != Subscription::kByGroup) return GroupMetadata{.group = settings_.group};
  MILLRACE_TRY(metadata, group_metadata_of(handle_.get()));
  if (metadata.generation < 0) return not_in_group(settings_.group);
  return metadata;
}

Result<std::unique_ptr<Consumer>> make_kafka_consumer(std::shared_ptr<KafkaContext> context,
                                                      const Properties& properties) {
  return KafkaConsumer::make(std::move(context), properties);
}

}  // namespace millrace
