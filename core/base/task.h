#pragma once

#include <atomic>
#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "base/assert.h"

// Coroutines for what waits. NB g++ 12 frees twice when a braced aggregate and `co_await` share a full expression, or
// when a braced aggregate is a coroutine's argument: in a coroutine an aggregate is a named local that is moved.

namespace millrace {

template <class T>
class Task;

namespace detail {

class TaskPromiseBase {
 public:
  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] auto final_suspend() const noexcept {
    struct ToWaiter {
      [[nodiscard]] bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept { return waiter; }
      void await_resume() const noexcept {}
      std::coroutine_handle<> waiter;
    };
    return ToWaiter{waiter_};
  }
  void unhandled_exception() noexcept { exception_ = std::current_exception(); }
  void set_waiter(std::coroutine_handle<> waiter) { waiter_ = waiter; }

 protected:
  void rethrow() const {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  std::coroutine_handle<> waiter_ = std::noop_coroutine();
  std::exception_ptr exception_;
};

template <class T>
class TaskPromise final : public TaskPromiseBase {
 public:
  [[nodiscard]] Task<T> get_return_object();
  template <std::convertible_to<T> Value>
  void return_value(Value&& value) {
    value_.emplace(std::forward<Value>(value));
  }
  [[nodiscard]] T take() {
    rethrow();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class TaskPromise<void> final : public TaskPromiseBase {
 public:
  [[nodiscard]] Task<void> get_return_object();
  void return_void() {}
  void take() const { rethrow(); }
};

}  // namespace detail

/// The value that a coroutine gives once. It begins when it is awaited, and what awaits it goes on where it ends;
/// neither grows the stack.
///
/// Threading: one thread at a time; it may go on on another after each `co_await`. An exception comes out of the await.
/// Whoever owns the task owns the coroutine: destroying it ends one that is suspended.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;

  Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(coroutine_, other.coroutine_);
    return *this;
  }
  ~Task() {
    if (coroutine_) coroutine_.destroy();
  }

  [[nodiscard]] auto operator co_await() && noexcept {
    struct Awaiter {
      [[nodiscard]] bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) const noexcept {
        coroutine.promise().set_waiter(waiter);
        return coroutine;
      }
      T await_resume() const { return coroutine.promise().take(); }
      std::coroutine_handle<promise_type> coroutine;
    };
    MILLRACE_ASSERT(coroutine_);
    return Awaiter{coroutine_};
  }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}

  std::coroutine_handle<promise_type> coroutine_;
};

namespace detail {

template <class T>
Task<T> TaskPromise<T>::get_return_object() {
  return Task<T>{std::coroutine_handle<TaskPromise>::from_promise(*this)};
}
inline Task<void> TaskPromise<void>::get_return_object() {
  return Task<void>{std::coroutine_handle<TaskPromise>::from_promise(*this)};
}

/// A coroutine that nobody owns: it begins at once and frees itself at its end.
struct Detached {
  struct promise_type {
    [[nodiscard]] Detached get_return_object() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never initial_suspend() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
};

}  // namespace detail

/// Begins `task` now and calls `done` with its value when it ends: inside this call if nothing waits. An exception that
/// leaves the task or `done` ends the process: who detaches has nobody left to tell.
template <class T, class Done>
void detach(Task<T> task, Done done) {
  [](Task<T> owned, Done call) -> detail::Detached {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(owned);
      call();
    } else {
      T value = co_await std::move(owned);
      call(std::move(value));
    }
  }(std::move(task), std::move(done));
}

/// Awaits an operation that completes by callback: `begin` gets a function to be called exactly once with a `T`, inside
/// `begin` or later from any thread; the coroutine goes on there.
///
///     auto start = [&](auto done) { broker.produce(std::move(call), std::move(done)); };
///     ProduceAnswer answer = co_await callback_result<ProduceAnswer>(start);
template <class T, class Begin>
[[nodiscard]] auto callback_result(Begin begin) {
  class Awaiter {
   public:
    explicit Awaiter(Begin start) : begin_(std::move(start)) {}
    Awaiter(Awaiter&& other) noexcept : begin_(std::move(other.begin_)) {}

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiter) {
      waiter_ = waiter;
      begin_([this](T value) {
        value_.emplace(std::move(value));
        // Whoever comes second goes on: this awaiter is gone right after.
        if (met_.exchange(true, std::memory_order_acq_rel)) waiter_.resume();
      });
      return !met_.exchange(true, std::memory_order_acq_rel);
    }
    T await_resume() { return std::move(*value_); }

   private:
    Begin begin_;
    std::coroutine_handle<> waiter_;
    std::optional<T> value_;
    std::atomic<bool> met_{false};
  };
  return Awaiter{std::move(begin)};
}

}  // namespace millrace
