#include "log/flusher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

namespace millrace {
namespace {

/// A log whose sync lasts until the test lets it end.
class SlowLog final : public Flushable {
 public:
  void begin_flush() override {}
  Result<void> sync() override {
    begun.count_down();
    may_end.wait();
    return {};
  }
  void end_flush(const Result<void>&) override { is_told = true; }

  std::latch begun{1};
  std::latch may_end{1};
  std::atomic<bool> is_told = false;
};

TEST(Flusher, StopsAfterTheRoundUnderWayAndBeginsNoOther) {
  Flusher flusher{Flusher::Options{.threads = 2}};
  const auto log = std::make_shared<SlowLog>();
  flusher.mark_dirty(log);
  log->begun.wait();
  bool was_told = false;
  std::thread stopper{[&] {
    flusher.stop();
    was_told = log->is_told;
  }};
  log->may_end.count_down();
  stopper.join();
  EXPECT_TRUE(was_told) << "who closes a log now would not know how its sync ends";

  flusher.mark_dirty(std::make_shared<SlowLog>());
  flusher.stop();
  EXPECT_EQ(flusher.rounds(), 1U);
}

}  // namespace
}  // namespace millrace
