#pragma once

#include <functional>

#include "base/types.h"

namespace millrace {

using Work = std::move_only_function<void()>;

/// Runs work later, on threads of its own or, in the simulator, on the one thread that steps it.
///
/// Threading: any thread may call any function. Work posted from one thread runs in no promised order unless the
/// executor says so. After `Executor` is gone nothing it was given runs.
class Executor {
 public:
  virtual ~Executor() = default;
  /// Runs `work` soon, never inside this call.
  virtual void post(Work work) = 0;
  /// Runs `work` once `when` has come.
  virtual void post_at(TimePoint when, Work work) = 0;
};

}  // namespace millrace
