#include "millrace/streams/topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "millrace/streams/detail/aggregate_node.h"

namespace millrace::streams {
namespace {

using detail::NodeId;

/// Which nodes hang together: union-find over the edges.
std::vector<NodeId> components(const std::vector<std::shared_ptr<detail::Node>>& nodes) {
  std::vector<NodeId> root(nodes.size());
  std::iota(root.begin(), root.end(), NodeId{0});
  const auto find = [&](NodeId id) {
    while (root[id] != id) id = root[id] = root[root[id]];
    return id;
  };
  for (const auto& node : nodes) {
    for (const auto input : node->inputs)
      root[std::max(find(node->id), find(input))] = std::min(find(node->id), find(input));
  }
  for (NodeId id = 0; id < root.size(); ++id) root[id] = find(id);
  return root;
}

enum class Described : std::uint8_t { kAll, kState };

std::string describe_node(const detail::Node& node, Described what) {
  auto line = fmt::format("  {} {}", node.id, node.kind);
  if (!node.label.empty()) line += fmt::format(" {}", node.label);
  if (!node.store_name().empty()) line += fmt::format(" \"{}\"", node.store_name());
  const char* before = " <- ";
  for (const auto input : node.inputs) {
    line += fmt::format("{}{}", before, input);
    before = ", ";
  }
  if (const auto* aggregate = dynamic_cast<const detail::AggregateBase*>(&node)) {
    const auto* const emits = aggregate->emit == Emit::kOnClose ? "on close" : "on update";
    if (aggregate->windows) {
      line += fmt::format(
          " [{}, {}]", what == Described::kAll ? aggregate->windows->to_string() : aggregate->windows->shape(), emits);
    } else {
      line += fmt::format(" [{}]", emits);
    }
  }
  return line;
}

std::string describe_all(const Topology& topology, Described what) {
  std::string text;
  for (const auto& sub : topology.sub_topologies()) {
    text += fmt::format("sub-topology {}, {}\n", sub.index,
                        sub.tasks == Topology::SubTopology::Tasks::kOne ? "one task" : "a task for each partition");
    for (const auto id : sub.nodes) text += describe_node(topology.node(id), what) + '\n';
  }
  return text;
}

}  // namespace

std::string Topology::describe() const { return describe_all(*this, Described::kAll); }
std::string Topology::describe_state() const { return describe_all(*this, Described::kState); }

Topology::Topology(std::vector<std::shared_ptr<detail::Node>> nodes, std::uint64_t memory_budget)
    : nodes_(std::move(nodes)), memory_budget_(memory_budget) {
  const auto roots = components(nodes_);
  std::map<NodeId, SubTopology> by_root;
  for (const auto& node : nodes_) {
    auto& sub = by_root[roots[node->id]];
    sub.nodes.push_back(node->id);
    if (node->inputs.empty()) sub.sources.push_back(node->id);
    if (node->needs_exchange) sub.tasks = SubTopology::Tasks::kOne;
  }
  for (auto& [root, sub] : by_root) {
    sub.index = static_cast<std::uint32_t>(sub_topologies_.size());
    sub_topologies_.push_back(std::move(sub));
  }
}

std::vector<std::string> Topology::source_topics() const {
  std::set<std::string> topics;
  for (const auto& node : nodes_) {
    const auto* source = dynamic_cast<const detail::SourceBase*>(node.get());
    if (source != nullptr && !source->internal) topics.insert(source->topic);
  }
  return {topics.begin(), topics.end()};
}

std::vector<std::string> Topology::sink_topics() const {
  std::set<std::string> topics;
  for (const auto& node : nodes_) {
    const auto* sink = node->sink();
    if (sink != nullptr && sink->kind == detail::SinkTopic::Kind::kResult) topics.insert(sink->name);
  }
  return {topics.begin(), topics.end()};
}

const detail::Node* Topology::find_store(std::string_view name) const {
  for (const auto& node : nodes_) {
    if (!node->store_name().empty() && node->store_name() == name) return node.get();
  }
  return nullptr;
}

}  // namespace millrace::streams
