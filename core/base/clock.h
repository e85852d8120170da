#pragma once

#include "base/types.h"

namespace millrace {

/// The time, passed in so that tests and the simulator move it by hand.
///
/// Threading: any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  /// For timers and deadlines: never goes back.
  [[nodiscard]] virtual TimePoint now() const = 0;
  /// For record timestamps: the wall clock.
  [[nodiscard]] virtual Timestamp wall() const = 0;
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] Timestamp wall() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
};

/// A clock that stands still until it is told to move. Both clocks move together.
///
/// Threading: one thread.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start = Timestamp{std::chrono::milliseconds{1'700'000'000'000}}) : wall_(start) {}
  [[nodiscard]] TimePoint now() const override { return now_; }
  [[nodiscard]] Timestamp wall() const override { return wall_; }
  void advance(std::chrono::milliseconds by) {
    now_ += by;
    wall_ += by;
  }

 private:
  TimePoint now_{};
  Timestamp wall_;
};

}  // namespace millrace
