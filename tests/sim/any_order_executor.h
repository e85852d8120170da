#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <utility>

#include "base/clock.h"
#include "base/executor.h"
#include "base/random.h"

namespace millrace::test {

/// Runs what it is given when the test says so: first come, first served, or in any order, as threads would; the seed
/// decides which.
///
/// Threading: one thread.
class AnyOrderExecutor final : public Executor {
 public:
  AnyOrderExecutor(const ManualClock& clock, std::uint64_t seed)
      : clock_(clock), random_(seed), any_order_(random_.one_in(2)) {}

  void post(Work work) override { ready_.push_back(std::move(work)); }
  void post_at(TimePoint when, Work work) override { timers_.emplace(when, std::move(work)); }

  /// Runs one piece of work that is ready or due; false if there is none.
  bool run_one() {
    while (!timers_.empty() && timers_.begin()->first <= clock_.now()) {
      ready_.push_back(std::move(timers_.extract(timers_.begin()).mapped()));
    }
    if (ready_.empty()) return false;
    const auto at = static_cast<std::ptrdiff_t>(any_order_ ? random_.below(ready_.size()) : 0);
    auto work = std::move(ready_[static_cast<std::size_t>(at)]);
    ready_.erase(ready_.begin() + at);
    work();
    return true;
  }

 private:
  const ManualClock& clock_;
  Random random_;
  const bool any_order_;
  std::deque<Work> ready_;
  std::multimap<TimePoint, Work> timers_;
};

}  // namespace millrace::test
