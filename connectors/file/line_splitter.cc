#include "file/line_splitter.h"

#include <algorithm>
#include <cstring>

namespace millrace::connect {

std::span<const Line> LineSplitter::split(std::string_view block) {
  lines_.clear();
  keep(add_lines(block));
  return lines_;
}

std::span<const Line> LineSplitter::split_last(std::string_view block) {
  lines_.clear();
  const auto rest = add_lines(block);
  if (pending_bytes_ > 0) {
    keep(rest);
    add_pending_line(block.size());
  } else if (!rest.empty()) {
    add_line(rest, block.size());
  }
  return lines_;
}

void LineSplitter::reset() {
  rest_.clear();
  rest_ends_in_return_ = false;
  pending_bytes_ = 0;
}

std::string_view LineSplitter::add_lines(std::string_view block) {
  const auto* at = block.data();
  const auto* const end = at + block.size();
  while (at != end) {
    const auto* newline = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    if (newline == nullptr) break;
    const std::string_view text{at, static_cast<std::size_t>(newline - at)};
    const auto line_end = static_cast<std::size_t>(newline + 1 - block.data());
    if (pending_bytes_ > 0) {
      keep(text);
      add_pending_line(line_end);
    } else {
      add_line(text, line_end);
    }
    at = newline + 1;
  }
  return {at, static_cast<std::size_t>(end - at)};
}

void LineSplitter::add_line(std::string_view text, std::size_t end) {
  if (text.ends_with('\r')) text.remove_suffix(1);
  lines_.push_back({text.substr(0, max_line_bytes_), text.size(), end});
}

void LineSplitter::add_pending_line(std::size_t end) {
  // At most one line of a call was pending, so its text has this buffer to itself until the next call.
  completed_.swap(rest_);
  const auto full_size = pending_bytes_ - (rest_ends_in_return_ ? 1 : 0);
  const auto kept = std::min<std::uint64_t>({completed_.size(), full_size, max_line_bytes_});
  lines_.push_back({std::string_view{completed_}.substr(0, kept), full_size, end});
  reset();
}

void LineSplitter::keep(std::string_view rest) {
  if (rest.empty()) return;
  // One byte more than a line may have: it may be the '\r' of a line that just fits.
  rest_ += rest.substr(0, max_line_bytes_ + 1 - rest_.size());
  rest_ends_in_return_ = rest.back() == '\r';
  pending_bytes_ += rest.size();
}

}  // namespace millrace::connect
