#include "base/task.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

namespace millrace {
namespace {

Task<int> gives(int value) { co_return value; }

Task<int> sum(int left, int right) {
  const int first = co_await gives(left);
  const int second = co_await gives(right);
  co_return first + second;
}

TEST(Task, GivesItsValueToWhoAwaitsIt) {
  int result = 0;
  detach(sum(2, 3), [&](int value) { result = value; });
  EXPECT_EQ(result, 5);
}

TEST(Task, DoesNotBeginUntilItIsAwaited) {
  bool begun = false;
  const auto begin = [](bool& flag) -> Task<> {
    flag = true;
    co_return;
  };
  {
    auto task = begin(begun);
    EXPECT_FALSE(begun);
  }
  EXPECT_FALSE(begun);
}

TEST(Task, DoesNotGrowTheStackHoweverOftenItAwaits) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "g++ makes no tail calls under a sanitizer";
#endif
  const auto loop = []() -> Task<int> {
    int total = 0;
    for (int i = 0; i < 1'000'000; ++i) total += co_await gives(1);
    co_return total;
  };
  int result = 0;
  detach(loop(), [&](int value) { result = value; });
  EXPECT_EQ(result, 1'000'000);
}

TEST(Task, CarriesAnExceptionToWhoAwaitsIt) {
  const auto fails = []() -> Task<int> {
    throw std::runtime_error{"no"};
    co_return 0;
  };
  const auto catches = [&]() -> Task<std::string> {
    std::string caught;
    try {
      (void)co_await fails();
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
    co_return caught;
  };
  std::string result;
  detach(catches(), [&](std::string value) { result = std::move(value); });
  EXPECT_EQ(result, "no");
}

TEST(Task, GoesOnWhenTheCallbackComesLater) {
  std::function<void(int)> pending;
  const auto waits = [&]() -> Task<int> {
    auto begin = [&](auto done) { pending = done; };
    const int value = co_await callback_result<int>(begin);
    co_return value + 1;
  };
  int result = 0;
  detach(waits(), [&](int value) { result = value; });
  EXPECT_EQ(result, 0);
  pending(41);
  EXPECT_EQ(result, 42);
}

TEST(Task, GoesOnAtOnceWhenTheCallbackComesInsideTheCall) {
  const auto waits = []() -> Task<std::unique_ptr<int>> {
    auto begin = [](auto done) { done(std::make_unique<int>(7)); };
    std::unique_ptr<int> value = co_await callback_result<std::unique_ptr<int>>(begin);
    co_return value;
  };
  int result = 0;
  detach(waits(), [&](std::unique_ptr<int> value) { result = *value; });
  EXPECT_EQ(result, 7);
}

TEST(Task, GoesOnOnceWhenTheCallbackRacesWithTheWait) {
  for (int round = 0; round < 2000; ++round) {
    std::thread caller;
    std::atomic<int> result{0};
    const auto waits = [&]() -> Task<int> {
      auto begin = [&](auto done) { caller = std::thread([done]() mutable { done(1); }); };
      const int value = co_await callback_result<int>(begin);
      co_return value;
    };
    // The lambda outlives its coroutine: the thread is joined in here.
    detach(waits(), [&](int value) { result += value; });
    caller.join();
    EXPECT_EQ(result.load(), 1);
  }
}

}  // namespace
}  // namespace millrace
