#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "base/clock.h"
#include "base/executor.h"

namespace millrace {

/// Work that is due at a time unless it is cancelled first: the timeouts of waiting requests. Thousands a second that
/// are nearly all cancelled cost the executor a timer now and then, not one each.
///
/// Threading: any thread may call any function. Work runs on the executor, with no lock held.
class DeadlineQueue : public std::enable_shared_from_this<DeadlineQueue> {
 public:
  using Ticket = std::pair<TimePoint, std::uint64_t>;

  DeadlineQueue(Executor& executor, const Clock& clock) : executor_(executor), clock_(clock) {}

  /// O(log waiting).
  Ticket add(TimePoint when, Work work);
  /// The work will not run, unless it has begun.
  void cancel(const Ticket& ticket);
  /// Drops all of it, now and later.
  void close();

 private:
  void arm(TimePoint when);
  void fire(TimePoint armed);

  Executor& executor_;
  const Clock& clock_;
  std::mutex mutex_;
  std::uint64_t last_id_ = 0;
  std::map<Ticket, Work> waiting_;
  // The executor's timers that have not fired: none is set while an earlier one will look at the queue anyway.
  std::set<TimePoint> armed_;
  bool closed_ = false;
};

}  // namespace millrace
