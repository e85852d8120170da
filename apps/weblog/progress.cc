#include "weblog/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace millrace::weblog {
namespace {

using std::chrono::steady_clock;

std::string time_left(double seconds) {
  if (seconds < 1) return "a moment";
  if (seconds < 100) return fmt::format("{:.0f} s", seconds);
  return fmt::format("{:.0f} min", seconds / 60);
}

}  // namespace

Progress::Progress() : is_terminal_(::isatty(STDERR_FILENO) == 1), start_(steady_clock::now()) {}

void Progress::show(const Pipeline& pipeline) {
  if (!is_terminal_) return;
  const auto stats = pipeline.job().stats();
  const auto capture = pipeline.capture();
  const auto seconds = std::chrono::duration<double>(steady_clock::now() - start_).count();
  auto line =
      fmt::format("{} lines, {:.0f}/s", stats.records, static_cast<double>(stats.records) / std::max(seconds, 0.001));
  if (capture.source_size > 0 && capture.source_position > 0) {
    const auto share = static_cast<double>(capture.source_position) / static_cast<double>(capture.source_size);
    line += fmt::format(", {:.0f} %, {} left", 100 * std::min(share, 1.0), time_left(seconds / share - seconds));
  }
  if (capture.state == connect::WorkerState::kTopicFull) line += ", waiting for room in the topic";
  fmt::print(stderr, "\r{:<78}", line);
  std::fflush(stderr);
  is_shown_ = true;
}

void Progress::clear() {
  if (!is_shown_) return;
  fmt::print(stderr, "\r{:78}\r", "");
  std::fflush(stderr);
  is_shown_ = false;
}

}  // namespace millrace::weblog
