#include "millrace/streams/job.h"

#include <fmt/core.h>

#include <algorithm>

#include "runtime/job_impl.h"

namespace millrace::streams {
namespace {

constexpr auto kAckTimeout = std::chrono::seconds{60};

}  // namespace

JobImpl::JobImpl(Topology topology, Client& client, StreamConfig config, JobOptions options)
    : topology_(std::move(topology)),
      client_(client),
      config_(std::move(config)),
      options_(std::move(options)),
      clock_(options_.clock != nullptr ? *options_.clock : system_clock_),
      logger_(options_.logger != nullptr ? *options_.logger : null_logger_) {}

JobImpl::~JobImpl() {
  auto stopped = stop();
  if (!stopped) logger_.error("stream job {}: {}", config_.application_id, stopped.error().message());
}

Result<void> JobImpl::open() {
  if (!config_.state_dir.empty() && config_.application_id.empty()) {
    return fail(ErrorCode::kInvalidConfig,
                "stream job: \"state.dir\" needs \"application.id\", which names the job's folder in it");
  }
  MILLRACE_TRY(admin, client_.admin());
  admin_ = std::move(admin);
  MILLRACE_TRY(plan, plan_job(topology_, config_, *admin_));
  if (!config_.state_dir.empty()) {
    const auto folder = join(config_.state_dir, config_.application_id);
    MILLRACE_CHECK(files_.make_directories(folder));
    auto locked = files_.lock(join(folder, "lock"));
    if (!locked) {
      return std::unexpected(std::move(locked).error().in(
          fmt::format("cannot start the stream job \"{}\": does another process run it?", config_.application_id)));
    }
    lock_ = *std::move(locked);
  }
  MILLRACE_TRY(producer, client_.producer(config_.producer));
  sender_ = std::make_unique<ClientSender>(std::move(producer), std::move(plan.sink_topics));
  scheduler_ = make_scheduler(config_.scheduler, config_.threads);
  const auto budget = topology_.memory_budget() / std::max<std::size_t>(1, plan.tasks.size());
  for (const auto& task : plan.tasks) MILLRACE_CHECK(open_task(task, budget));
  MILLRACE_CHECK(open_consumer());
  rate_since_ = clock_.now();
  opened_ = true;
  poller_ = std::thread{[this] { poll_loop(); }};
  keeper_ = std::thread{[this] { keeper_loop(); }};
  return {};
}

Result<void> JobImpl::open_task(const JobPlan::TaskPlan& plan, std::uint64_t memory_budget) {
  const auto& sub = topology_.sub_topologies()[plan.sub_topology];
  auto core = std::make_unique<TaskCore>(topology_, sub, config_, memory_budget);
  TaskInput input{plan.slots, config_};
  auto task = std::make_unique<Task>();
  task->sub_topology = plan.sub_topology;
  task->reads_internal_topics = plan.reads_internal_topics;
  if (!config_.state_dir.empty()) {
    MILLRACE_TRY(folder,
                 CheckpointFolder::open(files_, join(join(config_.state_dir, config_.application_id), plan.name),
                                        topology_.describe_state(), logger_));
    task->folder = std::make_unique<CheckpointFolder>(std::move(folder));
    MILLRACE_TRY(content, task->folder->load());
    if (content) MILLRACE_CHECK(read_task(*content, input, *core, plan.name));
  }
  task->saved = input.position();
  task->next_checkpoint = clock_.now() + config_.commit_interval;
  task->runner =
      std::make_unique<TaskRunner>(plan.name, std::move(core), std::move(input), *scheduler_, *sender_, clock_,
                                   TaskRunner::Listener{[this] {
                                                          std::lock_guard lock{mutex_};
                                                          ++turns_;
                                                          if (turn_waiters_ > 0) changed_.notify_all();
                                                        },
                                                        [this](const Error& error) { failed(error); }});
  tasks_.push_back(std::move(task));
  return {};
}

Result<void> JobImpl::open_consumer() {
  auto properties = config_.consumer;
  properties.try_emplace("auto.offset.reset", "none");
  MILLRACE_TRY(consumer, client_.consumer(properties));
  consumer_ = std::move(consumer);
  std::vector<TopicPartition> partitions;
  for (const auto& task : tasks_) {
    const auto& slots = task->runner->slots();
    for (std::size_t slot = 0; slot < slots.size(); ++slot) {
      auto route = std::make_unique<Route>();
      route->task = task.get();
      route->slot = slot;
      route->partition = *slots[slot].partition;
      partitions.push_back(route->partition);
      route_of_.emplace(route->partition, route.get());
      routes_.push_back(std::move(route));
    }
  }
  buffer_bytes_of_route_ = std::max<std::size_t>(1, config_.buffer_bytes / routes_.size());
  MILLRACE_CHECK(consumer_->assign(std::move(partitions)));
  for (auto& route : routes_) MILLRACE_CHECK(start_at(*route, route->task->saved.next[route->slot]));
  return {};
}

Result<void> JobImpl::start_at(Route& route, Offset next) {
  MILLRACE_TRY(earliest, admin_->list_offset(route.partition, {OffsetKind::kEarliest}));
  MILLRACE_TRY(latest, admin_->list_offset(route.partition, {OffsetKind::kLatest}));
  if (next == kNoOffset) next = earliest.offset;
  if (next < earliest.offset || next > latest.offset) {
    return fail(
        ErrorCode::kOffsetOutOfRange,
        fmt::format(
            "the saved state of job \"{}\" goes on at offset {} of {}, but that holds {} to {}: {}. Give the job "
            "another application.id, or remove its folder in {}, to begin anew with what is there.",
            config_.application_id, next.value(), route.partition.to_string(), earliest.offset.value(),
            latest.offset.value(),
            next < earliest.offset ? "records were deleted before they were read" : "records it has read are gone",
            config_.state_dir));
  }
  route.polled_to = route.begin = next.value();
  return consumer_->seek(route.partition, next);
}

Result<void> JobImpl::failure() const {
  std::lock_guard lock{mutex_};
  if (failure_) return std::unexpected(*failure_);
  return {};
}

void JobImpl::failed(const Error& error) {
  std::lock_guard lock{mutex_};
  if (failure_) return;
  failure_.emplace(error);
  logger_.error("stream job {}: {}", config_.application_id, error.message());
  changed_.notify_all();
}

Result<void> JobImpl::stop() {
  std::lock_guard one{stop_};
  {
    std::lock_guard lock{mutex_};
    if (stopped_) return failure_ ? Result<void>{std::unexpected(*failure_)} : Result<void>{};
    stopping_ = true;
    changed_.notify_all();
  }
  if (consumer_) consumer_->wakeup();
  if (poller_.joinable()) poller_.join();
  if (keeper_.joinable()) keeper_.join();
  for (auto& task : tasks_) {
    if (task->runner) task->runner->stop();
  }
  auto result = failure();
  for (auto& task : tasks_) {
    if (result && opened_) result = finish_task(*task);
  }
  if (sender_) {
    auto closed = sender_->close(kAckTimeout);
    if (result) result = std::move(closed);
  }
  if (consumer_) (void)consumer_->close(kAckTimeout);  // it is in no group: nothing can go wrong
  lock_.reset();
  std::lock_guard lock{mutex_};
  if (!result && !failure_) failure_.emplace(result.error());
  stopped_ = true;
  changed_.notify_all();
  return result;
}

Result<void> JobImpl::finish_task(Task& task) {
  const std::lock_guard one{checkpoint_};
  const auto unflushed = task.runner->between_turns([](const TaskCore& core) { return core.has_unflushed(); });
  if (!unflushed && task.runner->applied() == task.saved) return {};
  MILLRACE_CHECK(task.runner->flush());
  return checkpoint(task);
}

Result<void> JobImpl::wait() {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [&] { return stopped_ || failure_; });
  if (failure_) return std::unexpected(*failure_);
  return {};
}

