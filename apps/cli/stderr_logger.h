#pragma once

#include <string>
#include <string_view>

#include "base/logger.h"

namespace millrace::cli {

/// Writes warnings and errors to standard error, a line each, with the program's name before them.
///
/// Threading: any thread.
class StderrLogger final : public Logger {
 public:
  explicit StderrLogger(std::string name, LogLevel least = LogLevel::kWarn) : name_(std::move(name)), least_(least) {}
  void write(LogLevel level, std::string_view line) override;

 private:
  const std::string name_;
  const LogLevel least_;
};

}  // namespace millrace::cli
