#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "client/client_config.h"
#include "client/embedded/embedded_client.h"
#include "record/record_batch.h"

namespace millrace {
namespace {

struct ConsumerSettings {
  explicit ConsumerSettings(const Properties& properties) {
    const auto& table = consumer_config_table();
    const auto reset = table.get_string(properties, "auto.offset.reset");
    if (reset != "none") reset_to = reset == "earliest" ? StartAt::kEarliest : StartAt::kLatest;
    max_bytes = static_cast<std::size_t>(table.get_long(properties, "fetch.max.bytes"));
    max_partition_bytes = static_cast<std::size_t>(table.get_long(properties, "max.partition.fetch.bytes"));
    min_bytes = static_cast<std::size_t>(table.get_long(properties, "fetch.min.bytes"));
    isolation = table.get_string(properties, "isolation.level") == "read_committed" ? Isolation::kCommitted
                                                                                    : Isolation::kHighWatermark;
    check_crcs = table.get_bool(properties, "check.crcs");
  }

  std::optional<StartAt> reset_to;
  std::size_t max_bytes;
  std::size_t max_partition_bytes;
  std::size_t min_bytes;
  Isolation isolation;
  bool check_crcs;
};

/// Where a poll waits for its fetch, and what ends the wait.
struct Waiter {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<FetchAnswer> answer;
  bool wakeup = false;
  bool closed = false;
};

struct Assigned {
  std::shared_ptr<const TopicPartition> name;
  /// The next record; absent until the first poll finds out where to begin.
  std::optional<Offset> position;
  bool paused = false;
};

class EmbeddedConsumer final : public Consumer {
 public:
  EmbeddedConsumer(std::shared_ptr<EmbeddedContext> context, const Properties& properties)
      : context_(std::move(context)), settings_(properties) {}

  Result<void> assign(std::vector<TopicPartition> partitions) override;
  Result<void> seek(const TopicPartition& partition, Offset offset) override;
  Result<void> seek(const TopicPartition& partition, StartAt start) override;
  Result<Offset> position(const TopicPartition& partition) const override;
  Result<void> pause(std::span<const TopicPartition> partitions) override { return set_paused(partitions, true); }
  Result<void> resume(std::span<const TopicPartition> partitions) override { return set_paused(partitions, false); }
  Result<std::vector<PolledBatch>> poll(Duration max_wait) override;

  void wakeup() override {
    const std::lock_guard lock{waiter_->mutex};
    waiter_->wakeup = true;
    waiter_->changed.notify_all();
  }
  void close() override {
    const std::lock_guard lock{waiter_->mutex};
    waiter_->closed = true;
    waiter_->changed.notify_all();
  }

 private:
  [[nodiscard]] BrokerCore& broker() const { return *context_->broker; }
  [[nodiscard]] Result<Assigned*> find(const TopicPartition& partition);
  [[nodiscard]] Result<void> set_paused(std::span<const TopicPartition> partitions, bool paused);
  [[nodiscard]] Result<Offset> start_of(const TopicPartition& partition, StartAt start) const;
  [[nodiscard]] Result<Offset> first_position(const TopicPartition& partition) const;

  /// The partitions that take part in this poll, the one whose turn it is first.
  [[nodiscard]] Result<std::vector<Assigned*>> turn();
  /// The fetch's answer; none when a wakeup came first and there was nothing.
  [[nodiscard]] FetchAnswer fetch(const std::vector<Assigned*>& partitions, Duration max_wait);
  void wait_for_wakeup(Duration max_wait);
  [[nodiscard]] bool take_wakeup();
  [[nodiscard]] Result<void> take_slice(Assigned& from, const LogSlice& slice, std::vector<PolledBatch>& batches) const;
  [[nodiscard]] Result<void> take_error(Assigned& from, const Error& error) const;

