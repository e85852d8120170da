#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>

#include "broker/broker_calls.h"

namespace millrace {

/// Where a consumer's thread waits, and what ends the wait.
///
/// Threading: whoever touches a member holds the mutex.
struct ConsumerWaiter {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<FetchAnswer> answer;
  bool wakeup = false;
  bool closed = false;
  /// Something happened in the group.
  bool event = false;
  bool time_over = false;

  /// With the mutex held.
  void tell_event() {
    event = true;
    changed.notify_all();
  }
};

}  // namespace millrace
