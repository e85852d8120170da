#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include "base/clock.h"
#include "base/executor.h"

namespace millrace::test {

/// Runs what it is given when the test says so, on the test's thread, with a clock that the test moves.
///
/// Threading: `post` from any thread; the rest from the test's.
class ManualExecutor final : public Executor {
 public:
  explicit ManualExecutor(ManualClock& clock) : clock_(clock) {}

  void post(Work work) override {
    const std::lock_guard lock{mutex_};
    ready_.push_back(std::move(work));
  }
  void post_at(TimePoint when, Work work) override {
    const std::lock_guard lock{mutex_};
    timers_.emplace(when, std::move(work));
  }

  /// Runs one piece of work that is ready or due; false if there is none.
  bool run_one() {
    Work work;
    {
      const std::lock_guard lock{mutex_};
      if (!ready_.empty()) {
        work = std::move(ready_.front());
        ready_.pop_front();
      } else if (!timers_.empty() && timers_.begin()->first <= clock_.now()) {
        work = std::move(timers_.extract(timers_.begin()).mapped());
      } else {
        return false;
      }
    }
    work();
    return true;
  }
  /// Runs one timer that is due, before what was ready before it.
  bool run_timer() {
    Work work;
    {
      const std::lock_guard lock{mutex_};
      if (timers_.empty() || timers_.begin()->first > clock_.now()) return false;
      work = std::move(timers_.extract(timers_.begin()).mapped());
    }
    work();
    return true;
  }
  /// Runs until nothing is ready or due.
  void run_all() {
    while (run_one()) {
    }
  }
  /// Timers that have not fired.
  [[nodiscard]] std::size_t timer_count() const {
    const std::lock_guard lock{mutex_};
    return timers_.size();
  }
  /// Moves the clock, and runs what becomes due.
  void advance(std::chrono::milliseconds by) {
    clock_.advance(by);
    run_all();
  }

 private:
  ManualClock& clock_;
  mutable std::mutex mutex_;
  std::deque<Work> ready_;
  std::multimap<TimePoint, Work> timers_;
};

}  // namespace millrace::test
