#include "cli/stderr_logger.h"

#include <fmt/core.h>

#include <cstdio>

namespace millrace::cli {

void StderrLogger::write(LogLevel level, std::string_view line) {
  if (level < least_) return;
  fmt::print(stderr, "{}: {}\n", name_, line);
}

}  // namespace millrace::cli
