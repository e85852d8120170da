#include <fmt/core.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/logger.h"
#include "millrace/connect/worker.h"
#include "worker/delivery_ledger.h"
#include "worker/offset_topic.h"
#include "worker/topic_limit.h"

namespace millrace::connect {
namespace {

using std::chrono::steady_clock;

/// Tokens of positions, as opposed to records: this bit and the number of the flush they belong to.
constexpr std::uint64_t kPositionBit = std::uint64_t{1} << 63;
constexpr Duration kStartTimeout = std::chrono::seconds{60};
/// How long the end of a run that nobody stopped may take to flush.
constexpr Duration kFinishTimeout = std::chrono::minutes{5};

TimePoint after(Duration timeout) {
  const auto now = steady_clock::now();
  return timeout > TimePoint::max() - now ? TimePoint::max() : now + timeout;
}

/// What the worker's thread, its users and the producer's thread share. The producer's listener keeps it alive.
struct Shared {
  std::mutex mutex;
  std::condition_variable changed;

  DeliveryLedger ledger;
  std::optional<Error> delivery_error;
  struct Flush {
    std::size_t outstanding = 0;
    std::vector<SafePosition> positions;
  };
  std::map<std::uint64_t, Flush> flushes;
  std::vector<SafePosition> committed;  ///< stored; the task is to be told

  bool is_stopping = false;
  TimePoint stop_deadline = TimePoint::max();
  bool is_trimmed = false;
  bool is_ended = false;
  WorkerStatus status;

  void on_delivery(const DeliveryReport& report) {
    const std::lock_guard lock{mutex};
    if (!report.base_offset) {
      if (!delivery_error) delivery_error = report.base_offset.error();
    } else if (!report.tokens.empty() && (report.tokens.front() & kPositionBit) != 0) {
      for (const auto token : report.tokens) on_position_stored(token);
    } else {
      ledger.acknowledge(report.tokens, *report.base_offset);
    }
    changed.notify_all();
  }

 private:
  void on_position_stored(std::uint64_t token) {
    const auto flush = flushes.find(token);
    if (flush == flushes.end() || --flush->second.outstanding > 0) return;
    std::ranges::move(flush->second.positions, std::back_inserter(committed));
    flushes.erase(flush);
  }
};

struct Parts {
  std::string name;
  std::string topic;
  std::vector<PartitionIndex> partitions;
  WorkerOptions options;
  std::unique_ptr<Admin> admin;
  std::unique_ptr<Producer> producer;
  StoredState stored;
  std::shared_ptr<Shared> shared = std::make_shared<Shared>();
};

class SourceWorkerImpl final : public SourceWorker {
 public:
  SourceWorkerImpl(Parts parts, std::unique_ptr<SourceTask> task)
      : parts_(std::move(parts)),
        shared_(*parts_.shared),
        task_(std::move(task)),
        limit_(parts_.options.max_topic_bytes, parts_.options.limit_check_interval),
        clock_(parts_.options.clock != nullptr ? *parts_.options.clock : own_clock_),
        logger_(parts_.options.logger != nullptr ? *parts_.options.logger : own_logger_),
        context_{clock_, logger_, parts_.stored.offsets} {}

  ~SourceWorkerImpl() override {
    request_stop(steady_clock::now());
    if (thread_.joinable()) thread_.join();
    if (const auto closed = parts_.producer->close(Duration::zero()); !closed)
      logger_.warn("{}", closed.error().message());
  }

  Result<void> begin(Client& client, const Properties& config) {
    MILLRACE_CHECK(task_->start(config, context_));
    if (has_one_partition()) MILLRACE_CHECK(find_topic_end(client));
    if (parts_.options.max_topic_bytes > 0) {
      MILLRACE_CHECK(look_at_topic_size());
      const std::lock_guard lock{shared_.mutex};
      show_limit();
    }
    thread_ = std::thread{[this] { run(); }};
    return {};
  }

  WorkerStatus status() const override {
    auto sources = task_->status();
    const std::lock_guard lock{shared_.mutex};
    auto status = shared_.status;
    status.acknowledged = shared_.ledger.acknowledged();
    for (const auto& source : sources) {
      status.source_position += source.position;
      status.source_size += source.size;
    }
    status.sources = std::move(sources);
    return status;
  }

  Result<void> wait(Duration timeout) override { return wait_until(after(timeout)); }

  void topic_trimmed() override {
    const std::lock_guard lock{shared_.mutex};
    shared_.is_trimmed = true;
    shared_.changed.notify_all();
  }

  Result<void> stop(Duration timeout) override {
    const auto deadline = after(timeout);
    request_stop(deadline);
    return wait_until(deadline);
  }

 private:
  void request_stop(TimePoint deadline) {
    {
      const std::lock_guard lock{shared_.mutex};
      shared_.is_stopping = true;
      shared_.stop_deadline = std::min(shared_.stop_deadline, deadline);
      shared_.changed.notify_all();
    }
    task_->wakeup();
  }

