#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/client.h"
#include "millrace/streams/codec.h"
#include "millrace/streams/detail/rows.h"
#include "millrace/streams/error_policy.h"
#include "millrace/streams/record.h"

namespace millrace::streams::detail {

using NodeId = std::uint32_t;

/// What a node makes of one chunk: its output rows and partial aggregates. Reused from chunk to chunk.
class Scratch {
 public:
  virtual ~Scratch() = default;
};

/// Consecutive records of one partition in a chunk.
struct Piece {
  NodeId source;
  std::shared_ptr<const TopicPartition> partition;
  std::span<const RecordView> records;
  std::shared_ptr<const void> owner;  ///< keeps the bytes
  std::uint32_t first_index;          ///< of its first record in the chunk
};

/// A record that a node could not process.
struct Failure {
  std::uint32_t index;
  NodeId node;
  std::string reason;
  ErrorCode code;
};

inline constexpr std::int64_t kNoTime = INT64_MIN;

/// Some consecutive input records of a task on their way through the topology, with what each node made of them.
///
/// A chunk is in one thread's hands at a time: decoded, then (in order) told the stream time before it, then through
/// the stateless front, then (in order) applied to the state. Where the input is cut into chunks never shows in
/// results.
class Chunk {
 public:
  std::vector<Piece> pieces;
  std::uint32_t size = 0;  ///< records, decoded or not
  std::size_t bytes = 0;
  /// What each record does to stream time: its event time, but never far beyond its own timestamp; `kNoTime` for one
  /// that was not decoded.
  std::vector<std::int64_t> event_times;
  std::int64_t max_event_time = kNoTime;
  std::int64_t stream_time_before = kNoTime;
  std::int64_t stream_time_after = kNoTime;
  std::vector<Failure> failures;
  /// Emit what changed, after this chunk.
  enum class Flush : std::uint8_t { kNo, kYes } flush = Flush::kNo;

  /// Stream time when the record at `index` had come.
  [[nodiscard]] std::int64_t stream_time_at(std::uint32_t index) {
    if (!reached_known_) find_reached();
    return reached_[index];
  }
  /// The first record that brought stream time to `time`; `size` when it had come before or comes from the clock.
  [[nodiscard]] std::uint32_t first_index_reaching(std::int64_t time);

  [[nodiscard]] Scratch& scratch(NodeId node) const { return *scratches_[node]; }
  /// What a node needs only while the chunk is applied: one for all chunks of the task.
  [[nodiscard]] Scratch& back_scratch(NodeId node) const { return *back_scratches_[node]; }
  [[nodiscard]] const Piece& piece_of(std::uint32_t index) const;
  [[nodiscard]] const RecordView& record(std::uint32_t index) const {
    const auto& piece = piece_of(index);
    return piece.records[index - piece.first_index];
  }
  void failed(NodeId node, std::uint32_t index, ErrorCode code, std::string_view reason) {
    failures.push_back({index, node, std::string{reason}, code});
  }
  void set_scratches(std::vector<std::shared_ptr<Scratch>> scratches,
                     std::vector<std::shared_ptr<Scratch>> back_scratches) {
    scratches_ = std::move(scratches);
    back_scratches_ = std::move(back_scratches);
  }
  /// Ready for other records.
  void clear();

 private:
  void find_reached();

