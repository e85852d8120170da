#include "base/deadline_queue.h"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "support/manual_executor.h"

namespace millrace::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

class DeadlineQueueTest : public ::testing::Test {
 protected:
  DeadlineQueue::Ticket add(std::chrono::milliseconds after, const std::string& name) {
    return queue_->add(clock_.now() + after, [this, name] { ran_.push_back(name); });
  }

  ManualClock clock_;
  ManualExecutor executor_{clock_};
  std::shared_ptr<DeadlineQueue> queue_ = std::make_shared<DeadlineQueue>(executor_, clock_);
  std::vector<std::string> ran_;
};

TEST_F(DeadlineQueueTest, RunsWhatIsDueAndNothingElse) {
  add(20ms, "late");
  add(10ms, "early");
  executor_.advance(10ms);
  EXPECT_THAT(ran_, ElementsAre("early"));
  executor_.advance(10ms);
  EXPECT_THAT(ran_, ElementsAre("early", "late"));
}

TEST_F(DeadlineQueueTest, DoesNotRunWhatWasCancelled) {
  const auto ticket = add(10ms, "cancelled");
  add(10ms, "kept");
  queue_->cancel(ticket);
  executor_.advance(1s);
  EXPECT_THAT(ran_, ElementsAre("kept"));
}

TEST_F(DeadlineQueueTest, CostsTheExecutorFewTimersForManyRequests) {
  for (int i = 0; i < 10'000; ++i) {
    queue_->cancel(add(30s, "timeout"));
    executor_.advance(1ms);
  }
  EXPECT_LE(executor_.timer_count(), 2U);
  EXPECT_THAT(ran_, IsEmpty());
}

TEST_F(DeadlineQueueTest, DropsEverythingWhenItCloses) {
  add(10ms, "dropped");
  queue_->close();
  add(10ms, "too late");
  executor_.advance(1s);
  EXPECT_THAT(ran_, IsEmpty());
}

}  // namespace
}  // namespace millrace::test
