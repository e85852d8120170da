#pragma once

#include <algorithm>
#include <chrono>

#include "base/types.h"

// Deadlines of callers, who may wait for ever.

namespace millrace {

/// `timeout` after `now`, also when it is for ever.
[[nodiscard]] inline TimePoint deadline_after(TimePoint now, Duration timeout) {
  return timeout > TimePoint::max() - now ? TimePoint::max() : now + timeout;
}

/// The same from now, by the machine's clock.
[[nodiscard]] inline TimePoint deadline_in(Duration timeout) {
  return deadline_after(std::chrono::steady_clock::now(), timeout);
}

/// What is left until `deadline`, never below zero.
[[nodiscard]] inline Duration left_until(TimePoint deadline, TimePoint now) {
  return std::max<Duration>(deadline - now, Duration::zero());
}
[[nodiscard]] inline Duration left_until(TimePoint deadline) {
  return left_until(deadline, std::chrono::steady_clock::now());
}

}  // namespace millrace
