#pragma once

#include <string_view>

#include "millrace/result.h"

namespace millrace::cli {

/// Standard output, for data that must arrive.
///
/// Threading: one thread.
class Output {
 public:
  /// `what` is written: "the report".
  explicit Output(std::string_view what) : what_(what) {}

  /// After an error nothing more is written: `finish` tells it.
  void write(std::string_view text);

  /// Errors: `kIo`, `kNoSpace`: "cannot write the report: ...".
  [[nodiscard]] Result<void> finish();
  /// Why `finish` failed: the pipe's other end is closed.
  [[nodiscard]] bool reader_is_gone() const;

 private:
  std::string_view what_;
  int error_number_ = 0;
};

[[nodiscard]] Result<void> write_output(std::string_view text, std::string_view what);

}  // namespace millrace::cli
