#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "base/types.h"
#include "log/checkpoint_file.h"
#include "log/partition_cleaning.h"

namespace millrace {

class Clock;
class Logger;
class PartitionLog;

/// Compacts the logs of a data folder, one after the other: always the one of which the largest part is dirty. It has
/// no thread: its owner calls `step` again after the time that the last one gave. Up to where each log is clean is in a
/// file, as Kafka writes it ("cleaner-offset-checkpoint"); one that is lost only costs time.
///
/// Threading: `step` from one thread at a time; the others from any thread. `close` waits for a step under way.
class LogCleaner {
 public:
  struct Options {
    bool enabled = true;
    CleaningOptions cleaning;
    /// Read and written together.
    double max_bytes_per_second = std::numeric_limits<double>::infinity();
    /// How often logs are looked at when there is nothing to do.
    std::chrono::milliseconds backoff = std::chrono::seconds{15};
    /// What a step reads, about.
    std::uint64_t step_bytes = 4U << 20;
  };
  using Logs = std::function<std::vector<std::shared_ptr<PartitionLog>>()>;

  LogCleaner(FileSystem& files, Path checkpoint, const Options& options, const Clock& clock, Logger& logger);
  ~LogCleaner();

  /// Takes over the checkpoint. One that cannot be read is as good as none.
  void load();
  /// A piece of work on the pass under way, or on the next one. Gives how long to wait until the next step;
  /// `Duration::max()` for ever.
  [[nodiscard]] Duration step(const Logs& logs);
  /// The partition is gone, and one of its name is another one.
  [[nodiscard]] Result<void> forget(const TopicPartition& name);
  /// Drops the pass under way. Idempotent.
  void close();

 private:
  struct Pass;
  [[nodiscard]] bool begin(const Logs& logs);
  void end_with(const Error& error);
  void finish();
  [[nodiscard]] Offset cleaned_to(const TopicPartition& name) const;
  [[nodiscard]] Duration pause_for(std::uint64_t bytes) const;

  FileSystem& files_;
  const Path path_;
  const Options options_;
  const Clock& clock_;
  Logger& logger_;

  std::mutex step_mutex_;
  std::unique_ptr<Pass> pass_;
  /// A log that could not be cleaned, and when to try again.
  struct Failure {
    std::weak_ptr<PartitionLog> log;
    TimePoint retry;
  };
  std::map<TopicPartition, Failure> failed_;
  bool closed_ = false;

  // Taken second, and held while the file is written.
  mutable std::mutex checkpoint_mutex_;
  OffsetsByPartition cleaned_to_;
};

}  // namespace millrace
