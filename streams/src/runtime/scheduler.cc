#include "runtime/scheduler.h"

#include "base/thread_executor.h"

namespace millrace::streams {
namespace {

// Debian's oneTBB is not instrumented, so the thread sanitizer would report what is none of ours.
#ifdef __SANITIZE_THREAD__
constexpr bool kSanitizesThreads = true;
#else
constexpr bool kSanitizesThreads = false;
#endif

class ThreadScheduler final : public Scheduler {
 public:
  explicit ThreadScheduler(std::size_t threads) : threads_(threads), executor_(threads) {}
  void post(Work work) override { executor_.post(std::move(work)); }
  [[nodiscard]] std::size_t threads() const override { return threads_; }

 private:
  std::size_t threads_;
  ThreadExecutor executor_;
};

}  // namespace

std::unique_ptr<Scheduler> make_thread_scheduler(std::size_t threads) {
  return std::make_unique<ThreadScheduler>(threads);
}

std::unique_ptr<Scheduler> make_scheduler(std::string_view name, std::size_t threads) {
  return name == "threads" || kSanitizesThreads ? make_thread_scheduler(threads) : make_tbb_scheduler(threads);
}

}  // namespace millrace::streams
