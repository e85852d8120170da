#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/client.h"
#include "millrace/config.h"
#include "millrace/result.h"
#include "millrace/streams/detail/query.h"
#include "millrace/streams/store.h"
#include "millrace/streams/topology.h"

namespace millrace {
class Clock;
class Logger;
}  // namespace millrace

namespace millrace::streams {

/// Where the job reads on after a restart: everything before is in the saved state.
struct CheckpointInfo {
  struct Input {
    TopicPartition partition;
    Offset next;
  };
  /// The inputs of the task, without internal topics.
  std::vector<Input> inputs;
  std::uint64_t bytes = 0;
};
/// Called after each checkpoint, when it is on the disk, from a thread of the job; it must not call the job. Inputs may
/// now be trimmed up to `next`.
using CheckpointListener = std::function<void(const CheckpointInfo&)>;

/// What a job runs with. Everything may be left out.
struct JobOptions {
  CheckpointListener on_checkpoint = {};
  Logger* logger = nullptr;      ///< must outlive the job
  const Clock* clock = nullptr;  ///< the machine's when null; must outlive the job
};

/// A job's figures since it was started. Latency: from a record's own timestamp until it is in the state, of the last
/// 1,024 turns.
struct JobStats {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  double records_per_second = 0;  ///< over the last second or so
  std::uint64_t lag = 0;          ///< records known to be in the inputs and not yet processed
  std::uint64_t outputs = 0;
  std::uint64_t skipped = 0;  ///< by `ErrorPolicy::skip`
  std::uint64_t dead_letters = 0;
  std::uint64_t late_records = 0;
  std::uint64_t state_entries = 0;
  std::uint64_t state_bytes = 0;
  bool approximate = false;
  std::uint64_t checkpoints = 0;
  double checkpoint_seconds = 0;  ///< how long the last one kept the task waiting
  Timestamp newest_record = kNoTimestamp;
  Timestamp stream_time = kNoTimestamp;
  double latency_last_ms = 0;
  double latency_p50_ms = 0;
  double latency_p99_ms = 0;
};

/// A topology that runs.
///
/// Threading: any thread may call any function, except that a function given to `read` and the checkpoint listener must
/// not call the job. It owns its threads; none outlives it. The destructor stops it as `stop` does.
///
/// Durability: state and input offsets are saved together (`state.dir`, every `commit.interval.ms`, and at `stop`); a
/// restart with the same `application.id` goes on exactly there. Results are sent before, so after a crash those that
/// came after the last checkpoint are sent again: the same upserts in the same order.
///
/// Determinism: for the same input, each store and the sequence of records in each output partition are the same,
/// whatever `num.stream.threads` is and however the input arrived; except for flushes that follow the wall
/// clock (`cache.flush.idle.ms`, `window.close.idle.ms`), which can be switched off, and those at `stop` and
/// `wait_until_caught_up`.
class Job {
 public:
  /// Starts the topology on `client`, which must outlive the job. `config`: see `job_config()`. Output topics that do
  /// not exist are made. Errors: `kInvalidConfig`, `kUnknownTopicOrPartition` (an input is missing), `kCorruptLog` (the
  /// saved state is damaged), `kUnsupported` (it was saved by another topology), `kInUse` (another process runs this
  /// job), `kIo`.
  static Result<std::unique_ptr<Job>> start(Topology topology, Client& client, const Properties& config,
                                            JobOptions options = {});
  virtual ~Job() = default;

  /// Finishes the turn under way, flushes results, saves a checkpoint and ends; idempotent. Errors: what ended the job
  /// before, or what went wrong at the end.
  virtual Result<void> stop() = 0;
  /// Waits until the job ends: by `stop` from another thread, or by an error, which it gives.
  virtual Result<void> wait() = 0;
  /// Waits until every record that the inputs hold now is in the state, then flushes results and waits until they are
  /// acknowledged. Errors: `kTimedOut`, and what ended the job.
  virtual Result<void> wait_until_caught_up(Duration timeout) = 0;
  /// Saves a checkpoint now. Errors: `kIo`, `kNoSpace`, and what ended the job.
  virtual Result<void> checkpoint_now() = 0;
  [[nodiscard]] virtual JobStats stats() const = 0;

  /// Calls `query(const Store<K, A>&)` or `query(const WindowStore<K, A>&)` with the store as it is between two turns,
  /// once for each task that has it. Errors: `kNotFound`, `kInvalidArgument` (the store has other types).
  ///
  ///     job.read("paths", [&](const Store<std::string, Traffic>& paths) { paths.for_each(...); });
  template <class F>
  Result<void> read(std::string_view store, F&& query) const {
    return read_as<detail::QueriedStore<F>>(store, std::forward<F>(query));
  }
  template <class StoreType, class F>
  Result<void> read(const StoreHandle<StoreType>& store, F&& query) const {
    return read_as<StoreType>(store.name, std::forward<F>(query));
  }

 protected:
  virtual Result<void> read_state(std::string_view store, const void* type, const detail::StateQuery& query) const = 0;

 private:
  template <class StoreType, class F>
  Result<void> read_as(std::string_view store, F&& query) const {
    return read_state(store, detail::store_type<StoreType>(), detail::query_of<StoreType>(query));
  }
};

/// Starts the topology at `bootstrap.servers` of `config` ("embedded:DIR", ...) and waits until it fails.
Result<void> run(Topology topology, const Properties& config);

/// The keys a job understands, beside `consumer.*` and `producer.*`, which go to the clients.
[[nodiscard]] const ConfigTable& job_config();

}  // namespace millrace::streams