  std::vector<std::shared_ptr<Scratch>> scratches_;
  std::vector<std::shared_ptr<Scratch>> back_scratches_;
  std::vector<std::int64_t> reached_;
  bool reached_known_ = false;
};

/// Where a task's results go.
class Outputs {
 public:
  virtual ~Outputs() = default;
  /// `index` as in `Rows`: outputs of one chunk to one topic are put in its order.
  virtual void send(std::uint32_t topic, std::uint32_t index, std::int64_t time_ms, NullableBytes key,
                    NullableBytes value) = 0;
};

/// What a node's state tells about itself.
struct StateFigures {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  std::uint64_t late_records = 0;
  bool approximate = false;
};

/// The state of one node in one task.
///
/// Threading: the task's back; readers hold the task's lock.
class State {
 public:
  virtual ~State() = default;
  virtual void write(StateWriter& out) const = 0;
  /// Into a new state. Check `in.ok()`.
  virtual void read(StateReader& in) = 0;
  /// The same after any restart, and whatever way the input was cut: budget decisions follow from it.
  [[nodiscard]] virtual StateFigures figures() const = 0;
  /// Gives up detail until it needs about `bytes`. Called at flush points.
  virtual void shrink_to(std::uint64_t bytes) = 0;
  /// After the outputs of a chunk have been passed on: lets go of what they pointed to.
  virtual void settle() = 0;
  [[nodiscard]] virtual bool has_unflushed() const = 0;
  /// Says what is inside, so that a reader of the wrong type gets an error.
  [[nodiscard]] virtual const void* type() const = 0;
};

/// An address for each type: a cheap, exact type check without RTTI names.
template <class T>
inline constexpr char kTypeTag = 0;

/// Where a node's work may run.
enum class Place : std::uint8_t {
  kFront,  ///< on any thread, several chunks at once
  kBack,   ///< one chunk at a time, in order
};

/// A topic that the topology writes.
struct SinkTopic {
  std::string name;
  std::optional<std::int32_t> partitions;
  Properties configs;
  enum class Kind : std::uint8_t { kResult, kRepartition } kind = Kind::kResult;
};

/// One operator of a topology: immutable once built, shared by all tasks.
///
/// Ids ascend in topological order.
class Node {
 public:
  explicit Node(std::string what, std::vector<NodeId> from = {}) : kind(std::move(what)), inputs(std::move(from)) {}
  virtual ~Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  NodeId id = 0;
  std::string kind;
  std::string label;  ///< parameters, for people
  std::vector<NodeId> inputs;
  Place place = Place::kFront;
  /// Rows of all partitions must come together here.
  bool needs_exchange = false;

  [[nodiscard]] virtual std::unique_ptr<Scratch> make_scratch() const { return std::make_unique<Scratch>(); }
  /// For `Chunk::back_scratch`. Null: it needs none.
  [[nodiscard]] virtual std::unique_ptr<Scratch> make_back_scratch() const { return nullptr; }
  /// Makes this node's rows or partial aggregates of its inputs' rows.
  virtual void process(Chunk&) const {}
  /// In order: brings the chunk into the state, gives outputs. `state` is this node's, or null.
  virtual void apply(Chunk&, State*, Outputs&) const {}
  [[nodiscard]] virtual std::unique_ptr<State> make_state() const { return nullptr; }
  [[nodiscard]] virtual std::string_view store_name() const { return {}; }
  /// The topic it writes, if it does; its place among the topology's sinks is told before anything runs.
  [[nodiscard]] virtual const SinkTopic* sink() const { return nullptr; }
  std::uint32_t sink_index = 0;
};

/// A node that reads a topic.
class SourceBase : public Node {
 public:
  explicit SourceBase(std::string name) : Node("source"), topic(std::move(name)) { label = topic; }
  /// Decodes the chunk's records of this source and finds their event times.
  virtual void decode(Chunk& chunk) const = 0;

  std::string topic;
  ErrorPolicy policy;
  /// Set when the records are written by this same topology: `repartition`.
  bool internal = false;
};

/// A typed output of a node.
template <class K, class V>
class Output {
 public:
  virtual ~Output() = default;
  [[nodiscard]] virtual const Rows<K, V>& rows(const Chunk& chunk) const = 0;
  [[nodiscard]] virtual NodeId node() const = 0;
};

/// The nodes of a topology while it is being built.
class Graph {
 public:
  template <class N>
  std::shared_ptr<N> add(std::shared_ptr<N> node) {
    node->id = static_cast<NodeId>(nodes_.size());
    nodes_.push_back(node);
    return node;
  }
  [[nodiscard]] const std::vector<std::shared_ptr<Node>>& nodes() const { return nodes_; }

 private:
  std::vector<std::shared_ptr<Node>> nodes_;
};

}  // namespace millrace::streams::detail