bool JobImpl::has_reached(const std::unordered_map<TopicPartition, Offset>& ends) const {
  return std::ranges::all_of(ends, [&](const auto& end) {
    const auto& route = *route_of_.at(end.first);
    if (route.task->runner->applied().next[route.slot] >= end.second) return true;
    // Behind the last record there may be offsets without one.
    return route.polled_to.load() >= end.second.value() && route.task->runner->is_drained();
  });
}

Result<void> JobImpl::catch_up(std::uint32_t sub_topology, TimePoint deadline) {
  std::unordered_map<TopicPartition, Offset> ends;
  for (const auto& route : routes_) {
    if (route->task->sub_topology != sub_topology) continue;
    MILLRACE_TRY(end, admin_->list_offset(route->partition, {OffsetKind::kLatest}));
    ends.emplace(route->partition, end.offset);
    route->task->runner->set_known_end(route->slot, end.offset);
  }
  while (!has_reached(ends)) {
    std::unique_lock lock{mutex_};
    if (failure_) return std::unexpected(*failure_);
    if (stopping_) return fail(ErrorCode::kClosed, "the stream job was stopped before it had caught up");
    if (clock_.now() >= deadline) {
      return fail(ErrorCode::kTimedOut, "the stream job has not caught up with its inputs in the time given");
    }
    ++turn_waiters_;
    changed_.wait_for(lock, std::chrono::milliseconds{5});
    --turn_waiters_;
  }
  for (const auto& task : tasks_) {
    if (task->sub_topology == sub_topology) MILLRACE_CHECK(task->runner->flush());
  }
  return sender_->flush(std::max<Duration>(deadline - clock_.now(), std::chrono::seconds{1}));
}

Result<void> JobImpl::wait_until_caught_up(Duration timeout) {
  const auto deadline = clock_.now() + timeout;
  // In this order, because a sub-topology may write what a later one reads.
  for (const auto& sub : topology_.sub_topologies()) MILLRACE_CHECK(catch_up(sub.index, deadline));
  return failure();
}

Result<void> JobImpl::checkpoint_now() {
  MILLRACE_CHECK(failure());
  for (auto& task : tasks_) {
    const std::lock_guard one{checkpoint_};
    MILLRACE_CHECK(checkpoint(*task));
  }
  return {};
}

