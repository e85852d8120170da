#include "runtime/task_runner.h"

#include <algorithm>

#include "base/assert.h"

namespace millrace::streams {

TaskRunner::TaskRunner(std::string name, std::unique_ptr<TaskCore> core, TaskInput input, Scheduler& scheduler,
                       OutputSender& outputs, const Clock& clock, Listener listener)
    : name_(std::move(name)),
      core_(std::move(core)),
      scheduler_(scheduler),
      outputs_(outputs),
      clock_(clock),
      listener_(std::move(listener)),
      most_chunks_(scheduler.threads() + 2),
      input_(std::move(input)),
      applied_(input_.position()),
      last_turn_(clock.now()) {}

TaskRunner::~TaskRunner() {
  std::lock_guard lock{mutex_};
  MILLRACE_ASSERT(workers_ == 0);
}

void TaskRunner::push(std::size_t slot, PolledBatch batch) {
  std::lock_guard lock{mutex_};
  input_.push(slot, std::move(batch));
  may_have_input_ = true;
  ask_for_workers();
}

void TaskRunner::set_known_end(std::size_t slot, Offset end) {
  std::lock_guard lock{mutex_};
  input_.set_known_end(slot, end);
  may_have_input_ = true;
  ask_for_workers();
}

std::size_t TaskRunner::waiting_bytes(std::size_t slot) const {
  std::lock_guard lock{mutex_};
  return input_.waiting_bytes(slot);
}

std::vector<std::size_t> TaskRunner::awaited() const {
  std::lock_guard lock{mutex_};
  return input_.awaited();
}

std::size_t TaskRunner::waiting_records() const {
  std::lock_guard lock{mutex_};
  auto records = input_.waiting_records();
  for (const auto& entry : chunks_) records += entry.chunk->size;
  return records;
}

bool TaskRunner::is_drained() const {
  std::lock_guard lock{mutex_};
  return chunks_.empty() && !input_.has_waiting();
}

InputPosition TaskRunner::applied() const {
  std::lock_guard lock{mutex_};
  return applied_;
}

TimePoint TaskRunner::last_turn() const {
  std::lock_guard lock{mutex_};
  return last_turn_;
}

Timestamp TaskRunner::newest_record() const {
  std::lock_guard lock{mutex_};
  return newest_record_;
}

void TaskRunner::append_latencies(std::vector<float>& all) const {
  std::lock_guard lock{mutex_};
  latencies_.append_to(all);
}

double TaskRunner::last_latency() const {
  std::lock_guard lock{mutex_};
  return latencies_.last();
}

void TaskRunner::stop() {
  std::unique_lock lock{mutex_};
  stopping_ = true;
  idle_.wait(lock, [&] { return workers_ == 0 && (failed_ || chunks_.empty()); });
  chunks_.clear();
}

bool TaskRunner::can_cut() const {
  return may_have_input_ && !stopping_ && chunks_.size() < most_chunks_ && input_.has_waiting();
}

bool TaskRunner::has_step() const {
  if (failed_) return false;
  if (!chunks_.empty() && chunks_.front().phase == Phase::kReady) return true;
  return can_cut() || std::ranges::any_of(chunks_, [](const auto& entry) {
           return entry.phase == Phase::kCut || entry.phase == Phase::kSequenced;
         });
}

void TaskRunner::ask_for_workers() {
  if (workers_ >= scheduler_.threads() || !has_step()) return;
  ++workers_;
  scheduler_.post([this] { work(); });
}

void TaskRunner::cut_chunk() {
  auto chunk = spare_.empty() ? core_->make_chunk() : std::move(spare_.back());
  if (!spare_.empty()) spare_.pop_back();
  chunk->clear();
  if (input_.next_chunk(*chunk)) {
    chunks_.push_back({std::move(chunk), Phase::kCut});
  } else {
    spare_.push_back(std::move(chunk));
    may_have_input_ = false;
  }
}

/// What to do next, most urgent first; null when there is nothing for this worker.
TaskRunner::Entry* TaskRunner::next_step(Entry* hot) {
  if (failed_) return nullptr;
  const auto begin = [](Entry& entry, Phase phase) {
    entry.phase = phase;
    return &entry;
  };
  if (hot != nullptr && hot->phase == Phase::kSequenced) return begin(*hot, Phase::kInFront);
  if (!chunks_.empty() && chunks_.front().phase == Phase::kReady) return begin(chunks_.front(), Phase::kInBack);
  for (auto& entry : chunks_) {
    if (entry.phase == Phase::kSequenced) return begin(entry, Phase::kInFront);
  }
  if (can_cut()) cut_chunk();
  for (auto& entry : chunks_) {
    if (entry.phase == Phase::kCut) return begin(entry, Phase::kDecoding);
  }
  return nullptr;
}

void TaskRunner::work() {
  std::unique_lock lock{mutex_};
  Entry* entry = nullptr;
  while ((entry = next_step(entry)) != nullptr) {
    ask_for_workers();
    const auto phase = entry->phase;
    lock.unlock();
    run(*entry);
    lock.lock();
    finish(*entry);
    if (phase == Phase::kInBack) entry = nullptr;
  }
  --workers_;
  idle_.notify_all();
}

void TaskRunner::run(Entry& entry) {
  switch (entry.phase) {
    case Phase::kDecoding:
      return core_->decode(*entry.chunk);
    case Phase::kInFront:
      return core_->front(*entry.chunk);
    case Phase::kInBack:
      return turn(entry);
    default:
      MILLRACE_ASSERT(false);
  }
}

void TaskRunner::finish(Entry& entry) {
  switch (entry.phase) {
    case Phase::kDecoding:
      entry.phase = Phase::kDecoded;
      for (auto& next : chunks_) {
        if (next.phase == Phase::kCut || next.phase == Phase::kDecoding) break;
        if (next.phase != Phase::kDecoded) continue;
        core_->sequence(*next.chunk);
        next.phase = Phase::kSequenced;
      }
      break;
    case Phase::kInFront:
      entry.phase = Phase::kReady;
      break;
    case Phase::kInBack:
      if (failed_) break;
      entry.chunk->clear();
      spare_.push_back(std::move(entry.chunk));
      chunks_.pop_front();
      break;
    default:
      MILLRACE_ASSERT(false);
  }
}

void TaskRunner::turn(Entry& entry) {
  const auto& chunk = *entry.chunk;
  Result<void> result;
  {
    std::unique_lock gate{gate_};
    std::lock_guard state{turn_};
    gate.unlock();
    result = core_->back(*entry.chunk, outputs_);
    if (result) {
      std::lock_guard lock{mutex_};
      applied_ = chunk.after;
      last_turn_ = clock_.now();
      for (const auto& piece : chunk.pieces) newest_record_ = std::max(newest_record_, piece.records.back().timestamp);
      if (!chunk.pieces.empty()) {
        const auto newest = chunk.pieces.back().records.back().timestamp;
        latencies_.add(std::max<double>(0, static_cast<double>((clock_.wall() - newest).count())));
      }
    }
  }
  if (result) {
    listener_.on_turn();
  } else {
    fail(result.error());
  }
}

void TaskRunner::fail(const Error& error) {
  {
    std::lock_guard lock{mutex_};
    failed_ = true;
  }
  listener_.on_failure(error);
}

Result<void> TaskRunner::flush() {
  return between_turns([&](TaskCore& core) -> Result<void> {
    if (!core.has_unflushed()) return {};
    const auto chunk = core.make_chunk();
    core.make_flush(*chunk);
    return core.back(*chunk, outputs_);
  });
}

Result<void> TaskRunner::tick(std::int64_t stream_time) {
  return between_turns([&](TaskCore& core) -> Result<void> {
    const auto chunk = core.make_chunk();
    {
      std::lock_guard lock{mutex_};
      if (!chunks_.empty() || input_.has_waiting() || core.stream_time() >= stream_time) return {};
      core.make_clock_tick(*chunk, stream_time);
    }
    return core.back(*chunk, outputs_);
  });
}

}  // namespace millrace::streams
