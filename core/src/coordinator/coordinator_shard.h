#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffers.h"
#include "base/clock.h"
#include "base/deadline_queue.h"
#include "base/executor.h"
#include "base/logger.h"
#include "coordinator/coordinator_log.h"
#include "coordinator/coordinator_time.h"

namespace millrace {

/// What the shards of a coordinator stand on.
struct CoordinatorContext {
  std::shared_ptr<CoordinatorLog> log;
  std::shared_ptr<DeadlineQueue> deadlines;
  Executor& executor;
  const Clock& clock;
  Logger& logger;
  /// Records are small: little memory is worth keeping.
  BufferPool buffers{1U << 20};
};

/// Calls that wait until no lock is held.
class Outbox {
 public:
  void add(Work call) { calls_.push_back(std::move(call)); }
  void send() {
    for (auto& call : calls_) call();
  }

 private:
  std::vector<Work> calls_;
};

/// A partition of a coordinator's topic, and the state machines that it keeps: what every kind of shard does in the
/// same way. It reads the partition once, then only writes it, and tells in the order of the writes when each is
/// durable; it wakes its state machines when they asked to be.
///
///     Loading ---------> Active ----+
///      ^ |  read to the end         | close
///      | +--> Failed ---------------+--> Closed
///      +--------+ load_again
///
/// Threading: any thread may call any public function. What is below runs with the mutex held where it says so, and
/// whatever is to be told goes into an outbox that is sent when the mutex is free.
class CoordinatorShard : public std::enable_shared_from_this<CoordinatorShard> {
 public:
  virtual ~CoordinatorShard() = default;

  /// Reads the partition, on the executor. Until that is done calls are answered `kCoordinatorLoadInProgress`.
  void load();
  /// The same if that has failed and the partition can be read now, of which it keeps nothing that it had read.
  void load_again();
  /// Answers whatever waits; the state machines stay.
  void end_waits();
  /// The same, and every later call is answered `kCoordinatorNotAvailable`; so are writes that nothing has been heard
  /// of. After the log was closed.
  void close();
  /// Forgets what nobody has needed for long enough.
  virtual void expire() = 0;

 protected:
  using Then = std::move_only_function<void(ErrorCode, Outbox&)>;

  /// `topic` is the log's, for messages.
  CoordinatorShard(PartitionIndex partition, std::shared_ptr<CoordinatorContext> context, std::string_view topic);

  /// Takes whole batches and gives the offset behind them. On the executor, before anything else can happen: no lock.
  [[nodiscard]] virtual Result<Offset> replay(Bytes batches) = 0;
  /// Drops what `replay` took: it begins anew.
  virtual void restart_replay() = 0;

  // All of these, and all of the next, with the mutex held.
  virtual void loaded(Outbox& out) = 0;
  virtual void answer_waiting(Outbox& out) = 0;
  /// What who waits is told when a record cannot be written.
  [[nodiscard]] virtual ErrorCode told(const Error& error) const = 0;
  /// The timer that was set for `when` is due.
  virtual void wake(const std::string& id, TimePoint when, Outbox& out) = 0;

  [[nodiscard]] ErrorCode unavailable() const;
  [[nodiscard]] bool is_active() const { return state_ == State::kActive; }
  [[nodiscard]] CoordinatorTime time() const { return {.now = context_->clock.now(), .wall = context_->clock.wall()}; }
  /// Sees to it that `wake` is called at `next` at the latest; `armed` is when it will be, of this `id`.
  void arm(std::optional<TimePoint>& armed, const std::string& id, std::optional<TimePoint> next);

  /// What was appended ends at `end`: `then`, when all before that is durable or cannot become so.
  void await(Offset end, Then then, Outbox& out);
  [[nodiscard]] std::size_t writes_waiting() const { return writes_.size(); }
  /// Also `then` after what was appended last; there is something.
  void then_after_last_write(Then then);
  void append_failed(const Error& error);
  void append_succeeded() { append_failed_ = false; }

  std::mutex mutex_;
  const PartitionIndex partition_;

 private:
  enum class State : std::uint8_t { kLoading, kActive, kFailed, kClosed };
  /// Written and not yet durable.
  struct Write {
    Offset end;
    std::vector<Then> then;
  };

  void read_on(Offset from);
  void load_failed(const Error& error);
  void durable(Offset end, const Result<void>& result);
  void timer(const std::string& id, TimePoint when);

  const std::shared_ptr<CoordinatorContext> context_;
  const std::string_view topic_;
  State state_ = State::kLoading;
  /// Why it could not be loaded last: said once, however often it is tried.
  std::string load_failure_;
  std::deque<Write> writes_;
  bool append_failed_ = false;
};

}  // namespace millrace
