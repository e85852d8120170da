#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "millrace/streams/detail/node.h"
#include "millrace/streams/detail/rows.h"
#include "millrace/streams/record.h"

// A chain of stateless operators, fused: the compiler sees one function from a row to the rows it becomes. A step is
// callable with a record and an `emit` for what comes of it.

namespace millrace::streams::detail {

template <class F, class K, class V>
concept OnRecord = !std::is_member_pointer_v<F> && std::invocable<const F&, const Record<K, V>&>;

/// A function of the topology applied to a record: a member of the value, a function of the record, or of its value.
template <class F, class K, class V>
decltype(auto) apply_to(const F& function, const Record<K, V>& record) {
  if constexpr (OnRecord<F, K, V>) {
    return std::invoke(function, record);
  } else {
    static_assert(std::invocable<const F&, const V&>,
                  "an operator's function must be a member of the value (`&Hit::path`), or callable and const as "
                  "`f(const Record<K, V>&)` or `f(const V&)`; `const auto&` gets the record");
    return std::invoke(function, record.value);
  }
}

/// The same for functions that are about values: the value is tried first.
template <class F, class K, class V>
decltype(auto) apply_to_value(const F& function, const Record<K, V>& record) {
  if constexpr (std::invocable<const F&, const V&>) {
    return std::invoke(function, record.value);
  } else {
    static_assert(std::invocable<const F&, const Record<K, V>&>,
                  "map_values takes a member of the value, or a function callable and const as `f(const V&)` or "
                  "`f(const Record<K, V>&)`; `const auto&` gets the value");
    return std::invoke(function, record);
  }
}

template <class F, class K, class V>
using AppliedTo = decltype(apply_to(std::declval<const F&>(), std::declval<const Record<K, V>&>()));
template <class F, class K, class V>
using AppliedToValue = decltype(apply_to_value(std::declval<const F&>(), std::declval<const Record<K, V>&>()));

/// Nothing in between.
struct Identity {
  static constexpr bool kSelects = true;  ///< gives rows of its input, unchanged
  template <class R, class Emit>
  void operator()(const R& record, Emit&& emit) const {
    emit(record);
  }
};

template <class Before, class F>
struct FilterStep {
  static constexpr bool kSelects = Before::kSelects;
  Before before;
  F predicate;
  template <class R, class Emit>
  void operator()(const R& record, Emit&& emit) const {
    before(record, [&](const auto& out) {
      if (apply_to(predicate, out)) emit(out);
    });
  }
};

template <class Before, class F>
struct MapValuesStep {
  static constexpr bool kSelects = false;
  Before before;
  F function;
  template <class R, class Emit>
  void operator()(const R& record, Emit&& emit) const {
    before(record, [&]<class K, class V>(const Record<K, V>& out) {
      using To = std::decay_t<AppliedToValue<F, K, V>>;
      const To& value = apply_to_value(function, out);
      emit(Record<K, To>{out.key, value, out.timestamp});
    });
  }
};

template <class Before, class F>
struct MapStep {
  static constexpr bool kSelects = false;
  Before before;
  F function;
  template <class R, class Emit>
  void operator()(const R& record, Emit&& emit) const {
    before(record, [&](const auto& out) {
      const auto& [key, value] = apply_to(function, out);
      emit(Record<std::decay_t<decltype(key)>, std::decay_t<decltype(value)>>{key, value, out.timestamp});
    });
  }
};

template <class Before, class F>
struct FlatMapStep {
  static constexpr bool kSelects = false;
  Before before;
  F function;
  template <class R, class Emit>
  void operator()(const R& record, Emit&& emit) const {
    before(record, [&]<class K, class V>(const Record<K, V>& out) {
      for (const auto& item : apply_to(function, out)) {
        emit(Record<K, std::decay_t<decltype(item)>>{out.key, item, out.timestamp});
      }
    });
  }
};

template <class Before, class F>
struct SelectKeyStep {
  static constexpr bool kSelects = false;
  Before before;
  F function;
  template <class R, class Emit>
  void operator()(const R& record, Emit&& emit) const {
    before(record, [&]<class K, class V>(const Record<K, V>& out) {
      using To = std::decay_t<AppliedTo<F, K, V>>;
      const To& key = apply_to(function, out);
      emit(Record<To, V>{key, out.value, out.timestamp});
    });
  }
};

/// Runs `each(row, index, record)` for what `chain` makes of every row. A row whose function throws becomes a failure
/// of the chunk after `undo(index)`, and the next one goes on.
template <class K, class V, class Chain, class Each, class Undo>
void run_chain(Chunk& chunk, NodeId node, const Rows<K, V>& rows, const Chain& chain, Each&& each, Undo&& undo) {
  std::uint32_t i = 0;
  while (i < rows.size) {
    const auto failed = [&](std::string_view reason) {
      const auto index = rows.indices[rows.row(i)];
      undo(index);
      chunk.failed(node, index, ErrorCode::kUserFunctionFailed, reason);
      ++i;
    };
    try {
      for (; i < rows.size; ++i) {
        const auto row = rows.row(i);
        const auto record = rows.record(row);
        chain(record, [&](const auto& out) { each(row, rows.indices[row], out); });
      }
    } catch (const std::exception& error) {
      failed(error.what());
    } catch (...) {
      failed("it threw something that is no std::exception");
    }
  }
}

}  // namespace millrace::streams::detail
