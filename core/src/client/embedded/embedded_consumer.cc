#include "client/embedded/embedded_consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

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

std::unexpected<Error> not_assigned(const TopicPartition& partition) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("{} is not assigned to this consumer", partition.to_string()));
}

}  // namespace

EmbeddedConsumer::Settings EmbeddedConsumer::Settings::of(const Properties& properties) {
  const auto& table = consumer_config_table();
  Settings settings{};
  const auto reset = table.get_string(properties, "auto.offset.reset");
  if (reset != "none") settings.reset_to = reset == "earliest" ? StartAt::kEarliest : StartAt::kLatest;
  settings.max_bytes = static_cast<std::size_t>(table.get_long(properties, "fetch.max.bytes"));
  settings.max_partition_bytes = static_cast<std::size_t>(table.get_long(properties, "max.partition.fetch.bytes"));
  settings.min_bytes = static_cast<std::size_t>(table.get_long(properties, "fetch.min.bytes"));
  settings.isolation = table.get_string(properties, "isolation.level") == "read_committed" ? Isolation::kCommitted
                                                                                           : Isolation::kHighWatermark;
  settings.check_crcs = table.get_bool(properties, "check.crcs");
  if (table.get_bool(properties, "enable.auto.commit")) {
    settings.auto_commit = milliseconds_of(properties, "auto.commit.interval.ms");
  }
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
  (void)close(kFarewell);
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
  const auto until = std::chrono::steady_clock::now() + timeout;
  const auto left = [&] { return std::max<Duration>(until - std::chrono::steady_clock::now(), Duration::zero()); };
  Result<void> committed;
  if (member_) {
    if (const auto rest = positions(Which::kNew); settings_.auto_commit && !rest.empty())
      committed = commit(rest, left());
    member_->finish_commits(left());
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
  if (member_ && member_->is_subscribed()) {
    return fail(ErrorCode::kInvalidArgument,
                "cannot assign partitions by hand while the group does it; subscribe to nothing first");
  }
  const auto image = broker().metadata();
  std::vector<Assigned> assigned;
  for (auto& partition : partitions) {
    MILLRACE_TRY(topic, find_topic(*image, {.name = partition.topic}));
    if (partition.partition.value() < 0 ||
        static_cast<std::size_t>(partition.partition.value()) >= topic->partitions.size()) {
      return fail(ErrorCode::kUnknownTopicOrPartition,
                  fmt::format("topic \"{}\" has {} partitions, and no partition {}", partition.topic,
                              topic->partitions.size(), partition.partition.value()));
    }
    const auto known =
        std::find_if(assigned_.begin(), assigned_.end(), [&](const auto& old) { return *old.name == partition; });
    if (known != assigned_.end()) {
      assigned.push_back(*known);
    } else {
      assigned.push_back({.name = std::make_shared<const TopicPartition>(std::move(partition)), .position = {}});
    }
  }
  assigned_ = std::move(assigned);
  next_turn_ = 0;
  return {};
}

std::vector<TopicPartition> EmbeddedConsumer::assignment() const {
  std::vector<TopicPartition> partitions;
  for (const auto& assigned : assigned_) partitions.push_back(*assigned.name);
  return partitions;
}

Result<EmbeddedConsumer::Assigned*> EmbeddedConsumer::find(const TopicPartition& partition) {
  for (auto& assigned : assigned_) {
    if (*assigned.name == partition) return &assigned;
  }
  return not_assigned(partition);
}

Result<void> EmbeddedConsumer::seek(const TopicPartition& partition, Offset offset) {
  MILLRACE_TRY(assigned, find(partition));
  if (offset < Offset{0}) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("cannot seek {} to {}", partition.to_string(), offset.value()));
  }
  assigned->position = offset;
  return {};
}

Result<void> EmbeddedConsumer::seek(const TopicPartition& partition, StartAt start) {
  MILLRACE_TRY(assigned, find(partition));
  MILLRACE_TRY(offset, start_of(partition, start));
  assigned->position = offset;
  return {};
}

Result<void> EmbeddedConsumer::seek_to_time(const TopicPartition& partition, Timestamp time) {
  MILLRACE_TRY(assigned, find(partition));
  const OffsetQuery query{.kind = OffsetKind::kByTime, .time = time};
  MILLRACE_TRY(answer,
               broker().list_offset({.name = partition.topic}, partition.partition, query, settings_.isolation));
  if (answer.offset == kNoOffset) return seek(partition, StartAt::kLatest);
  assigned->position = answer.offset;
  return {};
}

Result<Offset> EmbeddedConsumer::position(const TopicPartition& partition) const {
  for (const auto& assigned : assigned_) {
    if (*assigned.name != partition) continue;
    if (assigned.position) return *assigned.position;
    return first_position(partition);
  }
  return not_assigned(partition);
}

