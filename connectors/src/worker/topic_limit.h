#pragma once

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
  void on_size(std::uint64_t bytes, TimePoint now) {
    topic_bytes_ = bytes;
    next_check_ = now + check_interval_;
  }
  void on_trimmed() { next_check_ = {}; }

  [[nodiscard]] std::uint64_t topic_bytes() const { return topic_bytes_; }

 private:
  std::uint64_t max_bytes_;
  Duration check_interval_;
  std::uint64_t topic_bytes_ = 0;
  TimePoint next_check_{};
};

}  // namespace millrace::connect