  Result<void> wait_until(TimePoint deadline) {
    std::unique_lock lock{shared_.mutex};
    // A wait until the end of time overflows in the standard library.
    const auto capped = std::min(deadline, steady_clock::now() + std::chrono::hours{24 * 365});
    if (!shared_.changed.wait_until(lock, capped, [&] { return shared_.is_ended; })) {
      return fail(ErrorCode::kTimedOut, fmt::format("connector \"{}\" has not ended yet", parts_.name));
    }
    return outcome_;
  }

  void run() {
    auto outcome = work();
    auto finished = finish();
    if (outcome && !finished) outcome = std::unexpected(finished.error());
    task_->stop();

    const std::lock_guard lock{shared_.mutex};
    auto& status = shared_.status;
    status.state = !outcome ? WorkerState::kFailed : is_done_ ? WorkerState::kDone : WorkerState::kStopped;
    if (!outcome) {
      status.error = outcome.error().message();
      outcome_ = std::unexpected(std::move(outcome).error().in(fmt::format("connector \"{}\"", parts_.name)));
    }
    shared_.is_ended = true;
    shared_.changed.notify_all();
  }

  /// Polls and sends until the task is done, somebody stops it, or something fails.
  Result<void> work() {
    next_flush_ = steady_clock::now() + parts_.options.offset_flush_interval;
    while (!is_stopping()) {
      MILLRACE_CHECK(store_positions_when_due());
      MILLRACE_TRY(has_room, wait_for_room());
      if (!has_room) continue;
      MILLRACE_TRY(poll, task_->poll(std::max(next_flush_ - steady_clock::now(), Duration::zero())));
      for (auto& batch : poll.batches) MILLRACE_CHECK(send(batch));
      if (poll.state == SourceState::kDone) {
        is_done_ = true;
        return {};
      }
    }
    return {};
  }

  bool is_stopping() const {
    const std::lock_guard lock{shared_.mutex};
    return shared_.is_stopping;
  }

  /// False when there was none before something else was due.
  Result<bool> wait_for_room() {
    std::unique_lock lock{shared_.mutex};
    if (shared_.delivery_error) return std::unexpected(*shared_.delivery_error);
    if (std::exchange(shared_.is_trimmed, false)) limit_.on_trimmed();
    if (limit_.wants_size(steady_clock::now())) {
      lock.unlock();
      MILLRACE_CHECK(look_at_topic_size());
      lock.lock();
    }
    show_limit();
    const auto is_full = !limit_.has_room();
    if (!is_full && shared_.ledger.bytes_in_flight() < parts_.options.max_in_flight_bytes) return true;

    const auto until = is_full ? std::min(next_flush_, limit_.next_check()) : next_flush_;
    shared_.changed.wait_until(lock, until, [&] {
      return shared_.is_stopping || shared_.delivery_error || (is_full && shared_.is_trimmed) ||
             (!is_full && shared_.ledger.bytes_in_flight() < parts_.options.max_in_flight_bytes);
    });
    return false;
  }

  [[nodiscard]] bool has_one_partition() const { return parts_.partitions.size() == 1; }

  /// Takes down where the topic ends, and shows the task what is there behind the stored positions.
  Result<void> find_topic_end(Client& client) {
    const TopicPartition place{parts_.topic, parts_.partitions.front()};
    MILLRACE_TRY(end, parts_.admin->list_offset(place, {.kind = OffsetKind::kLatest}));
    shared_.ledger.begin_at(end.offset);
    if (parts_.options.resume_from != ResumeFrom::kTopic || !parts_.stored.topic_end) return {};
    return read_to_end(client, *parts_.admin, parts_.topic, parts_.stored.topic_end, kStartTimeout,
                       [&](const PolledBatch& batch) { return task_->skip_stored(batch.records()); });
  }

  [[nodiscard]] Offset topic_end_of(const SafePosition& position) const {
    return has_one_partition() ? position.topic_end : kNoOffset;
  }

  /// The mutex is held.
  void show_limit() {
    shared_.status.state = limit_.has_room() ? WorkerState::kRunning : WorkerState::kTopicFull;
    shared_.status.topic_bytes = limit_.topic_bytes();
  }

  Result<void> look_at_topic_size() {
    std::uint64_t in_flight = 0;
    {
      const std::lock_guard lock{shared_.mutex};
      in_flight = shared_.ledger.bytes_in_flight();
    }
    std::uint64_t bytes = 0;
    for (const auto partition : parts_.partitions) {
      MILLRACE_TRY(size, parts_.admin->partition_size({parts_.topic, partition}));
      bytes += size;
    }
    limit_.on_size(bytes, in_flight, steady_clock::now());
    return {};
  }

  Result<void> send(SourceBatch& batch) {
    std::uint64_t token = 0;
    {
      const std::lock_guard lock{shared_.mutex};
      token = shared_.ledger.add(batch);
      shared_.status.records += batch.records.size();
      shared_.status.bytes += batch.bytes;
    }
    for (auto& record : batch.records) record.token = token;
    limit_.on_sent(batch.bytes);
    return parts_.producer->send_all(batch.records);
  }

