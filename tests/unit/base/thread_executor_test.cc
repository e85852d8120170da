#include "base/thread_executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace millrace {
namespace {

TEST(ThreadExecutor, RunsWorkOnOtherThreadsAndNotInsidePost) {
  ThreadExecutor executor{2};
  std::latch done{10};
  std::atomic<bool> ran_here = false;
  const auto here = std::this_thread::get_id();
  for (int i = 0; i < 10; ++i) {
    executor.post([&] {
      if (std::this_thread::get_id() == here) ran_here = true;
      done.count_down();
    });
  }
  done.wait();
  EXPECT_FALSE(ran_here);
}

TEST(ThreadExecutor, RunsTimersInTheOrderOfTheirTimes) {
  ThreadExecutor executor{1};
  std::mutex mutex;
  std::vector<int> order;
  std::latch done{3};
  const auto start = std::chrono::steady_clock::now();
  for (const int number : {3, 1, 2}) {
    executor.post_at(start + std::chrono::milliseconds{number}, [&, number] {
      const std::lock_guard lock{mutex};
      order.push_back(number);
      done.count_down();
    });
  }
  done.wait();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(ThreadExecutor, WaitsForTheWorkUnderWayAndDropsTheRest) {
  std::atomic<bool> finished = false;
  const auto held = std::make_shared<int>(0);
  {
    ThreadExecutor executor{1};
    std::latch begun{1};
    std::latch go_on{1};
    executor.post([&] {
      begun.count_down();
      go_on.wait();
      finished = true;
    });
    begun.wait();
    executor.post_at(std::chrono::steady_clock::now() + std::chrono::hours{1}, [held] { ADD_FAILURE(); });
    go_on.count_down();
  }
  EXPECT_TRUE(finished);
  EXPECT_EQ(held.use_count(), 1) << "what dropped work held is gone";
}

TEST(ThreadExecutor, MayEndOnOneOfItsOwnThreads) {
  auto executor = std::make_shared<ThreadExecutor>(2);
  auto* const raw = executor.get();
  const auto ended = std::make_shared<std::latch>(1);
  raw->post([executor = std::move(executor), ended]() mutable {
    executor.reset();
    ended->count_down();
  });
  ended->wait();
}

}  // namespace
}  // namespace millrace
