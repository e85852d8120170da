#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "millrace/streams/detail/aggregate_node.h"
#include "millrace/streams/formats.h"
#include "millrace/streams/store.h"
#include "millrace/streams/window.h"

namespace millrace::streams {

template <class K, class V, class KIn, class VIn, class Steps>
class Stream;

namespace detail {
template <class K, class A, bool kWindowed>
struct StoreOf {
  using type = Store<OwnedKey<K>, A>;
};
template <class K, class A>
struct StoreOf<K, A, true> {
  using type = WindowStore<OwnedKey<K>, A>;
};
}  // namespace detail

/// The results of an aggregate: for each key (and window) one `A`, which changes.
///
/// Results go on (`to`, `to_stream`) as updates: at flush points (`cache.flush.records`, `cache.flush.interval.ms`)
/// each key that changed since the last one, in the order in which they changed first; or, with `emit(on_close)`,
/// once for each window that closed, in order of the windows. The state itself can be read at any time: `Job::read`.
///
/// A handle: copies mean the same aggregate. Threading: one thread, before `Builder::build`.
template <class NodeType, class K, class A, bool kWindowed>
class Table {
 public:
  using Key = std::conditional_t<kWindowed, Windowed<K>, K>;
  using StoreType = typename detail::StoreOf<K, A, kWindowed>::type;

  Table(std::shared_ptr<detail::Graph> graph, std::shared_ptr<NodeType> node)
      : graph_(std::move(graph)), node_(std::move(node)) {}

  /// The name of its store, for queries. Names are unique in a topology; the default is made of kind and place.
  Table as(std::string name) const {
    node_->name = std::move(name);
    return *this;
  }
  Table emit(Emit when) const {
    if (!kWindowed && when == Emit::kOnClose) {
      throw std::invalid_argument("emit(on_close) needs a window: .window(tumbling(...))");
    }
    node_->emit = when;
    return *this;
  }
  /// Lets the store give up its lightest entries when the topology's memory budget is spent. `weight` is a member of
  /// the aggregate, or a function of it, and gives a number that only grows, such as the hits of a path. Counts have it
  /// already.
  template <class W>
  Table bounded_by(W weight) const {
    static_assert(std::invocable<const W&, const A&>,
                  "bounded_by takes a member of the aggregate, or a function of it");
    node_->weight = [weight = std::move(weight)](const A& value) {
      return static_cast<std::uint64_t>(std::invoke(weight, value));
    };
    return *this;
  }
  /// For `Job::read` and `TopologyTestDriver::read`.
  [[nodiscard]] StoreHandle<StoreType> store() const { return {node_->name}; }

  /// The updates as records: key, aggregate, stream time or the window's end.
  [[nodiscard]] Stream<Key, A, Key, A, detail::Identity> to_stream() const;
  /// `to_stream().to(target)`, the topic compacted unless the target says otherwise.
  template <class KeyEncoder, class ValueEncoder>
  void to(Target<KeyEncoder, ValueEncoder> target) const;
  void to(std::string target) const;
  /// `to_stream().for_each(f)`
  template <class F>
  void for_each(F f) const;

 private:
  std::shared_ptr<detail::Graph> graph_;
  std::shared_ptr<NodeType> node_;
};

}  // namespace millrace::streams
