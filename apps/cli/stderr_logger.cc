#include "cli/stderr_logger.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>

namespace millrace::cli {
namespace {

constexpr std::size_t kMostErrors = 64;

}  // namespace

void StderrLogger::write(LogLevel level, std::string_view line) {
  if (level < least_) return;
  if (level == LogLevel::kError) {
    const std::lock_guard lock{mutex_};
    if (errors_.size() < kMostErrors) errors_.emplace_back(line);
  }
  fmt::print(stderr, "{}: {}\n", name_, line);
}

bool StderrLogger::has_said(std::string_view message) const {
  const std::lock_guard lock{mutex_};
  return std::ranges::any_of(errors_, [message](const auto& line) { return message.ends_with(line); });
}

}  // namespace millrace::cli
