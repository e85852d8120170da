#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "millrace/connect/worker.h"
#include "millrace/result.h"
#include "millrace/streams/job.h"
#include "weblog/format.h"
#include "weblog/report.h"
#include "weblog/topology.h"

namespace millrace {
class Logger;
}

namespace millrace::weblog {

struct PipelineOptions {
  enum class Read : std::uint8_t { kFollow, kOnce };
  enum class Addresses : std::uint8_t { kAsLogged, kMasked };

  std::vector<std::string> files = {};
  Read read = Read::kFollow;
  LineFormat format;
  Addresses addresses = Addresses::kAsLogged;
  /// Holds the log of captured lines, the results and the state; made if absent.
  std::filesystem::path data = {};
  /// Whether results go to topics beside the report, for Kafka clients and later runs; without, the data can be read by
  /// no later run that has them.
  TopologyOptions::Results results = TopologyOptions::Results::kInTopics;
  /// How long after its end a window takes lines; absent: for ever.
  std::optional<std::chrono::milliseconds> keep = std::nullopt;
  std::uint64_t memory_bytes = std::uint64_t{512} << 20;
  /// Bound of the topic of captured lines: beyond it lines that were counted are deleted, and capture waits for that.
  std::uint64_t topic_bytes = std::uint64_t{1} << 30;
  std::uint32_t threads = 0;  ///< 0: one for each processor
  std::string scheduler = "tbb";
  Logger* logger = nullptr;  ///< must outlive the pipeline; the runner needs one
};

/// Files -> topic `access-log` -> the topology's state and result topics, in this process.
///
///     file source --> [ access-log | embedded broker ] --> stream job --> stores --> report
///          ^                      |                            |
///          +--- waits when full --+<-- trimmed up to its checkpoint
///
/// Threading: any thread may call any function. It owns its threads; none outlives it.
/// Durability: what `stop` has ended in order is neither lost nor counted again by the next pipeline over the same
/// `data`.
class Pipeline {
 public:
  /// Starts everything. Errors: those of `Broker::open`, `connect::SourceWorker::start` and `streams::Job::start`.
  static Result<std::unique_ptr<Pipeline>> start(PipelineOptions options);
  virtual ~Pipeline() = default;

  /// Waits until there is nothing more to do: every line of the files was captured and counted (`kOnce`), or the
  /// pipeline was stopped. Errors: what ended capture or counting.
  [[nodiscard]] virtual Result<void> wait() = 0;

  /// Lets Kafka clients in; gives the address. Errors: those of `Broker::listen`.
  [[nodiscard]] virtual Result<std::string> listen(const std::string& address) = 0;

  [[nodiscard]] virtual const streams::Job& job() const = 0;
  [[nodiscard]] virtual connect::WorkerStatus capture() const = 0;
  /// Bytes of the topic of captured lines, as last looked at.
  [[nodiscard]] virtual std::uint64_t topic_bytes() const = 0;
  [[nodiscard]] virtual const PipelineOptions& options() const = 0;

  /// Ends capture, then counting, then the log; idempotent. Errors: what ended one of them, `kTimedOut`.
  [[nodiscard]] virtual Result<void> stop() = 0;
};

}  // namespace millrace::weblog
