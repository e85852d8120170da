#pragma once

#include <chrono>
#include <cstdint>

#include "weblog/pipeline.h"

namespace millrace::weblog {

/// How far a long read has come: lines, rate and time left, on one line of standard error that is written over. Nothing
/// when standard error is no terminal.
///
/// Threading: one thread.
class Progress {
 public:
  Progress();
  void show(const Pipeline& pipeline);
  /// Takes the line away.
  void clear();

 private:
  const bool is_terminal_;
  const std::chrono::steady_clock::time_point start_;
  bool is_shown_ = false;
};

}  // namespace millrace::weblog
