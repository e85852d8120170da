#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "millrace/result.h"
#include "millrace/streams/detail/node.h"
#include "millrace/streams/topology.h"
#include "runtime/stream_config.h"
#include "runtime/task_input.h"

namespace millrace::streams {

/// Where a job's results and dead letters go.
///
/// Threading: any thread. An implementation sends the records of one caller and topic in order.
class OutputSender {
 public:
  virtual ~OutputSender() = default;
  /// `sink`: the topic's number in the topology.
  virtual Result<void> send(std::uint32_t sink, Timestamp time, NullableBytes key, NullableBytes value) = 0;
  virtual Result<void> send_dead_letter(const std::string& topic, const TopicPartition& from, const RecordView& record,
                                        std::string_view reason) = 0;
};

/// What a task counted since it was made.
struct TaskCounts {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t outputs = 0;
  std::uint64_t skipped = 0;
  std::uint64_t dead_letters = 0;
};

/// The logic of one task, without threads: what happens to a chunk at each stage, and the state.
///
///     decode (any thread) -> sequence (in order) -> front (any thread) -> back (in order)
///
/// Threading: `decode` and `front` from several threads with different chunks; everything else one thread at a time,
/// and `back`, the state and its readers exclude each other.
class TaskCore {
 public:
  TaskCore(const Topology& topology, const Topology::SubTopology& sub, const StreamConfig& config,
           std::uint64_t memory_budget);
  ~TaskCore();

  [[nodiscard]] std::unique_ptr<InputChunk> make_chunk() const;

  void decode(InputChunk& chunk) const;
  /// Tells the chunk the stream time before and after it.
  void sequence(InputChunk& chunk);
  void front(InputChunk& chunk) const;
  /// Applies the chunk: failures by policy, state, outputs. Errors: a failure whose policy is `fail` (nothing of the
  /// chunk was applied), and those of `outputs`.
  [[nodiscard]] Result<void> back(InputChunk& chunk, OutputSender& outputs);

  /// An empty chunk that flushes, or moves stream time to `stream_time`: for `back`, when no chunk is between
  /// `sequence` and it.
  void make_flush(InputChunk& chunk) const;
  void make_clock_tick(InputChunk& chunk, std::int64_t stream_time);

  /// A chunk failed in `back`: part of it may be in the state, which must not be saved.
  [[nodiscard]] bool is_broken() const { return broken_; }
  [[nodiscard]] std::int64_t stream_time() const { return applied_stream_time_; }
  [[nodiscard]] const TaskCounts& counts() const { return counts_; }
  [[nodiscard]] bool has_unflushed() const;
  [[nodiscard]] detail::StateFigures figures() const;
  /// The state of a node, or null.
  [[nodiscard]] const detail::State* state(detail::NodeId node) const { return states_[node].get(); }

  void write(StateWriter& out) const;
  /// Into a new core.
  void read(StateReader& in);

 private:
  class Collector;

  [[nodiscard]] Result<void> apply(InputChunk& chunk, OutputSender& outputs);
  [[nodiscard]] Result<void> handle_failures(InputChunk& chunk, OutputSender& outputs);
  [[nodiscard]] Error describe_failure(const InputChunk& chunk, const detail::Failure& failure) const;
  void keep_budget();

  const Topology& topology_;
  std::vector<const detail::Node*> nodes_;
  std::vector<const detail::SourceBase*> sources_;
  std::vector<std::unique_ptr<detail::State>> states_;  ///< by node id; null for most
  /// By node id, shared by all chunks: of nodes that run in order, and for applying.
  std::vector<std::shared_ptr<detail::Scratch>> shared_scratches_;
  std::vector<std::shared_ptr<detail::Scratch>> back_scratches_;
  std::vector<std::uint8_t> sinks_of_topic_;  ///< by sink number: how many nodes write it
  std::uint64_t memory_budget_;
  std::int64_t future_max_ms_;
  std::int64_t sequenced_stream_time_ = detail::kNoTime;
  std::int64_t applied_stream_time_ = detail::kNoTime;
  TaskCounts counts_;
  bool broken_ = false;
};

}  // namespace millrace::streams
