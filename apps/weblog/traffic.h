#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "millrace/result.h"
#include "millrace/types.h"

namespace millrace::weblog {

/// What the made-up web site sees; the shares are of lines.
struct TrafficOptions {
  std::uint64_t seed = 1;
  std::size_t clients = 4000;    ///< visitors that come and go; a few of them make most of the hits
  double garbled_share = 0.002;  ///< lines that no parser should take, of several kinds
  double crawler_share = 0.12;
  double not_found_share = 0.015;
  double error_share = 0.002;      ///< 5xx outside a burst
  double burst_error_share = 0.6;  ///< within one
  std::uint64_t burst_every_lines = 6000;
  std::uint64_t burst_lines = 250;
};

/// Realistic access log lines in the combined format: the same for the same seed and times, on every machine.
///
/// Threading: one thread. Cost: well under a microsecond a line.
class TrafficGenerator {
 public:
  explicit TrafficGenerator(TrafficOptions options);
  ~TrafficGenerator();

  /// One line with its newline, of a request at `time`. Valid until the next call.
  [[nodiscard]] const std::string& next_line(Timestamp time);

  /// Of the lines so far, those that no parser should take.
  [[nodiscard]] std::uint64_t garbled() const { return garbled_; }

 private:
  struct Site;

  void append_request(Timestamp time);
  void garble();

  TrafficOptions options_;
  Random random_;
  std::unique_ptr<const Site> site_;
  std::string line_;
  std::uint64_t lines_ = 0;
  std::uint64_t garbled_ = 0;
};

/// Appends generated lines to a file at a steady rate, as a web server would, until it is stopped.
///
/// Threading: any thread. It owns one thread; none outlives it.
class TrafficWriter {
 public:
  /// Opens (or makes) `file` for appending and starts. `lines_per_second` > 0; lines carry the wall clock's time.
  /// Errors: `kIo`, `kNotFound`.
  static Result<std::unique_ptr<TrafficWriter>> start(const std::filesystem::path& file, double lines_per_second,
                                                      TrafficOptions options = {});
  ~TrafficWriter();
  TrafficWriter(const TrafficWriter&) = delete;
  TrafficWriter& operator=(const TrafficWriter&) = delete;

  /// Ends within milliseconds; idempotent. Errors: the one that ended the writing (`kNoSpace`, `kIo`).
  [[nodiscard]] Result<void> stop();

  [[nodiscard]] std::uint64_t lines_written() const;

 private:
  TrafficWriter(int descriptor, std::string path, double lines_per_second, TrafficOptions options);

  void run();
  [[nodiscard]] Result<void> append(const std::string& lines) const;

  const int descriptor_;
  const std::string path_;
  const double lines_per_second_;
  TrafficGenerator generator_;

  mutable std::mutex mutex_;
  std::condition_variable stopping_changed_;
  bool stopping_ = false;
  std::uint64_t lines_written_ = 0;
  Result<void> outcome_;
  std::thread thread_;
};

}  // namespace millrace::weblog
