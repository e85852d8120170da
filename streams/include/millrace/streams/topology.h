#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "millrace/streams/detail/node.h"

namespace millrace::streams {

/// What a job does: a graph of operators, ready to run. Made by `Builder::build`.
///
/// It falls apart into sub-topologies, which share no operator. Each runs in tasks: one for each input partition, or,
/// where records are grouped by something else than their topic's key, one for all partitions of its inputs (the
/// parallel front of a task still uses every thread, so no topic is needed to bring the keys together).
///
/// Threading: immutable; copies share the graph.
class Topology {
 public:
  struct SubTopology {
    std::uint32_t index;
    std::vector<detail::NodeId> nodes;    ///< in topological order
    std::vector<detail::NodeId> sources;  ///< those of `nodes` that read topics
    /// One task for all partitions.
    enum class Tasks : std::uint8_t { kPerPartition, kOne } tasks = Tasks::kPerPartition;
  };

  /// The graph for people, a line an operator.
  ///
  ///     sub-topology 0, one task
  ///       0 source access-log
  ///       1 group <- 0
  ///       2 count "errors" <- 1 [tumbling 60000 ms, grace 10000 ms, on close]
  ///       3 sink errors-by-path <- 2
  [[nodiscard]] std::string describe() const;
  /// What its saved state depends on: the same without how long windows take records and are kept, which may be another
  /// with each start. Two topologies with the same description can go on from each other's checkpoints.
  [[nodiscard]] std::string describe_state() const;

  /// Topics it reads, without internal ones.
  [[nodiscard]] std::vector<std::string> source_topics() const;
  /// Topics it writes, without internal ones.
  [[nodiscard]] std::vector<std::string> sink_topics() const;
  [[nodiscard]] const std::vector<SubTopology>& sub_topologies() const { return sub_topologies_; }
  [[nodiscard]] const std::vector<std::shared_ptr<detail::Node>>& nodes() const { return nodes_; }
  [[nodiscard]] const detail::Node& node(detail::NodeId id) const { return *nodes_[id]; }
  /// For all tasks' stores together; 0: no limit.
  [[nodiscard]] std::uint64_t memory_budget() const { return memory_budget_; }
  /// The node with this store. Null when there is none.
  [[nodiscard]] const detail::Node* find_store(std::string_view name) const;

 private:
  friend class Builder;
  explicit Topology(std::vector<std::shared_ptr<detail::Node>> nodes, std::uint64_t memory_budget);

  std::vector<std::shared_ptr<detail::Node>> nodes_;
  std::vector<SubTopology> sub_topologies_;
  std::uint64_t memory_budget_;
};

}  // namespace millrace::streams
