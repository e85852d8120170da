#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "millrace/streams/detail/aggregate_node.h"
#include "millrace/streams/table.h"
#include "millrace/streams/window.h"

namespace millrace::streams {

namespace detail {

struct CountAggregator {
  template <class R>
  std::int64_t first(const R&) const {
    return 1;
  }
  template <class R>
  void add(std::int64_t& count, const R&) const {
    ++count;
  }
  void merge(std::int64_t& count, std::int64_t&& other) const { count += other; }
};

/// A stored text is a copy.
template <class V>
using OwnedValue = std::conditional_t<std::is_same_v<V, std::string_view>, std::string, V>;

template <class F, class A>
struct ReduceAggregator {
  F function;
  template <class R>
  A first(const R& record) const {
    return A{record.value};
  }
  template <class R>
  void add(A& so_far, const R& record) const {
    so_far = function(so_far, record.value);
  }
  void merge(A& so_far, A&& other) const { so_far = function(so_far, other); }
};

/// From functions: an empty aggregate, what adds a record to it, and perhaps what adds another aggregate.
template <class A, class Add, class Merge>
struct FunctionAggregator {
  A empty;
  Add add_to;
  Merge merge_into;
  template <class R>
  A first(const R& record) const {
    A made = empty;
    add(made, record);
    return made;
  }
  template <class K, class V>
  void add(A& so_far, const Record<K, V>& record) const {
    if constexpr (std::invocable<const Add&, A&, const Record<K, V>&>) {
      std::invoke(add_to, so_far, record);
    } else {
      static_assert(std::invocable<const Add&, A&, const V&>,
                    "what adds to an aggregate must be callable and const as `f(A&, const Record<K, V>&)` or "
                    "`f(A&, const V&)`");
      std::invoke(add_to, so_far, record.value);
    }
  }
  void merge(A& so_far, A&& other) const
    requires std::invocable<const Merge&, A&, const A&>
  {
    std::invoke(merge_into, so_far, other);
  }
};
struct NoMerge {};

/// From a type that says it all itself: `add(const V&)` or `add(const Record<K, V>&)`, and perhaps `merge(const A&)`.
template <class A>
struct MemberAggregator {
  template <class R>
  A first(const R& record) const {
    A made{};
    add(made, record);
    return made;
  }
  template <class K, class V>
  void add(A& so_far, const Record<K, V>& record) const {
    if constexpr (requires { so_far.add(record.value); }) {
      so_far.add(record.value);
    } else {
      static_assert(
          requires { so_far.add(record); },
          "an aggregate type must have `void add(const V&)` or `void add(const Record<K, V>&)`");
      so_far.add(record);
    }
  }
  void merge(A& so_far, A&& other) const
    requires requires { so_far.merge(std::as_const(other)); }
  {
    so_far.merge(std::as_const(other));
  }
};

template <class F>
struct DistinctAggregator {
  F function;
  template <class R>
  DistinctCounter first(const R& record) const {
    DistinctCounter counter;
    add(counter, record);
    return counter;
  }
  template <class K, class V>
  void add(DistinctCounter& counter, const Record<K, V>& record) const {
    using What = std::decay_t<AppliedTo<F, K, V>>;
    counter.add(KeyTraits<What>::hash(apply_to(function, record)));
  }
  void merge(DistinctCounter& counter, DistinctCounter&& other) const { counter.merge(other); }
};

}  // namespace detail

/// Records with a key by which they are grouped: what can be aggregated. `kWindowed` after `.window()`.
///
/// A handle: any number of aggregates may be made of it, and they share the grouping.
template <class K, class V, bool kWindowed = false>
class Grouped {
 public:
  Grouped(std::shared_ptr<detail::Graph> graph, std::shared_ptr<detail::GroupedOutput<K, V>> input,
          std::optional<TimeWindows> windows = std::nullopt)
      : graph_(std::move(graph)), input_(std::move(input)), windows_(std::move(windows)) {}

  /// Aggregates below are for each key and window.
  [[nodiscard]] Grouped<K, V, true> window(TimeWindows windows) const
    requires(!kWindowed)
  {
    return {graph_, input_, windows};
  }

  /// How many records.
  [[nodiscard]] auto count() const {
    auto table = make<std::int64_t>(detail::CountAggregator{}, "count");
    return table.bounded_by([](std::int64_t count) { return count; });
  }
  /// Puts two values together: `f(const V&, const V&) -> V`, associative.
  template <class F>
  [[nodiscard]] auto reduce(F function) const {
    using A = detail::OwnedValue<V>;
    static_assert(std::invocable<const F&, const A&, const V&> && std::invocable<const F&, const A&, const A&>,
                  "reduce takes a function callable and const as `V f(const V&, const V&)`");
    return make<A>(detail::ReduceAggregator<F, A>{std::move(function)}, "reduce");
  }
  /// An aggregate type that says itself what it does: `A{}`, `add(const V&)` (or `add(const Record<K, V>&)`) and, so
  /// that chunks are aggregated in parallel, `merge(const A&)`. Its field list, or `Codec<A>`, says how it is saved.
  template <class A>
  [[nodiscard]] auto aggregate() const {
    return make<A>(detail::MemberAggregator<A>{}, "aggregate");
  }
  /// The same from functions: `add(A&, const V&)` or `add(A&, const Record<K, V>&)`, and `merge(A&, const A&)`. Merging
  /// `empty` must change nothing.
  template <class A, class Add, class Merge>
  [[nodiscard]] auto aggregate(A empty, Add add, Merge merge) const {
    static_assert(std::invocable<const Merge&, A&, const A&>, "merge must be callable and const as `f(A&, const A&)`");
    return make<A>(detail::FunctionAggregator<A, Add, Merge>{std::move(empty), std::move(add), std::move(merge)},
                   "aggregate");
  }
  /// Without a merge, records are added one by one: slower.
  template <class A, class Add>
  [[nodiscard]] auto aggregate(A empty, Add add) const {
    return make<A>(detail::FunctionAggregator<A, Add, detail::NoMerge>{std::move(empty), std::move(add), {}},
                   "aggregate");
  }
  /// How many different values of a member, or of a function's result: exact until the memory budget is spent.
  template <class F>
  [[nodiscard]] auto count_distinct(F function) const {
    return make<DistinctCounter>(detail::DistinctAggregator<F>{std::move(function)}, "count-distinct");
  }

 private:
  template <class A, class Aggregator>
  auto make(Aggregator aggregator, std::string kind) const {
    static_assert(HasCodec<A>,
                  "an aggregate is saved in checkpoints: give it a field list, `template <class Self, class Visitor> "
                  "static void fields(Self& self, Visitor& visit)`, or specialise millrace::streams::Codec for it");
    static_assert(HasCodec<OwnedKey<K>>, "a key is saved in checkpoints: specialise millrace::streams::Codec for it");
    using NodeType = detail::AggregateNode<K, V, A, Aggregator, kWindowed>;
    auto node = graph_->add(std::make_shared<NodeType>(input_, std::move(aggregator), kind));
    node->name = kind + '-' + std::to_string(node->id);
    node->windows = windows_;
    return Table<NodeType, K, A, kWindowed>{graph_, node};
  }

  std::shared_ptr<detail::Graph> graph_;
  std::shared_ptr<detail::GroupedOutput<K, V>> input_;
  std::optional<TimeWindows> windows_;
};

}  // namespace millrace::streams
