#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "base/duration_histogram.h"
#include "base/result.h"
#include "base/types.h"

namespace millrace {

/// Something with writes that are not yet durable: a partition's log.
///
/// Threading: the three functions of one flush are called in turn, from one thread at a time, never twice at once.
class Flushable {
 public:
  virtual ~Flushable() = default;
  /// Notes what the sync that follows will make durable. Writes from now on belong to the next flush.
  virtual void begin_flush() = 0;
  /// Waits for the disk, on any of the flusher's threads.
  [[nodiscard]] virtual Result<void> sync() = 0;
  /// The round is over: tells those who wait.
  virtual void end_flush(const Result<void>& result) = 0;
};

/// Group commit: makes written bytes durable, many writers' with one sync.
///
///     idle --mark_dirty--> round: begin_flush all dirty | sync them, in parallel | end_flush all --+
///       ^                                                                                           |
///       +---------------- nothing became dirty meanwhile <-----------------------------------------+
///
/// A round takes everything that is dirty when it begins, and the next begins as soon as one is done and something is
/// dirty: the load itself sets the size of the groups. An idle flusher sleeps.
///
/// Threading: any thread may call any function. With `threads` = 0 it has no thread, and `run_round` is called by hand:
/// the simulator's way.
class Flusher {
 public:
  struct Options {
    /// How many syncs may run at once. They are started when first needed.
    std::size_t threads = 4;
    /// Measures the rounds; null: they are only counted. Outlives the flusher.
    const Clock* clock = nullptr;
  };

  explicit Flusher(Options options);
  Flusher() : Flusher(Options{}) {}
  /// Finishes the round under way; what is dirty and not in it is not synced.
  ~Flusher();

  /// `log` will be in the next round. Cheap; the caller keeps from calling it again before `begin_flush`.
  void mark_dirty(std::shared_ptr<Flushable> log);

  /// Finishes the round under way and begins no more: whoever closes a log afterwards syncs what is left of it, and
  /// knows how the last round ended. Idempotent. Not from a `Flushable`.
  void stop();

  /// One round now, on this thread, unless nothing is dirty; false then. Only with `threads` = 0.
  bool run_round();

  /// Rounds so far.
  [[nodiscard]] std::uint64_t rounds() const;
  /// How long they took, where there is a clock.
  [[nodiscard]] const DurationHistogram& times() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace
