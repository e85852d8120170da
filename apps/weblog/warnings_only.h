#pragma once

#include "base/logger.h"

namespace millrace::weblog {

/// Passes on everything but errors: for parts whose errors come as results and are told by whoever gets them. One
/// event, one line.
///
/// Threading: as the logger behind it, which must outlive it. Null: nothing is passed on.
class WarningsOnly final : public Logger {
 public:
  explicit WarningsOnly(Logger* behind) : behind_(behind) {}
  void write(LogLevel level, std::string_view line) override {
    if (behind_ != nullptr && level != LogLevel::kError) behind_->write(level, line);
  }

 private:
  Logger* const behind_;
};

}  // namespace millrace::weblog
