#pragma once

#include <cstddef>
#include <memory>

#include "base/executor.h"

namespace millrace {

/// An executor with threads of its own: the adapter between the library and the machine. Threads start with the work
/// that needs them, `most_threads` of them at most; with nothing to do they sleep and use no processor.
///
/// Threading: any thread. `close` and the destructor drop the work that has not begun and wait for what runs; when they
/// are called from work of this very executor, that one thread ends by itself right after instead.
class ThreadExecutor final : public Executor {
 public:
  explicit ThreadExecutor(std::size_t most_threads);
  ~ThreadExecutor() override;
  ThreadExecutor(const ThreadExecutor&) = delete;
  ThreadExecutor& operator=(const ThreadExecutor&) = delete;

  void post(Work work) override;
  void post_at(TimePoint when, Work work) override;

  /// Idempotent; work that is posted later is dropped.
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace
