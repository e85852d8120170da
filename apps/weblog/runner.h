#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "millrace/result.h"
#include "weblog/pipeline.h"

namespace millrace::weblog {

/// What `millrace weblog` was asked to do.
struct RunSettings {
  enum class Print : std::uint8_t { kText, kJson };

  PipelineOptions pipeline;
  /// `pipeline.data` is a temporary folder that is removed at the end.
  bool is_data_temporary = false;
  std::string page = {};    ///< "HOST:PORT", or empty: no page
  std::string listen = {};  ///< "HOST:PORT", or empty: no Kafka clients
  ReportCut cut = {};
  Print print = Print::kText;
  /// Makes its own traffic.
  bool is_demo = false;
  /// Ends by itself after this.
  std::optional<std::chrono::seconds> seconds = std::nullopt;
  /// Readable once the program shall end.
  int stop_descriptor = -1;
};

/// Reads to the end of the files and gives the report as it is to be printed. Messages and progress go to standard
/// error. Errors: `kClosed` when it was told to stop before the end.
[[nodiscard]] Result<std::string> run_once(RunSettings settings);

/// Follows the files, serves page and Kafka clients, and says every few seconds on standard error how things are, until
/// it is told to stop. Gives the report at the end when `print` is `kJson`, else nothing.
[[nodiscard]] Result<std::string> follow(RunSettings settings);

}  // namespace millrace::weblog
