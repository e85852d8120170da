#pragma once

#include <atomic>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "base/logger.h"

namespace millrace::weblog {

/// Whether a message is about a full disk, whatever met it and however the error was wrapped on its way.
[[nodiscard]] inline bool is_disk_full(std::string_view message) {
  return message.contains(std::generic_category().message(ENOSPC)) ||
         message.contains(std::generic_category().message(EDQUOT));
}

/// Whether a message says that a disk is not full any more: nothing to say where the full disk was not told.
[[nodiscard]] inline bool is_space_again(std::string_view message) { return message.contains("there is space again"); }

/// What the pipeline's broker says, without what comes back as the pipeline's own error: one event, one line. A full
/// disk meets many files at once and ends the pipeline; when that is closed, its result tells what failed.
///
/// Threading: as the logger behind it, which must outlive it. Null: nothing is passed on.
class BrokerMessages final : public Logger {
 public:
  explicit BrokerMessages(Logger* behind) : behind_(behind) {}
  void write(LogLevel level, std::string_view line) override {
    if (behind_ != nullptr && !closing_ && !is_disk_full(line) && !is_space_again(line)) behind_->write(level, line);
  }
  void set_closing() { closing_ = true; }

 private:
  Logger* const behind_;
  std::atomic<bool> closing_{false};
};

}  // namespace millrace::weblog
