#include "millrace/streams/builder.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <stdexcept>

namespace millrace::streams {
namespace {

using Nodes = std::vector<std::shared_ptr<detail::Node>>;

/// What follows an ordered function or a state runs in order, too.
void place_nodes(const Nodes& nodes) {
  std::vector<bool> rows_come_in_order(nodes.size());
  for (const auto& node : nodes) {
    for (const auto input : node->inputs) {
      if (rows_come_in_order[input]) node->place = detail::Place::kBack;
    }
    rows_come_in_order[node->id] = node->place == detail::Place::kBack || !node->store_name().empty();
  }
}

void number_sinks(const Nodes& nodes) {
  std::map<std::string, std::uint32_t, std::less<>> numbers;
  for (const auto& node : nodes) {
    if (const auto* sink = node->sink()) {
      node->sink_index = numbers.try_emplace(sink->name, static_cast<std::uint32_t>(numbers.size())).first->second;
    }
  }
}

void check_names(const Nodes& nodes) {
  std::set<std::string_view> stores;
  std::set<std::string_view> sources;
  for (const auto& node : nodes) {
    const auto store = node->store_name();
    if (!store.empty() && !stores.insert(store).second) {
      throw std::invalid_argument(
          fmt::format("two stores of the topology are called \"{}\": give one another name with .as(...)", store));
    }
    for (const auto input : node->inputs) {
      if (input >= node->id) throw std::invalid_argument("streams of two builders were put together");
    }
    const auto* source = dynamic_cast<const detail::SourceBase*>(node.get());
    if (source != nullptr && !sources.insert(source->topic).second) {
      throw std::invalid_argument(fmt::format(
          "the topology reads \"{}\" twice: keep the stream in a variable and use it twice", source->topic));
    }
  }
  if (sources.empty()) throw std::invalid_argument("the topology reads no topic: begin with builder.stream(...)");
}

}  // namespace

Topology Builder::build() {
  check_names(graph_->nodes());
  place_nodes(graph_->nodes());
  number_sinks(graph_->nodes());
  return Topology{graph_->nodes(), memory_budget_};
}

}  // namespace millrace::streams
