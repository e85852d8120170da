#include <algorithm>
#include <chrono>

#include "runtime/job_impl.h"

// The two threads of a job: what polls the inputs, and what keeps time.

namespace millrace::streams {
namespace {

constexpr auto kPollWait = std::chrono::seconds{1};
constexpr auto kAwaitedPollWait = std::chrono::milliseconds{5};
constexpr auto kTick = std::chrono::milliseconds{50};

}  // namespace

void JobImpl::poll_loop() {
  while (true) {
    {
      std::lock_guard lock{mutex_};
      if (stopping_ || failure_) return;
    }
    auto polled = poll_once();
    if (!polled) return failed(std::move(polled).error().in("cannot read the inputs"));
  }
}

Result<void> JobImpl::poll_once() {
  MILLRACE_CHECK(keep_backpressure());
  if (std::ranges::all_of(routes_, &Route::paused)) {
    std::unique_lock lock{mutex_};
    const auto seen_turns = turns_;
    ++turn_waiters_;
    changed_.wait_for(lock, kTick, [&] { return stopping_ || failure_ || turns_ != seen_turns; });
    --turn_waiters_;
    return {};
  }
  const auto awaits = std::ranges::any_of(tasks_, [](const auto& task) { return !task->runner->awaited().empty(); });
  MILLRACE_TRY(batches, consumer_->poll(awaits ? Duration{kAwaitedPollWait} : Duration{kPollWait}));
  for (auto& batch : batches) {
    auto& route = *route_of_.at(batch.partition());
    route.task->runner->push(route.slot, std::move(batch));
  }
  for (auto& route : routes_) {
    MILLRACE_TRY(position, consumer_->position(route->partition));
    route->polled_to = std::max(route->polled_to.load(), position.value());
  }
  return find_awaited_ends();
}

/// A partition whose share of the input's bytes is spent is not read until half of it is processed.
Result<void> JobImpl::keep_backpressure() {
  for (auto& route : routes_) {
    const auto waiting = route->task->runner->waiting_bytes(route->slot);
    const std::span one{&route->partition, 1};
    if (!route->paused && waiting >= buffer_bytes_of_route_) {
      MILLRACE_CHECK(consumer_->pause(one));
      route->paused = true;
    } else if (route->paused && waiting <= buffer_bytes_of_route_ / 2) {
      MILLRACE_CHECK(consumer_->resume(one));
      route->paused = false;
    }
  }
  return {};
}

/// Tells tasks that wait for an empty partition whether it is at its end.
Result<void> JobImpl::find_awaited_ends() {
  for (auto& route : routes_) {
    const auto awaited = route->task->runner->awaited();
    if (std::ranges::find(awaited, route->slot) == awaited.end()) continue;
    MILLRACE_TRY(end, admin_->list_offset(route->partition, {OffsetKind::kLatest}));
    // Behind the last record there may be offsets without one: then what was polled says that the end is reached.
    route->task->runner->set_known_end(route->slot, end.offset.value() <= route->polled_to ? Offset{0} : end.offset);
  }
  return {};
}

void JobImpl::keeper_loop() {
  auto active_until = clock_.now();
  std::uint64_t seen_turns = 0;
  while (true) {
    {
      std::unique_lock lock{mutex_};
      if (clock_.now() < active_until) {
        changed_.wait_for(lock, kTick, [&] { return stopping_ || failure_; });
      } else {
        ++turn_waiters_;
        changed_.wait(lock, [&] { return stopping_ || failure_ || turns_ != seen_turns; });
        --turn_waiters_;
      }
      if (stopping_ || failure_) return;
      if (turns_ != seen_turns) {
        seen_turns = turns_;
        // Long enough after the last turn for everything that follows the wall clock.
        active_until = clock_.now() + std::chrono::seconds{2} + config_.commit_interval +
                       std::max(config_.flush_idle, std::chrono::milliseconds{0}) +
                       std::max(config_.close_idle, std::chrono::milliseconds{0}) * 2;
        if (config_.close_idle.count() >= 0) active_until = TimePoint::max();
      }
    }
    keep();
  }
}

void JobImpl::keep() {
  const auto now = clock_.now();
  if (auto updated = update_figures(now); !updated) return failed(updated.error());
  for (auto& task : tasks_) {
    if (auto kept = keep_task(*task, now); !kept) return failed(kept.error());
  }
}

Result<void> JobImpl::update_figures(TimePoint now) {
  const auto seconds = std::chrono::duration<double>(now - rate_since_).count();
  if (seconds < 0.5) return {};
  std::uint64_t lag = 0;
  for (const auto& route : routes_) {
    MILLRACE_TRY(end, admin_->list_offset(route->partition, {OffsetKind::kLatest}));
    const auto next = std::max(Offset{route->begin}, route->task->runner->applied().next[route->slot]);
    lag += static_cast<std::uint64_t>(std::max<std::int64_t>(0, end.offset - next));
  }
  std::uint64_t records = 0;
  for (const auto& task : tasks_) {
    records += task->runner->between_turns([](const TaskCore& core) { return core.counts().records; });
  }
  std::lock_guard lock{mutex_};
  const auto rate = static_cast<double>(records - rate_records_) / seconds;
  records_per_second_ = rate == 0 ? 0 : (records_per_second_ == 0 ? rate : records_per_second_ * 0.5 + rate * 0.5);
  rate_records_ = records;
  rate_since_ = now;
  lag_ = lag;
  return {};
}

Result<void> JobImpl::keep_task(Task& task, TimePoint now) {
  const auto idle = now - task.runner->last_turn();
  if (config_.flush_idle.count() >= 0 && idle >= config_.flush_idle) MILLRACE_CHECK(task.runner->flush());
  if (config_.close_idle.count() >= 0 && idle >= config_.close_idle) {
    const auto stream_time = task.runner->between_turns([](const TaskCore& core) { return core.stream_time(); });
    if (stream_time != detail::kNoTime) MILLRACE_CHECK(task.runner->tick(stream_time + kTick.count()));
  }
  return task.folder ? checkpoint_when_due(task, now) : Result<void>{};
}

}  // namespace millrace::streams
