#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "millrace/client.h"
#include "millrace/connect/source.h"

namespace millrace::connect {

/// How a run finds out where the one before it ended.
enum class ResumeFrom : std::uint8_t {
  /// Stored positions. What was captured behind the last one before a crash is captured again.
  kPositions,
  /// Stored positions, and the records behind them in the topic: nothing is captured again. For a topic of one
  /// partition that nobody else writes to; with more partitions it is `kPositions`.
  kTopic,
};

struct WorkerOptions {
  ResumeFrom resume_from = ResumeFrom::kPositions;
  /// Positions are stored this often while they move.
  Duration offset_flush_interval = std::chrono::seconds{1};
  /// Where positions are stored: a compacted topic, made if absent, with Kafka Connect's keys and values.
  std::string offset_topic = "connect-offsets";
  /// Records that were read and are not yet acknowledged.
  std::size_t max_in_flight_bytes = std::size_t{32} << 20;
  /// The task waits while the topic has this many bytes on disk; 0: no limit. Whoever trims the topic may say so
  /// through `SourceWorker::topic_trimmed`, else it is found out within `limit_check_interval`.
  std::uint64_t max_topic_bytes = 0;
  Duration limit_check_interval = std::chrono::milliseconds{100};
  /// For the producer, named as librdkafka names them.
  Properties producer = {};
  /// The machine's clock and no log where null. They must outlive the worker.
  const Clock* clock = nullptr;
  Logger* logger = nullptr;
};

enum class WorkerState : std::uint8_t {
  kRunning,
  kTopicFull,  ///< waits for room in the topic
  kDone,       ///< all was read, stored and its position too
  kStopped,
  kFailed,
};
[[nodiscard]] std::string_view name_of(WorkerState state);

struct WorkerStatus {
  WorkerState state = WorkerState::kRunning;
  std::string error;  ///< why it failed
  std::vector<SourceStatus> sources;
  std::uint64_t records = 0;       ///< handed to the producer
  std::uint64_t bytes = 0;         ///< of keys and values
  std::uint64_t acknowledged = 0;  ///< records on stable storage
  std::uint64_t topic_bytes = 0;   ///< size of the topic, as last looked at plus what was sent since; only with a limit
  std::uint64_t source_position = 0;  ///< sums over the sources, for a progress bar
  std::uint64_t source_size = 0;
};

/// Runs one source connector in this process: polls its task, sends what it gives, and stores its positions behind what
/// is acknowledged.
///
///     poll -> send -> delivery report -> position of everything acknowledged without a gap -> offset topic
///
/// Threading: any thread may call any function. It owns one thread; none outlives it.
/// Delivery: at least once. After `stop` or the end of a `mode=once` run, the stored positions are exactly behind the
/// last stored record: nothing repeats. After a crash, what was captured since the last stored position
/// comes again, or is recognised and does not: see `ResumeFrom`.
class SourceWorker {
 public:
  /// Checks the configuration, makes the topics that are absent (`topic` with the broker's defaults), reads the stored
  /// positions and starts the task. `client` and `connector` must outlive the worker. Errors: `kInvalidConfig`, those
  /// of `SourceTask::start`, `kStorageError`.
  static Result<std::unique_ptr<SourceWorker>> start(Client& client, SourceConnector& connector,
                                                     const Properties& config, WorkerOptions options = {});
  /// Stops, without waiting for what is in flight, if nobody did.
  virtual ~SourceWorker() = default;

  [[nodiscard]] virtual WorkerStatus status() const = 0;

  /// Waits until the task is done, stopped or failed. Errors: why it failed; `kTimedOut`.
  [[nodiscard]] virtual Result<void> wait(Duration timeout) = 0;

  /// Room may have been made in the topic.
  virtual void topic_trimmed() = 0;

  /// Ends the task, flushes what was read and stores its position, all within `timeout`; idempotent. Errors: why the
  /// task failed; `kTimedOut`: some of what was read last will be read again by the next start.
  [[nodiscard]] virtual Result<void> stop(Duration timeout) = 0;
};

}  // namespace millrace::connect
