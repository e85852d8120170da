#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "millrace/streams/detail/aggregate_node.h"
#include "millrace/streams/record.h"
#include "millrace/streams/window.h"

namespace millrace::streams {

/// The aggregates of a `.count()`, `.reduce()` or `.aggregate()` in one task, as a query sees them: key -> A, in the
/// order in which keys first came. `K` is the owned key: `std::string` where the topology's key is a
/// `std::string_view`.
///
/// A view, valid inside the function that was given to `Job::read`, which holds the task's lock: take what is needed
/// and leave. `find` takes about 50 ns, `for_each` about 5 ns an entry.
template <class K, class A>
class Store {
 public:
  using Table = detail::StateTable<K, A>;
  static constexpr bool kWindowed = false;
  explicit Store(const detail::AggregateState<K, A>& state) : state_(&state) {}

  [[nodiscard]] std::size_t size() const { return state_->table.size(); }
  /// Whether memory ran out, so that entries are missing or estimated.
  [[nodiscard]] bool approximate() const { return state_->figures().approximate; }
  /// How much weight an entry that is not here may have had at most; 0 while exact.
  [[nodiscard]] std::uint64_t error_bound() const { return state_->table.floor(); }

  template <class View>
  [[nodiscard]] const A* find(const View& key) const {
    const auto hash = Table::hash_of(KeyTraits<std::decay_t<View>>::hash(key), 0);
    const auto entry = state_->table.find(hash, key, 0);
    return entry == detail::StateIndex::kNone ? nullptr : &state_->table.at(entry).value;
  }
  [[nodiscard]] const A* find(const char* key) const { return find(std::string_view{key}); }
  /// `f(key, aggregate)` for each.
  template <class F>
  void for_each(F&& f) const {
    state_->table.for_each([&](const auto& entry) { f(entry.key, entry.value); });
  }

 private:
  const detail::AggregateState<K, A>* state_;
};

/// The same for windowed aggregates: by window, then in the order in which keys first came.
template <class K, class A>
class WindowStore {
 public:
  using Table = detail::StateTable<K, A>;
  static constexpr bool kWindowed = true;
  WindowStore(const detail::AggregateState<K, A>& state, std::chrono::milliseconds size)
      : state_(&state), size_(size) {}

  /// Entries, of all windows.
  [[nodiscard]] std::size_t size() const { return state_->table.size(); }
  [[nodiscard]] bool approximate() const { return state_->figures().approximate; }
  [[nodiscard]] std::uint64_t late_records() const { return state_->late_records; }

  template <class View>
  [[nodiscard]] const A* find(const View& key, Timestamp start) const {
    const auto window = start.time_since_epoch().count();
    const auto hash = Table::hash_of(KeyTraits<std::decay_t<View>>::hash(key), window);
    const auto entry = state_->table.find(hash, key, window);
    return entry == detail::StateIndex::kNone ? nullptr : &state_->table.at(entry).value;
  }
  [[nodiscard]] const A* find(const char* key, Timestamp start) const { return find(std::string_view{key}, start); }
  /// `f(key, window, aggregate)` for each.
  template <class F>
  void for_each(F&& f) const {
    state_->table.for_each([&](const auto& entry) { f(entry.key, window_at(entry.window), entry.value); });
  }
  /// `f(key, window, aggregate)` for windows that start at `from` or later.
  template <class F>
  void for_each_from(Timestamp from, F&& f) const {
    const auto& windows = state_->table.windows();
    for (auto at = windows.lower_bound(from.time_since_epoch().count()); at != windows.end(); ++at) {
      for (const auto id : at->second) f(state_->table.at(id).key, window_at(at->first), state_->table.at(id).value);
    }
  }
  /// The newest window that has an entry.
  [[nodiscard]] std::optional<Window> newest() const {
    const auto& windows = state_->table.windows();
    if (windows.empty()) return std::nullopt;
    return window_at(windows.rbegin()->first);
  }

 private:
  [[nodiscard]] Window window_at(std::int64_t start) const {
    const Timestamp from{std::chrono::milliseconds{start}};
    return {from, from + size_};
  }
  const detail::AggregateState<K, A>* state_;
  std::chrono::milliseconds size_;
};

/// Names a store with its types, so that a query needs no more: `auto paths =
/// hits.group_by(&Hit::path).count().store();` then `job.read(paths, [](const auto& store) {...})`.
template <class StoreType>
struct StoreHandle {
  using type = StoreType;
  std::string name;
};

}  // namespace millrace::streams
