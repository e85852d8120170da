#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace millrace::streams {

/// The last 1,024 latencies, in milliseconds.
///
/// Threading: one thread at a time.
class RecentLatencies {
 public:
  void add(double ms) {
    ring_[next_++ % ring_.size()] = static_cast<float>(ms);
    last_ = ms;
  }
  void append_to(std::vector<float>& all) const {
    all.insert(all.end(), ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(std::min(next_, ring_.size())));
  }
  [[nodiscard]] double last() const { return last_; }

 private:
  std::array<float, 1024> ring_{};
  std::size_t next_ = 0;
  double last_ = 0;
};

}  // namespace millrace::streams