Result<void> JobImpl::checkpoint_when_due(Task& task, TimePoint now) {
  const std::unique_lock one{checkpoint_, std::try_to_lock};
  // Whoever has the lock is saving this task or another one: the keeper, which asks, comes by again.
  if (!one || now < task.next_checkpoint || task.runner->applied() == task.saved) return {};
  return checkpoint(task);
}

Result<void> JobImpl::checkpoint(Task& task) {
  const auto begun = clock_.now();
  auto position = task.runner->applied();
  if (!task.folder) return {};
  MILLRACE_TRY(draft, task.folder->begin());
  const auto whole = task.runner->between_turns([&](TaskCore& core) {
    if (core.is_broken()) return false;
    position = task.runner->applied();
    write_task(draft.content(), task.runner->slots(), position, core);
    draft.finish_content();
    return true;
  });
  if (!whole) {
    MILLRACE_CHECK(failure());
    return fail(ErrorCode::kClosed, "the stream job has failed: its state is not saved");
  }
  const auto held = std::chrono::duration<double>(clock_.now() - begun).count();
  MILLRACE_CHECK(sender_->flush(kAckTimeout));
  MILLRACE_CHECK(draft.commit());
  const auto took = clock_.now() - begun;
  task.saved = position;
  task.next_checkpoint = clock_.now() + std::max<Duration>(config_.commit_interval, took * 20);
  {
    std::lock_guard lock{mutex_};
    ++checkpoints_;
    checkpoint_seconds_ = held;
  }
  return tell_checkpoint(task, position, draft.bytes());
}

Result<void> JobImpl::tell_checkpoint(const Task& task, const InputPosition& position, std::uint64_t bytes) {
  CheckpointInfo info{{}, bytes};
  for (std::size_t slot = 0; slot < task.runner->slots().size(); ++slot) {
    const auto& partition = *task.runner->slots()[slot].partition;
    if (position.next[slot] == kNoOffset) continue;
    if (task.reads_internal_topics) {
      MILLRACE_TRY(trimmed, admin_->delete_records(partition, position.next[slot]));
      static_cast<void>(trimmed);
    } else {
      info.inputs.push_back({partition, position.next[slot]});
    }
  }
  if (options_.on_checkpoint && !info.inputs.empty()) options_.on_checkpoint(info);
  return {};
}

JobStats JobImpl::stats() const {
  JobStats stats;
  std::vector<float> latencies;
  for (const auto& task : tasks_) {
    auto& runner = *task->runner;
    const auto [counts, figures, stream_time] = runner.between_turns(
        [](const TaskCore& core) { return std::tuple{core.counts(), core.figures(), core.stream_time()}; });
    stats.records += counts.records;
    stats.bytes += counts.bytes;
    stats.outputs += counts.outputs;
    stats.skipped += counts.skipped;
    stats.dead_letters += counts.dead_letters;
    stats.late_records += figures.late_records;
    stats.state_entries += figures.entries;
    stats.state_bytes += figures.bytes;
    stats.approximate = stats.approximate || figures.approximate;
    stats.newest_record = std::max(stats.newest_record, runner.newest_record());
    if (stream_time != detail::kNoTime) {
      stats.stream_time = std::max(stats.stream_time, Timestamp{std::chrono::milliseconds{stream_time}});
    }
    runner.append_latencies(latencies);
    stats.latency_last_ms = std::max(stats.latency_last_ms, runner.last_latency());
  }
  if (!latencies.empty()) {
    std::ranges::sort(latencies);
    stats.latency_p50_ms = latencies[latencies.size() / 2];
    stats.latency_p99_ms = latencies[latencies.size() * 99 / 100];
  }
  std::lock_guard lock{mutex_};
  stats.checkpoints = checkpoints_;
  stats.checkpoint_seconds = checkpoint_seconds_;
  stats.records_per_second = records_per_second_;
  stats.lag = lag_;
  return stats;
}

Result<void> JobImpl::read_state(std::string_view store, const void* type, const detail::StateQuery& query) const {
  const auto* node = topology_.find_store(store);
  if (node == nullptr) {
    std::string names;
    for (const auto& other : topology_.nodes()) {
      if (!other->store_name().empty())
        names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", other->store_name());
    }
    return fail(ErrorCode::kNotFound, fmt::format("the topology has no store \"{}\": it has {}", store, names));
  }
  for (const auto& task : tasks_) {
    Result<void> result;
    task->runner->between_turns([&](const TaskCore& core) {
      const auto* state = core.state(node->id);
      if (state == nullptr) return;
      if (state->type() != type) {
        result = fail(ErrorCode::kInvalidArgument, fmt::format("store \"{}\" has other types than the query", store));
        return;
      }
      query(*node, *state);
    });
    MILLRACE_CHECK(std::move(result));
  }
  return {};
}

Result<std::unique_ptr<Job>> Job::start(Topology topology, Client& client, const Properties& config,
                                        JobOptions options) {
  MILLRACE_TRY(read, read_config(config));
  auto job = std::make_unique<JobImpl>(std::move(topology), client, std::move(read), std::move(options));
  MILLRACE_CHECK(job->open());
  return job;
}

}  // namespace millrace::streams
