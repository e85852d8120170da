#pragma once

#include <functional>
#include <type_traits>

#include "millrace/streams/detail/node.h"
#include "millrace/streams/store.h"

// From a store's name and a function to a typed view of the state.

namespace millrace::streams::detail {

/// Called with the node and its state, under the task's lock.
using StateQuery = std::function<void(const Node&, const State&)>;

template <class F>
struct FirstArgument : FirstArgument<decltype(&F::operator())> {};
template <class R, class C, class Arg>
struct FirstArgument<R (C::*)(Arg) const> {
  using type = std::decay_t<Arg>;
};
template <class R, class C, class Arg>
struct FirstArgument<R (C::*)(Arg)> {
  using type = std::decay_t<Arg>;
};

/// The store that a query with a named parameter type asks for.
template <class F>
using QueriedStore = typename FirstArgument<std::decay_t<F>>::type;

template <class StoreType>
struct StateOf;
template <class K, class A>
struct StateOf<Store<K, A>> {
  using type = AggregateState<K, A>;
};
template <class K, class A>
struct StateOf<WindowStore<K, A>> {
  using type = AggregateState<K, A>;
};

/// Tells a windowed store from one without, and types from others.
template <class StoreType>
const void* store_type() {
  return &kTypeTag<typename StateOf<StoreType>::type::Table>;
}

template <class StoreType, class F>
StateQuery query_of(F& query) {
  return [&query](const Node& node, const State& state) {
    const auto& typed = static_cast<const typename StateOf<StoreType>::type&>(state);
    if constexpr (StoreType::kWindowed) {
      const auto& windows = static_cast<const AggregateBase&>(node).windows;
      query(StoreType{typed, windows ? windows->size() : TimeWindows::Milliseconds{0}});
    } else {
      query(StoreType{typed});
    }
  };
}

}  // namespace millrace::streams::detail
