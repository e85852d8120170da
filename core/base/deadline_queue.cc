#include "base/deadline_queue.h"

#include <vector>

namespace millrace {

DeadlineQueue::Ticket DeadlineQueue::add(TimePoint when, Work work) {
  Ticket ticket;
  bool has_to_arm = false;
  {
    const std::lock_guard lock{mutex_};
    ticket = {when, ++last_id_};
    if (closed_) return ticket;
    waiting_.emplace(ticket, std::move(work));
    has_to_arm = armed_.empty() || when < *armed_.begin();
    if (has_to_arm) armed_.insert(when);
  }
  if (has_to_arm) arm(when);
  return ticket;
}

void DeadlineQueue::cancel(const Ticket& ticket) {
  Work dropped;  // Declared first: what it holds goes after the lock is released.
  const std::lock_guard lock{mutex_};
  if (auto found = waiting_.extract(ticket)) dropped = std::move(found.mapped());
}

void DeadlineQueue::close() {
  std::map<Ticket, Work> dropped;  // As above.
  const std::lock_guard lock{mutex_};
  closed_ = true;
  dropped.swap(waiting_);
}

void DeadlineQueue::arm(TimePoint when) {
  executor_.post_at(when, [weak = weak_from_this(), when] {
    if (const auto self = weak.lock()) self->fire(when);
  });
}

void DeadlineQueue::fire(TimePoint armed) {
  std::vector<Work> due;
  bool has_to_arm = false;
  TimePoint next;
  {
    const std::lock_guard lock{mutex_};
    armed_.erase(armed);
    const auto now = clock_.now();
    while (!waiting_.empty() && waiting_.begin()->first.first <= now) {
      due.push_back(std::move(waiting_.extract(waiting_.begin()).mapped()));
    }
    if (!waiting_.empty()) {
      next = waiting_.begin()->first.first;
      has_to_arm = armed_.empty() || next < *armed_.begin();
      if (has_to_arm) armed_.insert(next);
    }
  }
  if (has_to_arm) arm(next);
  for (auto& work : due) work();
}

}  // namespace millrace