  const std::shared_ptr<EmbeddedContext> context_;
  const ConsumerSettings settings_;
  const std::shared_ptr<Waiter> waiter_ = std::make_shared<Waiter>();
  std::vector<Assigned> assigned_;
  std::size_t next_turn_ = 0;
};

// --- what is read ----------------------------------------------------------------------------------------------------

Result<void> EmbeddedConsumer::assign(std::vector<TopicPartition> partitions) {
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

Result<Assigned*> EmbeddedConsumer::find(const TopicPartition& partition) {
  for (auto& assigned : assigned_) {
    if (*assigned.name == partition) return &assigned;
  }
  return fail(ErrorCode::kInvalidArgument, fmt::format("{} is not assigned to this consumer", partition.to_string()));
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

Result<Offset> EmbeddedConsumer::position(const TopicPartition& partition) const {
  for (const auto& assigned : assigned_) {
    if (*assigned.name != partition) continue;
    if (assigned.position) return *assigned.position;
    return first_position(partition);
  }
  return fail(ErrorCode::kInvalidArgument, fmt::format("{} is not assigned to this consumer", partition.to_string()));
}

Result<void> EmbeddedConsumer::set_paused(std::span<const TopicPartition> partitions, bool paused) {
  for (const auto& partition : partitions) {
    MILLRACE_TRY(assigned, find(partition));
    assigned->paused = paused;
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
  if (!settings_.reset_to) {
    return fail(ErrorCode::kOffsetOutOfRange,
                fmt::format("{} has no position and auto.offset.reset is none; seek first", partition.to_string()));
  }
  return start_of(partition, *settings_.reset_to);
}

// --- poll ------------------------------------------------------------------------------------------------------------

Result<std::vector<PolledBatch>> EmbeddedConsumer::poll(Duration max_wait) {
  const auto until = context_->clock.now() + max_wait;
  for (;;) {
    {
      const std::lock_guard lock{waiter_->mutex};
      if (waiter_->closed) return fail(ErrorCode::kClosed, "the consumer is closed");
    }
    if (take_wakeup()) return {};
    MILLRACE_TRY(partitions, turn());
    const auto left = std::max(until - context_->clock.now(), Duration::zero());
    if (partitions.empty()) {
      wait_for_wakeup(left);
      return {};
    }

    const auto answer = fetch(partitions, left);
    std::vector<PolledBatch> batches;
    std::optional<Error> trouble;
    for (std::size_t i = 0; i < answer.size(); ++i) {
      const auto taken =
          answer[i] ? take_slice(*partitions[i], *answer[i], batches) : take_error(*partitions[i], answer[i].error());
      if (!taken && !trouble) trouble = taken.error();
    }
    // Records first: what is wrong with one partition is said when the others have nothing.
    if (!batches.empty()) return batches;
    if (trouble) return std::unexpected(*std::move(trouble));
    if (context_->clock.now() >= until) return {};
  }
}

Result<std::vector<Assigned*>> EmbeddedConsumer::turn() {
  std::vector<Assigned*> partitions;
  for (std::size_t i = 0; i < assigned_.size(); ++i) {
    auto& assigned = assigned_[(next_turn_ + i) % assigned_.size()];
    if (assigned.paused) continue;
    if (!assigned.position) {
      MILLRACE_TRY(first, first_position(*assigned.name));
      assigned.position = first;
    }
    partitions.push_back(&assigned);
  }
  if (!assigned_.empty()) next_turn_ = (next_turn_ + 1) % assigned_.size();
  return partitions;
}

FetchAnswer EmbeddedConsumer::fetch(const std::vector<Assigned*>& partitions, Duration max_wait) {
  FetchCall call{.partitions = {},
                 .max_bytes = settings_.max_bytes,
                 .min_bytes = settings_.min_bytes,
                 .max_wait = max_wait,
                 .isolation = settings_.isolation};
  call.partitions.reserve(partitions.size());
  for (const auto* assigned : partitions) {
    call.partitions.push_back({.topic = {.name = assigned->name->topic},
                               .partition = assigned->name->partition,
                               .from = *assigned->position,
                               .max_bytes = settings_.max_partition_bytes});
  }
  const auto id = broker().fetch(std::move(call), [waiter = waiter_](FetchAnswer answer) {
    const std::lock_guard lock{waiter->mutex};
    waiter->answer = std::move(answer);
    waiter->changed.notify_all();
  });

  std::unique_lock lock{waiter_->mutex};
  const auto is_over = [&] { return waiter_->answer || waiter_->wakeup || waiter_->closed; };
  waiter_->changed.wait(lock, is_over);
  if (!waiter_->answer) {
    lock.unlock();
    broker().end_wait(id);
    lock.lock();
    // Somebody else may be giving the answer just now.
    waiter_->changed.wait(lock, [&] { return waiter_->answer.has_value(); });
  }
  auto answer = *std::move(waiter_->answer);
  waiter_->answer.reset();
  return answer;
}

void EmbeddedConsumer::wait_for_wakeup(Duration max_wait) {
  std::unique_lock lock{waiter_->mutex};
  const auto until = std::chrono::steady_clock::now() + max_wait;
  waiter_->changed.wait_until(lock, until, [&] { return waiter_->wakeup || waiter_->closed; });
  waiter_->wakeup = false;
}

bool EmbeddedConsumer::take_wakeup() {
  const std::lock_guard lock{waiter_->mutex};
  return std::exchange(waiter_->wakeup, false);
}

Result<void> EmbeddedConsumer::take_slice(Assigned& from, const LogSlice& slice,
                                          std::vector<PolledBatch>& batches) const {
  const auto broken = [&](const Error& error) {
    return fail(error.code(), fmt::format("cannot read {} at offset {}: {}", from.name->to_string(),
                                          from.position->value(), error.message()));
  };
  BatchCursor cursor{slice.bytes};
  while (cursor.next()) {
    const auto& batch = cursor.batch();
    const auto start = *from.position;
    if (batch.next_offset() <= start) continue;
    if (batch.is_control()) {
      from.position = batch.next_offset();
      continue;
    }
    if (settings_.check_crcs && !batch.crc_matches()) {
      return broken({ErrorCode::kCorruptMessage, "the checksum of the record batch is wrong"});
    }
    auto walk = batch.records(context_->buffers);
    if (!walk) return broken(walk.error());
    std::vector<RecordView> records;
    records.reserve(static_cast<std::size_t>(batch.record_count()));
    while (walk->next()) {
      if (walk->record().offset >= start) records.push_back(walk->record());
    }
    if (!walk->status()) return broken(walk->status().error());
    from.position = batch.next_offset();
    if (records.empty()) continue;
    batches.emplace_back(from.name, std::move(records),
                         walk->owner() ? std::shared_ptr<const void>{walk->owner()} : slice.owner);
  }
  if (!cursor.status()) return broken(cursor.status().error());
  return {};
}

Result<void> EmbeddedConsumer::take_error(Assigned& from, const Error& error) const {
  if (error.code() != ErrorCode::kOffsetOutOfRange || !settings_.reset_to) return std::unexpected(error);
  MILLRACE_TRY(offset, start_of(*from.name, *settings_.reset_to));
  from.position = offset;
  return {};
}

}  // namespace

Result<std::unique_ptr<Consumer>> make_embedded_consumer(std::shared_ptr<EmbeddedContext> context,
                                                         const Properties& properties) {
  return std::make_unique<EmbeddedConsumer>(std::move(context), properties);
}

}  // namespace millrace
