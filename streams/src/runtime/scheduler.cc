#include "runtime/scheduler.h"

#include "base/thread_executor.h"

namespace millrace::streams {
namespace {

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
  return name == "threads" ? make_thread_scheduler(threads) : make_tbb_scheduler(threads);
}

}  // namespace millrace::streams
