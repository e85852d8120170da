#include "coordinator/coordinator_shard.h"

#include <limits>
#include <utility>

namespace millrace {
namespace {

constexpr std::size_t kLoadBytes = 1U << 20;

}  // namespace

CoordinatorShard::CoordinatorShard(PartitionIndex partition, std::shared_ptr<CoordinatorContext> context,
                                   std::string_view topic)
    : partition_(partition), context_(std::move(context)), topic_(topic) {}

// --- loading ---------------------------------------------------------------------------------------------------------

void CoordinatorShard::load() {
  const auto start = context_->log->start(partition_);
  if (!start) return load_failed(start.error());
  read_on(*start);
}

void CoordinatorShard::load_again() {
  const auto start = context_->log->start(partition_);
  if (!start) return;
  {
    const std::lock_guard lock{mutex_};
    if (state_ != State::kFailed) return;
    state_ = State::kLoading;
    // Whoever read before has given up: nobody replays now.
    restart_replay();
  }
  read_on(*start);
}

void CoordinatorShard::read_on(Offset from) {
  // A piece at a time: other work of the executor takes its turn.
  context_->executor.post([weak = weak_from_this(), from] {
    const auto self = weak.lock();
    if (!self) return;
    const auto slice = self->context_->log->read(self->partition_, from, kLoadBytes);
    if (!slice) return self->load_failed(slice.error());
    if (!slice->bytes.empty()) {
      const auto next = self->replay(slice->bytes);
      if (!next) return self->load_failed(next.error());
      if (*next <= from) return self->load_failed({ErrorCode::kCorruptLog, "its records do not follow one another"});
      return self->read_on(*next);
    }
    Outbox out;
    {
      const std::lock_guard lock{self->mutex_};
      if (self->state_ != State::kLoading) return;
      self->state_ = State::kActive;
      self->loaded(out);
    }
    out.send();
  });
}

void CoordinatorShard::load_failed(const Error& error) {
  {
    const std::lock_guard lock{mutex_};
    if (state_ != State::kLoading) return;
    state_ = State::kFailed;
    if (std::exchange(load_failure_, error.message()) == error.message()) return;
  }
  context_->logger.error("what {}-{} holds cannot be served: {}", topic_, partition_.value(), error.message());
}

ErrorCode CoordinatorShard::unavailable() const {
  switch (state_) {
    case State::kActive:
      return ErrorCode::kNone;
    case State::kLoading:
      return ErrorCode::kCoordinatorLoadInProgress;
    case State::kFailed:
      return ErrorCode::kNotCoordinator;
    case State::kClosed:
      break;
  }
  return ErrorCode::kCoordinatorNotAvailable;
}

void CoordinatorShard::end_waits() {
  Outbox out;
  {
    const std::lock_guard lock{mutex_};
    answer_waiting(out);
  }
  out.send();
}

void CoordinatorShard::close() {
  {
    const std::lock_guard lock{mutex_};
    if (state_ == State::kClosed) return;
    state_ = State::kClosed;
  }
  durable(Offset{std::numeric_limits<std::int64_t>::max()}, fail(ErrorCode::kClosed, "the broker is closed"));
  end_waits();
}

// --- writes ----------------------------------------------------------------------------------------------------------

void CoordinatorShard::append_failed(const Error& error) {
  // Said once, until a write succeeds: a full disk refuses many before there is room again.
  if (std::exchange(append_failed_, true)) return;
  context_->logger.error("cannot write to {}-{}: {}", topic_, partition_.value(), error.message());
}

void CoordinatorShard::await(Offset end, Then then, Outbox& out) {
  writes_.emplace_back(end).then.push_back(std::move(then));
  out.add([self = shared_from_this(), end] {
    // A log that fails tells inside of somebody's append, which is under our lock: so the news is taken elsewhere.
    self->context_->log->when_durable(self->partition_, end, [weak = std::weak_ptr{self}, end](Result<void> result) {
      const auto shard = weak.lock();
      if (!shard) return;
      shard->context_->executor.post([weak, end, result = std::move(result)] {
        if (const auto later = weak.lock()) later->durable(end, result);
      });
    });
  });
}

void CoordinatorShard::then_after_last_write(Then then) { writes_.back().then.push_back(std::move(then)); }

void CoordinatorShard::durable(Offset end, const Result<void>& result) {
  Outbox out;
  {
    const std::lock_guard lock{mutex_};
    while (!writes_.empty() && writes_.front().end <= end) {
      auto write = std::move(writes_.front());
      writes_.pop_front();
      for (auto& then : write.then) then(result ? ErrorCode::kNone : told(result.error()), out);
    }
  }
  out.send();
}

// --- timers ----------------------------------------------------------------------------------------------------------

void CoordinatorShard::arm(std::optional<TimePoint>& armed, const std::string& id, std::optional<TimePoint> next) {
  if (!next || (armed && *armed <= *next)) return;
  armed = next;
  context_->deadlines->add(*next, [weak = weak_from_this(), id, when = *next] {
    if (const auto self = weak.lock()) self->timer(id, when);
  });
}

void CoordinatorShard::timer(const std::string& id, TimePoint when) {
  Outbox out;
  {
    const std::lock_guard lock{mutex_};
    if (state_ != State::kActive) return;
    wake(id, when, out);
  }
  out.send();
}

}  // namespace millrace
