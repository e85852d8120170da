#include "client/embedded/embedded_consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/deadline.h"
#include "client/client_config.h"

namespace millrace {
namespace {

// What the destructor waits for a last commit and for leaving the group.
constexpr std::chrono::seconds kFarewell{5};

std::chrono::milliseconds milliseconds_of(const Properties& properties, std::string_view key) {
  return std::chrono::milliseconds{consumer_config_table().get_long(properties, key)};
}

Result<std::optional<GroupMembership::Settings>> membership_of(const Properties& properties) {
  const auto& table = consumer_config_table();
  // A mistake in it is told even where it would have no effect.
  MILLRACE_TRY(strategies, parse_assignors(table.get_string(properties, "partition.assignment.strategy")));
  GroupMembership::Settings settings{.group = table.get_string(properties, "group.id"),
                                     .instance = std::nullopt,
                                     .client_id = table.get_string(properties, "client.id"),
                                     .assignors = std::move(strategies),
                                     .session_timeout = milliseconds_of(properties, "session.timeout.ms"),
                                     .heartbeat_interval = milliseconds_of(properties, "heartbeat.interval.ms"),
                                     .max_poll_interval = milliseconds_of(properties, "max.poll.interval.ms")};
  if (settings.group.empty()) return std::nullopt;
  if (auto instance = table.get_string(properties, "group.instance.id"); !instance.empty()) {
    settings.instance = std::move(instance);
  }
  return settings;
}

}  // namespace

EmbeddedConsumer::Settings EmbeddedConsumer::Settings::of(const Properties& properties) {
  const auto& table = consumer_config_table();
  Settings settings{};
  settings.reset_to = reset_of(properties);
  settings.max_bytes = static_cast<std::size_t>(table.get_long(properties, "fetch.max.bytes"));
  settings.max_partition_bytes = static_cast<std::size_t>(table.get_long(properties, "max.partition.fetch.bytes"));
  settings.min_bytes = static_cast<std::size_t>(table.get_long(properties, "fetch.min.bytes"));
  settings.isolation = table.get_string(properties, "isolation.level") == "read_committed" ? Isolation::kCommitted
                                                                                           : Isolation::kHighWatermark;
  settings.check_crcs = table.get_bool(properties, "check.crcs");
  settings.auto_commit = auto_commit_of(properties);
  return settings;
}

Result<std::unique_ptr<EmbeddedConsumer>> EmbeddedConsumer::make(std::shared_ptr<EmbeddedContext> context,
                                                                 const Properties& properties) {
  MILLRACE_TRY(membership, membership_of(properties));
  std::unique_ptr<EmbeddedConsumer> consumer{new EmbeddedConsumer{std::move(context), properties}};
  if (membership) {
    consumer->member_ =
        std::make_shared<EmbeddedGroupMember>(*consumer->context_, consumer->waiter_, *std::move(membership));
  }
  return consumer;
}

EmbeddedConsumer::EmbeddedConsumer(std::shared_ptr<EmbeddedContext> context, const Properties& properties)
    : context_(std::move(context)),
      settings_(Settings::of(properties)),
      timers_(std::make_shared<DeadlineQueue>(context_->executor, context_->clock)) {
  if (settings_.auto_commit) next_auto_commit_ = now() + *settings_.auto_commit;
}

EmbeddedConsumer::~EmbeddedConsumer() {
  // What it refers to may be gone.
  listener_ = {};
  const auto closed = close(kFarewell);
  if (!closed && context_->logger != nullptr) {
    context_->logger->warn("the last commit of a consumer that ended is lost, and what it had read is read again: {}",
                           closed.error().message());
  }
  timers_->close();
  if (member_) member_->detach();
}

bool EmbeddedConsumer::is_closed() const {
  const std::lock_guard lock{waiter_->mutex};
  return waiter_->closed;
}

void EmbeddedConsumer::wakeup() {
  const std::lock_guard lock{waiter_->mutex};
  waiter_->wakeup = true;
  waiter_->changed.notify_all();
}

Result<void> EmbeddedConsumer::close(Duration timeout) {
  if (is_closed()) return {};
  const auto until = deadline_in(timeout);
  Result<void> committed;
  if (member_) {
    // First those under way: what they fail to commit is committed with the rest.
    member_->finish_commits(left_until(until));
    const auto rest = assigned_.positions(Assignment::Which::kNew);
    if (settings_.auto_commit && !rest.empty()) committed = commit(rest, left_until(until));
    // Revoked while commits are still heard: leaving is what ends that.
    const auto mine = assignment();
    const bool in_group = member_->is_subscribed();
    if (in_group && !mine.empty() && listener_.revoked) listener_.revoked(mine);
    member_->leave();
  }
  assigned_.clear();
  const std::lock_guard lock{waiter_->mutex};
  waiter_->closed = true;
  waiter_->changed.notify_all();
  return committed;
}

// --- what is read ----------------------------------------------------------------------------------------------------

Result<void> EmbeddedConsumer::assign(std::vector<TopicPartition> partitions) {
  if (member_ && member_->is_subscribed()) return divided_by_group();
  const auto image = broker().metadata();
  for (const auto& partition : partitions) {
    MILLRACE_TRY(topic, find_topic(*image, {.name = partition.topic}));
    MILLRACE_CHECK(check_partition(partition, topic->partitions.size()));
  }
  assigned_.assign(std::move(partitions));
  next_turn_ = 0;
  return {};
}

std::vector<TopicPartition> EmbeddedConsumer::assignment() const { return assigned_.names(); }

Result<void> EmbeddedConsumer::seek(const TopicPartition& partition, Offset offset) {
  MILLRACE_TRY(assigned, assigned_.find_or_fail(partition));
  MILLRACE_CHECK(check_seek(partition, offset));
  assigned->position = offset;
  return {};
}

Result<void> EmbeddedConsumer::seek(const TopicPartition& partition, StartAt start) {
  MILLRACE_TRY(assigned, assigned_.find_or_fail(partition));
  MILLRACE_TRY(offset, start_of(partition, start));
  assigned->position = offset;
  return {};
}

Result<void> EmbeddedConsumer::seek_to_time(const TopicPartition& partition, Timestamp time) {
  MILLRACE_TRY(assigned, assigned_.find_or_fail(partition));
  const OffsetQuery query{.kind = OffsetKind::kByTime, .time = time};
  MILLRACE_TRY(answer,
               broker().list_offset({.name = partition.topic}, partition.partition, query, settings_.isolation));
  if (answer.offset == kNoOffset) return seek(partition, StartAt::kLatest);
  assigned->position = answer.offset;
  return {};
}

Result<Offset> EmbeddedConsumer::position(const TopicPartition& partition) const {
  MILLRACE_TRY(assigned, assigned_.find_or_fail(partition));
  if (assigned->position) return *assigned->position;
  return first_position(partition);
}

Result<void> EmbeddedConsumer::pause(std::span<const TopicPartition> partitions) {
  return set_fetching(partitions, Fetching::kPaused);
}
Result<void> EmbeddedConsumer::resume(std::span<const TopicPartition> partitions) {
  return set_fetching(partitions, Fetching::kOn);
}

Result<void> EmbeddedConsumer::set_fetching(std::span<const TopicPartition> partitions, Fetching fetching) {
  for (const auto& partition : partitions) {
    MILLRACE_TRY(assigned, assigned_.find_or_fail(partition));
    assigned->fetching = fetching;
  }
  return {};
}

Result<Offset> EmbeddedConsumer::start_of(const TopicPartition& partition, StartAt start) const {
  const OffsetQuery query{.kind = start == StartAt::kEarliest ? OffsetKind::kEarliest : OffsetKind::kLatest};
  MILLRACE_TRY(answer,
               broker().list_offset({.name = partition.topic}, partition.partition, query, settings_.isolation));
  return answer.offset;
}

Result<Offset> EmbeddedConsumer::first_position(const TopicPartition& partition) const {
  if (member_) {
    const auto found = member_->committed({&partition, 1});
    // Without a coordinator's topic nothing was ever committed here.
    if (!found && found.error().code() != ErrorCode::kNotCoordinator) return std::unexpected(found.error());
    if (found && found->front().offset != kNoOffset) return found->front().offset;
  }
  if (!settings_.reset_to) return nowhere_to_begin(partition);
  return start_of(partition, *settings_.reset_to);
}

// --- the group -------------------------------------------------------------------------------------------------------

Result<EmbeddedGroupMember*> EmbeddedConsumer::member() const {
  if (is_closed()) return closed_consumer();
  if (member_) return member_.get();
  return no_group();
}

Result<void> EmbeddedConsumer::subscribe(std::vector<std::string> topics, RebalanceListener listener) {
  MILLRACE_TRY(group, member());
  if (topics.empty()) {
    if (!group->is_subscribed()) return {};
    if (settings_.auto_commit) auto_commit();
    const auto mine = assignment();
    if (!mine.empty() && listener_.revoked) listener_.revoked(mine);
    listener_ = {};
    group->leave();
    while (group->next_notice()) {
    }
    assigned_.clear();
    return {};
  }
  if (!group->is_subscribed() && !assigned_.empty()) return assigned_by_hand();
  listener_ = std::move(listener);
  group->subscribe(std::move(topics));
  return {};
}

Result<void> EmbeddedConsumer::follow_group() {
  if (!member_) return {};
  member_->serve_commits();
  if (settings_.auto_commit && now() >= next_auto_commit_) auto_commit();
  if (!member_->is_subscribed()) return {};
  member_->polled();
  for (;;) {
    if (const auto notice = member_->next_notice()) {
      tell(*notice);
    } else if (!member_->call_next()) {
      break;
    }
  }
  if (auto error = member_->take_error()) return std::unexpected(*std::move(error));
  return {};
}

void EmbeddedConsumer::tell(const GroupMembership::Notice& notice) {
  using Kind = GroupMembership::Notice::Kind;
  if (notice.kind == Kind::kAssigned) {
    for (const auto& partition : notice.partitions) assigned_.add(partition);
    if (listener_.assigned) listener_.assigned(notice.partitions);
    return;
  }
  if (notice.kind == Kind::kRevoked) {
    if (settings_.auto_commit) auto_commit();
    if (listener_.revoked) listener_.revoked(notice.partitions);
  } else if (listener_.lost) {
    listener_.lost(notice.partitions);
  }
  assigned_.remove(notice.partitions);
  next_turn_ = 0;
}

void EmbeddedConsumer::auto_commit() {
  next_auto_commit_ = now() + *settings_.auto_commit;
  const auto rest = assigned_.positions(Assignment::Which::kNew);
  if (rest.empty()) return;
  assigned_.note_committed(rest);
  // What is refused is committed again the next time, or read again by whoever has the partition then.
  member_->commit_async(rest, [this, rest](const Result<void>& result) {
    if (!result) assigned_.forget_committed(rest);
  });
}

Result<void> EmbeddedConsumer::commit(Duration timeout) {
  return commit(assigned_.positions(Assignment::Which::kAll), timeout);
}

Result<void> EmbeddedConsumer::commit(std::span<const PartitionOffset> offsets, Duration timeout) {
  MILLRACE_TRY(group, member());
  if (offsets.empty()) return {};
  MILLRACE_CHECK(group->commit({offsets.begin(), offsets.end()}, timeout));
  assigned_.note_committed(offsets);
  return {};
}

Result<void> EmbeddedConsumer::commit_async(CommitListener done) {
  return commit_async(assigned_.positions(Assignment::Which::kAll), std::move(done));
}

Result<void> EmbeddedConsumer::commit_async(std::span<const PartitionOffset> offsets, CommitListener done) {
  MILLRACE_TRY(group, member());
  group->commit_async({offsets.begin(), offsets.end()}, std::move(done));
  return {};
}

Result<std::vector<PartitionOffset>> EmbeddedConsumer::committed(std::span<const TopicPartition> partitions,
                                                                 Duration timeout) {
  MILLRACE_TRY(group, member());
  return group->committed(partitions, timeout);
}

Result<GroupMetadata> EmbeddedConsumer::group_metadata() const {
  MILLRACE_TRY(group, member());
  return group->metadata();
}

Result<std::unique_ptr<Consumer>> make_embedded_consumer(std::shared_ptr<EmbeddedContext> context,
                                                         const Properties& properties) {
  return EmbeddedConsumer::make(std::move(context), properties);
}

}  // namespace millrace
