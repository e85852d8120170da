#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "runtime/latency.h"
#include "runtime/scheduler.h"
#include "runtime/task_core.h"
#include "runtime/task_input.h"

namespace millrace::streams {

/// One task on a scheduler's threads: chunks go through its stages, several at once, and come back in order.
///
///                 any thread        in order         any thread         in order
///     input ---> decode ---------> sequence -------> front -----------> back (a turn)
///          cut                     (stream time)     (pre-aggregation)  (state, outputs)
///
/// At most `threads` workers and `threads` + 2 chunks are under way: what waits beyond that stays in the input, whose
/// bytes the poll thread bounds. A worker goes on with the chunk it has just had in its cache before it takes another.
///
/// Threading: any thread may call any function.
class TaskRunner {
 public:
  /// Called without any lock of the runner's.
  struct Listener {
    std::function<void()> on_turn;
    std::function<void(const Error&)> on_failure;
  };

  TaskRunner(std::string name, std::unique_ptr<TaskCore> core, TaskInput input, Scheduler& scheduler,
             OutputSender& outputs, const Clock& clock, Listener listener);
  /// `stop` was called before.
  ~TaskRunner();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::vector<TaskInput::Slot>& slots() const { return input_.slots(); }

  void push(std::size_t slot, PolledBatch batch);
  void set_known_end(std::size_t slot, Offset end);
  [[nodiscard]] std::size_t waiting_bytes(std::size_t slot) const;
  [[nodiscard]] std::vector<std::size_t> awaited() const;

  /// Takes no further chunks and waits until those under way are done.
  void stop();
  /// Nothing waits and nothing is under way.
  [[nodiscard]] bool is_drained() const;
  /// Behind the last record that is in the state.
  [[nodiscard]] InputPosition applied() const;
  [[nodiscard]] std::size_t waiting_records() const;
  /// When the last turn with records was done; the start at first.
  [[nodiscard]] TimePoint last_turn() const;
  void append_latencies(std::vector<float>& all) const;
  [[nodiscard]] double last_latency() const;
  [[nodiscard]] Timestamp newest_record() const;

  /// Calls `f(core)` between two turns; no turn begins until it returns.
  template <class F>
  auto between_turns(F&& f) {
    std::unique_lock gate{gate_};
    std::lock_guard turn{turn_};
    gate.unlock();
    return f(*core_);
  }

  /// Gives the results that wait for a flush point. Errors: as a turn.
  [[nodiscard]] Result<void> flush();
  /// Stream time goes on to `stream_time` if no record is under way.
  [[nodiscard]] Result<void> tick(std::int64_t stream_time);

 private:
  enum class Phase : std::uint8_t { kCut, kDecoding, kDecoded, kSequenced, kInFront, kReady, kInBack };
  struct Entry {
    std::unique_ptr<InputChunk> chunk;
    Phase phase = Phase::kCut;
  };

  void work();
  [[nodiscard]] Entry* next_step(Entry* hot);
  void cut_chunk();
  void run(Entry& entry);
  void finish(Entry& entry);
  void turn(Entry& entry);
  void fail(const Error& error);
  [[nodiscard]] bool can_cut() const;
  [[nodiscard]] bool has_step() const;
  void ask_for_workers();

  const std::string name_;
  const std::unique_ptr<TaskCore> core_;
  Scheduler& scheduler_;
  OutputSender& outputs_;
  const Clock& clock_;
  const Listener listener_;
  const std::size_t most_chunks_;

  std::mutex gate_;  ///< who waits for `turn_` comes before the next turn
  std::mutex turn_;  ///< the state

  mutable std::mutex mutex_;  ///< all below
  std::condition_variable idle_;
  TaskInput input_;
  std::deque<Entry> chunks_;  ///< under way, in order
  std::vector<std::unique_ptr<InputChunk>> spare_;
  std::size_t workers_ = 0;
  bool stopping_ = false;
  bool failed_ = false;
  bool may_have_input_ = false;
  InputPosition applied_;
  TimePoint last_turn_;
  Timestamp newest_record_ = kNoTimestamp;
  RecentLatencies latencies_;
};

}  // namespace millrace::streams