  Result<void> store_positions_when_due() {
    tell_committed();
    const auto now = steady_clock::now();
    if (now < next_flush_) return {};
    next_flush_ = now + parts_.options.offset_flush_interval;
    return store_positions();
  }

  Result<void> store_positions() {
    std::vector<SafePosition> positions;
    std::uint64_t token = 0;
    {
      const std::lock_guard lock{shared_.mutex};
      positions = shared_.ledger.take_positions();
      if (positions.empty()) return {};
      token = kPositionBit | ++flush_;
      shared_.flushes[token] = {positions.size(), positions};
    }
    for (const auto& position : positions) {
      const auto key = offset_key(parts_.name, *position.partition);
      const auto value = position.offset ? offset_value(*position.offset, topic_end_of(position)) : std::string{};
      MILLRACE_CHECK(parts_.producer->send({.topic = parts_.options.offset_topic,
                                            .key = key,
                                            .value = position.offset ? NullableBytes{value} : nullptr,
                                            .token = token}));
    }
    return {};
  }

  void tell_committed() {
    std::vector<SafePosition> committed;
    {
      const std::lock_guard lock{shared_.mutex};
      committed = std::exchange(shared_.committed, {});
    }
    for (const auto& position : committed) {
      if (position.offset) task_->committed(*position.partition, *position.offset);
    }
  }

  /// Waits for what was sent, then stores the positions behind it.
  Result<void> finish() {
    const auto deadline = after(kFinishTimeout);
    auto flushed = flush_until(deadline);
    // Even when some of it was not stored: what comes before it need not be read again.
    MILLRACE_CHECK(store_positions());
    auto stored = flush_until(deadline);
    tell_committed();
    return flushed ? stored : flushed;
  }

  /// In slices, since `stop` may shorten the time that is left.
  Result<void> flush_until(TimePoint latest) {
    constexpr Duration kSlice = std::chrono::milliseconds{100};
    while (true) {
      auto flushed = parts_.producer->flush(kSlice);
      if (flushed || flushed.error().code() != ErrorCode::kTimedOut) return flushed;
      const std::lock_guard lock{shared_.mutex};
      if (steady_clock::now() >= std::min(latest, shared_.stop_deadline)) return flushed;
    }
  }

  const SystemClock own_clock_;
  NullLogger own_logger_;

  Parts parts_;
  Shared& shared_;
  const std::unique_ptr<SourceTask> task_;
  TopicLimit limit_;
  const Clock& clock_;
  Logger& logger_;
  const SourceContext context_;

  // The worker's thread alone.
  TimePoint next_flush_{};
  std::uint64_t flush_ = 0;
  bool is_done_ = false;

  Result<void> outcome_;  ///< guarded by the shared mutex
  std::thread thread_;
};

/// The topic's partitions; the topic is made if it is absent.
Result<std::vector<PartitionIndex>> find_partitions(Admin& admin, const std::string& topic) {
  auto description = admin.describe_topic(topic);
  if (!description && description.error().code() == ErrorCode::kUnknownTopicOrPartition) {
    const auto made = admin.create_topic({.name = topic});
    if (!made && made.error().code() != ErrorCode::kTopicAlreadyExists) return std::unexpected(made.error());
    description = admin.describe_topic(topic);
  }
  if (!description) return std::unexpected(description.error());
  std::vector<PartitionIndex> partitions;
  for (const auto& partition : description->partitions) partitions.push_back(partition.index);
  return partitions;
}

}  // namespace

std::string_view name_of(WorkerState state) {
  constexpr std::string_view kNames[] = {"running", "topic full", "done", "stopped", "failed"};
  return kNames[static_cast<std::size_t>(state)];
}

Result<std::unique_ptr<SourceWorker>> SourceWorker::start(Client& client, SourceConnector& connector,
                                                          const Properties& config, WorkerOptions options) {
  const auto& table = connector.config();
  MILLRACE_CHECK(table.check(config));
  MILLRACE_TRY(tasks, connector.task_configs(config, static_cast<std::int32_t>(table.get_long(config, "tasks.max"))));
  if (tasks.size() != 1) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: it wants {} tasks, but this worker runs one", table.component(), tasks.size()));
  }

  Parts parts;
  parts.name = table.get_string(config, "name");
  parts.topic = table.get_string(config, "topic");
  MILLRACE_TRY(admin, client.admin());
  MILLRACE_TRY(partitions, find_partitions(*admin, parts.topic));
  MILLRACE_CHECK(ensure_offset_topic(*admin, options.offset_topic));
  MILLRACE_TRY(stored, read_offsets(client, *admin, options.offset_topic, parts.name, kStartTimeout));
  MILLRACE_TRY(producer, client.producer(options.producer, [shared = parts.shared](const DeliveryReport& report) {
    shared->on_delivery(report);
  }));
  parts.partitions = std::move(partitions);
  parts.admin = std::move(admin);
  parts.producer = std::move(producer);
  parts.stored = std::move(stored);
  parts.options = std::move(options);

  auto worker = std::make_unique<SourceWorkerImpl>(std::move(parts), connector.task());
  MILLRACE_CHECK(worker->begin(client, tasks.front()));
  return worker;
}

}  // namespace millrace::connect
