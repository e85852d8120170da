#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <condition_variable>
#include <memory>
#include <mutex>

#include "runtime/scheduler.h"

namespace millrace::streams {
namespace {

class TbbScheduler final : public Scheduler {
 public:
  // No slot is kept for callers, none of which ever waits inside; oneTBB starts one thread fewer than it may use.
  explicit TbbScheduler(std::size_t threads)
      : threads_(threads),
        control_(tbb::global_control::max_allowed_parallelism, threads + 1),
        arena_(static_cast<int>(threads), 0) {}

  ~TbbScheduler() override {
    std::unique_lock lock{mutex_};
    idle_.wait(lock, [&] { return running_ == 0; });
  }

  void post(Work work) override {
    {
      std::lock_guard lock{mutex_};
      ++running_;
    }
    // The arena takes functions that can be copied.
    auto shared = std::make_shared<Work>(std::move(work));
    arena_.enqueue([this, shared] {
      (*shared)();
      *shared = nullptr;
      std::lock_guard lock{mutex_};
      if (--running_ == 0) idle_.notify_all();
    });
  }
  [[nodiscard]] std::size_t threads() const override { return threads_; }

 private:
  std::size_t threads_;
  tbb::global_control control_;
  tbb::task_arena arena_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t running_ = 0;
};

}  // namespace

std::unique_ptr<Scheduler> make_tbb_scheduler(std::size_t threads) { return std::make_unique<TbbScheduler>(threads); }

}  // namespace millrace::streams
