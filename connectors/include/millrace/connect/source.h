#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/client.h"
#include "millrace/config.h"
#include "millrace/connect/fields.h"
#include "millrace/result.h"
#include "millrace/types.h"

namespace millrace {
class Clock;
class Logger;
}  // namespace millrace

namespace millrace::connect {

using StoredOffsets = std::map<SourcePartition, SourceOffset>;

/// Consecutive records of one source partition, and the position behind the last of them.
///
/// The records are views into the task's buffers, valid until its next `poll`; they are mutable because their tokens
/// belong to the worker. A batch without records only moves the position.
struct SourceBatch {
  std::shared_ptr<const SourcePartition> partition;
  /// To be stored once every record of this batch, and of those before it, is. Absent: the partition is gone for good
  /// and its position is to be forgotten.
  std::optional<SourceOffset> offset;
  std::span<ProducerRecord> records;
  /// Bytes of keys and values.
  std::size_t bytes = 0;
};

enum class SourceState : std::uint8_t {
  kActive,  ///< more may come
  kDone,    ///< everything there was to read has been given
};

struct SourcePoll {
  SourceState state = SourceState::kActive;
  std::vector<SourceBatch> batches;
};

/// How one source partition is doing, for people.
struct SourceStatus {
  std::string name;   ///< a file's path
  std::string state;  ///< "waiting", "reading", "following", "rotated", "done", "unreadable: ..."
  std::uint64_t position = 0;
  std::uint64_t size = 0;  ///< 0: not known
  std::uint64_t records = 0;
};

/// What a task is given. It outlives the task.
struct SourceContext {
  const Clock& clock;
  Logger& logger;
  /// Every position that this connector has stored.
  const StoredOffsets& offsets;
};

/// Reads from one place and gives records. Made by a `SourceConnector`, driven by a worker.
///
/// Threading: one thread (the worker's) calls everything, but `wakeup` and `status`, which any thread may call.
class SourceTask {
 public:
  virtual ~SourceTask() = default;

  /// Errors: `kInvalidConfig`, `kInvalidArgument` and `kIo` when what the configuration names can't be read.
  [[nodiscard]] virtual Result<void> start(const Properties& config, const SourceContext& context) = 0;

  /// Called after `start`, before the first `poll`, as often as there are records: these were stored behind the stored
  /// positions by a run that ended before it could store theirs. Do not give them again, as far as they can be told.
  [[nodiscard]] virtual Result<void> skip_stored(std::span<const RecordView> /*records*/) { return {}; }

  /// The next records, as soon as there are any; nothing after `max_wait` or `wakeup`. An error ends the task: what
  /// `poll` gave before it is still delivered and its position stored.
  [[nodiscard]] virtual Result<SourcePoll> poll(Duration max_wait) = 0;

  /// Ends the `poll` under way, or the next one, at once.
  virtual void wakeup() = 0;

  /// The position is on stable storage, and so is every record before it: the place it was read from may let go of
  /// them.
  virtual void committed(const SourcePartition& /*partition*/, const SourceOffset& /*offset*/) {}

  /// Lets go of everything; no `poll` comes after it. Idempotent.
  virtual void stop() = 0;

  [[nodiscard]] virtual std::vector<SourceStatus> status() const = 0;
};

/// A kind of source with its configuration: checks it and divides the work.
///
/// Threading: one thread.
class SourceConnector {
 public:
  virtual ~SourceConnector() = default;

  /// The keys it understands, the common ones (`name`, `connector.class`, `tasks.max`, `topic`) included.
  [[nodiscard]] virtual const ConfigTable& config() const = 0;

  /// The configurations of at most `max_tasks` tasks that share the work. `config` was checked against the table.
  /// Errors: `kInvalidConfig`.
  [[nodiscard]] virtual Result<std::vector<Properties>> task_configs(const Properties& config,
                                                                     std::int32_t max_tasks) = 0;

  [[nodiscard]] virtual std::unique_ptr<SourceTask> task() = 0;
};

}  // namespace millrace::connect