Result<void> EmbeddedConsumer::pause(std::span<const TopicPartition> partitions) {
  return set_fetching(partitions, Fetching::kPaused);
}
Result<void> EmbeddedConsumer::resume(std::span<const TopicPartition> partitions) {
  return set_fetching(partitions, Fetching::kOn);
}

Result<void> EmbeddedConsumer::set_fetching(std::span<const TopicPartition> partitions, Fetching fetching) {
  for (const auto& partition : partitions) {
    MILLRACE_TRY(assigned, find(partition));
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
  if (!settings_.reset_to) {
    return fail(ErrorCode::kOffsetOutOfRange,
                fmt::format("{} has no position and auto.offset.reset is none; seek first", partition.to_string()));
  }
  return start_of(partition, *settings_.reset_to);
}

// --- the group -------------------------------------------------------------------------------------------------------

Result<EmbeddedGroupMember*> EmbeddedConsumer::member() const {
  if (is_closed()) return fail(ErrorCode::kClosed, "the consumer is closed");
  if (member_) return member_.get();
  return fail(ErrorCode::kInvalidGroupId, "the consumer has no group; set the property \"group.id\"");
}

Result<void> EmbeddedConsumer::subscribe(std::vector<std::string> topics, RebalanceListener listener) {
  MILLRACE_TRY(group, member());
  if (topics.empty()) {
    if (!group->is_subscribed()) return {};
    if (settings_.auto_commit) auto_commit();
    const auto mine = assignment();
    if (!mine.empty() && listener_.revoked) listener_.revoked(mine);
    group->leave();
    while (group->next_notice()) {
    }
    assigned_.clear();
    return {};
  }
  if (!group->is_subscribed() && !assigned_.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "cannot subscribe while partitions are assigned by hand; assign none first");
  }
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
    for (const auto& partition : notice.partitions) {
      assigned_.push_back({.name = std::make_shared<const TopicPartition>(partition), .position = {}});
    }
    if (listener_.assigned) listener_.assigned(notice.partitions);
    return;
  }
  if (notice.kind == Kind::kRevoked) {
    if (settings_.auto_commit) auto_commit();
    if (listener_.revoked) listener_.revoked(notice.partitions);
  } else if (listener_.lost) {
    listener_.lost(notice.partitions);
  }
  drop(notice.partitions);
}

void EmbeddedConsumer::drop(std::span<const TopicPartition> partitions) {
  std::erase_if(assigned_, [&](const auto& assigned) {
    return std::find(partitions.begin(), partitions.end(), *assigned.name) != partitions.end();
  });
  next_turn_ = 0;
}

std::vector<PartitionOffset> EmbeddedConsumer::positions(Which which) const {
  std::vector<PartitionOffset> offsets;
  for (const auto& assigned : assigned_) {
    if (!assigned.position || (which == Which::kNew && assigned.committed == assigned.position)) continue;
    offsets.push_back({.partition = *assigned.name, .offset = *assigned.position});
  }
  return offsets;
}

void EmbeddedConsumer::note_committed(std::span<const PartitionOffset> offsets) {
  for (const auto& offset : offsets) {
    if (auto assigned = find(offset.partition)) (*assigned)->committed = offset.offset;
  }
}

void EmbeddedConsumer::auto_commit() {
  next_auto_commit_ = now() + *settings_.auto_commit;
  auto rest = positions(Which::kNew);
  if (rest.empty()) return;
  note_committed(rest);
  // What is refused is committed again with the next position, or read again by whoever has the partition then.
  member_->commit_async(std::move(rest), {});
}

Result<void> EmbeddedConsumer::commit(Duration timeout) { return commit(positions(Which::kAll), timeout); }

Result<void> EmbeddedConsumer::commit(std::span<const PartitionOffset> offsets, Duration timeout) {
  MILLRACE_TRY(group, member());
  if (offsets.empty()) return {};
  MILLRACE_CHECK(group->commit({offsets.begin(), offsets.end()}, timeout));
  note_committed(offsets);
  return {};
}

Result<void> EmbeddedConsumer::commit_async(CommitListener done) {
  return commit_async(positions(Which::kAll), std::move(done));
}

Result<void> EmbeddedConsumer::commit_async(std::span<const PartitionOffset> offsets, CommitListener done) {
  MILLRACE_TRY(group, member());
  group->commit_async({offsets.begin(), offsets.end()}, std::move(done));
  return {};
}

Result<std::vector<PartitionOffset>> EmbeddedConsumer::committed(std::span<const TopicPartition> partitions,
                                                                 Duration timeout) {
  MILLRACE_TRY(group, member());
  MILLRACE_CHECK(group->find_coordinator(timeout));
  return group->committed(partitions);
}

Result<std::unique_ptr<Consumer>> make_embedded_consumer(std::shared_ptr<EmbeddedContext> context,
                                                         const Properties& properties) {
  return EmbeddedConsumer::make(std::move(context), properties);
}

}  // namespace millrace
