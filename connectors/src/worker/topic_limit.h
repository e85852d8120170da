#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "millrace/types.h"

namespace millrace::connect {

/// Whether a topic of bounded size has room, asking for its size as rarely as that can be known.
///
/// What is sent is added to the size last looked at; only when that sum reaches the limit is the topic looked at again,
/// and while it is full, at most every `check_interval` or when told that it was trimmed.
///
/// Threading: one thread.
class TopicLimit {
 public:
  /// No limit when `max_bytes` is 0.
  TopicLimit(std::uint64_t max_bytes, Duration check_interval)
      : max_bytes_(max_bytes), check_interval_(check_interval) {}

  [[nodiscard]] bool has_room() const { return max_bytes_ == 0 || topic_bytes_ < max_bytes_; }
  /// Whether the topic's size is to be looked at now.
  [[nodiscard]] bool wants_size(TimePoint now) const { return !has_room() && now >= next_check_; }
  /// Until when to wait for room.
  [[nodiscard]] TimePoint next_check() const { return next_check_; }

  void on_sent(std::uint64_t bytes) { topic_bytes_ += bytes; }
  /// `stored`: what the topic has now. `in_flight`: what was sent and not acknowledged before that was asked; it may
  /// still be on its way, and counting some of it twice errs on the safe side until the next look.
  void on_size(std::uint64_t stored, std::uint64_t in_flight, TimePoint now) {
    topic_bytes_ = stored + in_flight;
    // What is on its way arrives by itself, and soon.
    next_check_ = now + (stored < max_bytes_ ? std::min(check_interval_, kInFlightInterval) : check_interval_);
  }
  void on_trimmed() { next_check_ = {}; }

  [[nodiscard]] std::uint64_t topic_bytes() const { return topic_bytes_; }

 private:
  static constexpr Duration kInFlightInterval = std::chrono::milliseconds{10};

  std::uint64_t max_bytes_;
  Duration check_interval_;
  std::uint64_t topic_bytes_ = 0;
  TimePoint next_check_{};
};

}  // namespace millrace::connect
