#pragma once

#include "millrace/result.h"

namespace millrace::cli {

/// SIGINT, SIGTERM and SIGHUP as something to wait for. Made before any thread is started, so that all of them leave
/// these signals alone.
///
/// Threading: made by the main thread; `wait` by one thread at a time.
class StopSignals {
 public:
  static Result<StopSignals> block();
  StopSignals(StopSignals&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  StopSignals& operator=(StopSignals&&) = delete;
  ~StopSignals();

  /// Readable when a signal has come: for poll().
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  explicit StopSignals(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace millrace::cli
