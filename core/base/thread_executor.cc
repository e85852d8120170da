#include "base/thread_executor.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace millrace {

struct ThreadExecutor::State {
  explicit State(std::size_t most) : most_threads(most) {}

  const std::size_t most_threads;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Work> ready;
  std::multimap<TimePoint, Work> timers;
  std::vector<std::thread> threads;
  std::size_t idle = 0;
  bool closed = false;

  static void start_thread(const std::shared_ptr<State>& state) {
    state->threads.emplace_back([state] { state->run(); });
  }

  /// With the mutex held: whether somebody has to look at new work, and who.
  static void attend(const std::shared_ptr<State>& state) {
    if (state->idle > 0) {
      state->wake.notify_one();
    } else if (state->threads.size() < state->most_threads) {
      start_thread(state);
    }
  }

  void run() {
    std::unique_lock lock{mutex};
    while (!closed) {
      if (!ready.empty()) {
        auto work = std::move(ready.front());
        ready.pop_front();
        if (!ready.empty() && idle > 0) wake.notify_one();
        lock.unlock();
        work();
        work = nullptr;  // What it holds must go before the lock is taken: it may be the last handle of anything.
        lock.lock();
      } else if (!timers.empty() && timers.begin()->first <= std::chrono::steady_clock::now()) {
        ready.push_back(std::move(timers.extract(timers.begin()).mapped()));
      } else {
        ++idle;
        if (timers.empty()) {
          wake.wait(lock);
        } else {
          // By value: the entry may be taken by another thread while this one waits.
          const auto when = timers.begin()->first;
          wake.wait_until(lock, when);
        }
        --idle;
      }
    }
  }
};

ThreadExecutor::ThreadExecutor(std::size_t most_threads) : state_(std::make_shared<State>(most_threads)) {}

ThreadExecutor::~ThreadExecutor() { close(); }

void ThreadExecutor::post(Work work) {
  const std::lock_guard lock{state_->mutex};
  if (state_->closed) return;
  state_->ready.push_back(std::move(work));
  State::attend(state_);
}

void ThreadExecutor::post_at(TimePoint when, Work work) {
  const std::lock_guard lock{state_->mutex};
  if (state_->closed) return;
  const auto at = state_->timers.emplace(when, std::move(work));
  // Only a new nearest timer changes what the sleepers wait for.
  if (at == state_->timers.begin()) State::attend(state_);
}

void ThreadExecutor::close() {
  std::vector<std::thread> threads;
  std::deque<Work> ready;
  std::multimap<TimePoint, Work> timers;
  {
    const std::lock_guard lock{state_->mutex};
    state_->closed = true;
    threads.swap(state_->threads);
    ready.swap(state_->ready);
    timers.swap(state_->timers);
  }
  state_->wake.notify_all();
  for (auto& thread : threads) {
    if (thread.get_id() == std::this_thread::get_id()) {
      thread.detach();
    } else {
      thread.join();
    }
  }
}

}  // namespace millrace
