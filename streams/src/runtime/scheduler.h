#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/executor.h"

namespace millrace::streams {

/// What runs the turns of a job's tasks: the seam between the runtime and threads.
///
/// Threading: any thread. What was posted runs before the scheduler is gone, or not at all.
class Scheduler {
 public:
  virtual ~Scheduler() = default;
  /// Runs `work` soon, never inside this call.
  virtual void post(Work work) = 0;
  /// How many pieces of work it runs at once.
  [[nodiscard]] virtual std::size_t threads() const = 0;
};

/// oneTBB: an arena of its own.
[[nodiscard]] std::unique_ptr<Scheduler> make_tbb_scheduler(std::size_t threads);
/// Plain threads: for the thread sanitizer, which does not know oneTBB's.
[[nodiscard]] std::unique_ptr<Scheduler> make_thread_scheduler(std::size_t threads);
/// By the name that `stream.scheduler` has.
[[nodiscard]] std::unique_ptr<Scheduler> make_scheduler(std::string_view name, std::size_t threads);

}  // namespace millrace::streams
