#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/logger.h"

namespace millrace::test {

/// Keeps what the library says, for a test to look at.
///
/// Threading: any thread.
class MemoryLogger final : public Logger {
 public:
  void write(LogLevel level, std::string_view line) override {
    const std::lock_guard lock{mutex_};
    if (level >= LogLevel::kWarn) troubles_.emplace_back(line);
  }
  /// Warnings and errors.
  [[nodiscard]] std::vector<std::string> troubles() const {
    const std::lock_guard lock{mutex_};
    return troubles_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> troubles_;
};

}  // namespace millrace::test
