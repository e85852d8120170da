#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "base/deadline.h"
#include "base/result.h"
#include "base/types.h"

namespace millrace {

/// Starts something that answers by callback and waits for the answer: the blocking form of a primitive. An answer that
/// comes too late is dropped. Errors: the answer's; `kTimedOut`, naming `what`.
template <class Answer>
[[nodiscard]] Result<Answer> wait_for(std::string_view what, Duration timeout,
                                      const std::function<void(std::move_only_function<void(Answer)>)>& start) {
  struct Meeting {
    std::mutex mutex;
    std::condition_variable answered;
    std::optional<Answer> answer;
  };
  const auto meeting = std::make_shared<Meeting>();
  start([meeting](Answer answer) {
    const std::lock_guard lock{meeting->mutex};
    meeting->answer.emplace(std::move(answer));
    meeting->answered.notify_all();
  });
  std::unique_lock lock{meeting->mutex};
  if (!meeting->answered.wait_until(lock, deadline_in(timeout), [&] { return meeting->answer.has_value(); })) {
    return fail(ErrorCode::kTimedOut, std::string{what} + ": no answer in time");
  }
  return *std::move(meeting->answer);
}

}  // namespace millrace
