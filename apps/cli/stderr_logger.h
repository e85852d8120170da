#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/logger.h"

namespace millrace::cli {

/// Writes warnings and errors to standard error, a line each, with the program's name before them.
///
/// Threading: any thread.
class StderrLogger final : public Logger {
 public:
  explicit StderrLogger(std::string name, LogLevel least = LogLevel::kWarn) : name_(std::move(name)), least_(least) {}
  void write(LogLevel level, std::string_view line) override;

  /// Whether an error's message is one that was written already, or ends with it: what made a command fail is not to be
  /// said again at its end. The first few errors are known.
  [[nodiscard]] bool has_said(std::string_view message) const;

 private:
  const std::string name_;
  const LogLevel least_;
  mutable std::mutex mutex_;
  std::vector<std::string> errors_;
};

}  // namespace millrace::cli
