#include "millrace/streams/window.h"

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>

namespace millrace::streams {

TimeWindows::TimeWindows(Milliseconds size, Milliseconds advance) : size_(size), advance_(advance) {
  if (advance.count() <= 0 || advance > size) {
    throw std::invalid_argument(
        fmt::format("a window needs 0 < advance <= size, but its size is {} ms and its advance {} ms", size.count(),
                    advance.count()));
  }
}

TimeWindows TimeWindows::grace(Milliseconds time) const {
  if (time.count() < 0) throw std::invalid_argument("a window's grace cannot be negative");
  auto windows = *this;
  windows.grace_given_ = GraceGiven::kYes;
  windows.grace_ = std::min(time, kForever);
  windows.keep_ = std::max(windows.keep_, windows.grace_);
  return windows;
}

TimeWindows TimeWindows::keep(Milliseconds time) const {
  auto windows = *this;
  windows.keep_ = std::max(std::min(time, kForever), grace_);
  if (grace_given_ == GraceGiven::kNo) windows.grace_ = windows.keep_;
  return windows;
}

std::string TimeWindows::shape() const {
  return advance_ == size_ ? fmt::format("tumbling {} ms", size_.count())
                           : fmt::format("hopping {} ms every {} ms", size_.count(), advance_.count());
}

std::string TimeWindows::to_string() const {
  auto text = shape();
  const auto append = [&](const char* name, Milliseconds time) {
    text += time == kForever ? fmt::format(", {} forever", name) : fmt::format(", {} {} ms", name, time.count());
  };
  append("grace", grace_);
  if (keep_ != grace_) append("keep", keep_);
  return text;
}

}  // namespace millrace::streams
