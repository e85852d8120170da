#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/streams/detail/group_node.h"
#include "millrace/streams/detail/state_table.h"
#include "millrace/streams/distinct.h"
#include "millrace/streams/window.h"

// An aggregator says how records become an `A`:
//   A first(record)             from the first record of a key
//   void add(A&, record)        the next one
//   void merge(A&, A&&)         two partial aggregates, the earlier one first; without it nothing is pre-aggregated

namespace millrace::streams::detail {

template <class Aggregator, class A>
concept Merges = requires(const Aggregator& aggregator, A& a) { aggregator.merge(a, std::move(a)); };

/// The aggregates of one task.
template <class Key, class A>
class AggregateState final : public State {
 public:
  using Table = StateTable<Key, A>;

  explicit AggregateState(std::function<std::uint64_t(const A&)> weight) : weight_(std::move(weight)) {}

  Table table;
  std::uint64_t late_records = 0;
  /// Windows that start here or earlier gave their final results.
  std::int64_t closed_start = INT64_MIN;
  std::vector<std::int64_t> dropped;

  void write(StateWriter& out) const override {
    write_state(out, closed_start);
    out.number(late_records);
    table.write(out);
  }
  void read(StateReader& in) override {
    closed_start = read_state<std::int64_t>(in);
    late_records = in.number();
    table.read(in);
  }
  [[nodiscard]] StateFigures figures() const override {
    auto approximate = table.pruned();
    if constexpr (std::is_same_v<A, DistinctCounter>) {
      table.for_each([&](const auto& entry) { approximate = approximate || entry.value.approximate(); });
    }
    return {table.size(), table.memory(), late_records, approximate};
  }
  void shrink_to(std::uint64_t bytes) override {
    if constexpr (std::is_same_v<A, DistinctCounter>) {
      table.for_each([](const auto& entry) {
        if (entry.value.memory() > DistinctCounter::kRegisters) const_cast<A&>(entry.value).approximate_now();
      });
    }
    if (weight_) prune_to(bytes);
  }
  [[nodiscard]] bool has_unflushed() const override { return table.has_dirty(); }
  void settle() override {
    for (const auto start : dropped) table.drop_window(start);
    dropped.clear();
  }
  [[nodiscard]] const void* type() const override { return &kTypeTag<Table>; }

 private:
  /// Drops the lightest entries, by Space-Saving's bound (Metwally et al. 2005) in batches: what an entry may have had
  /// before it came is at most the greatest weight that was dropped before.
  void prune_to(std::uint64_t bytes) {
    const auto used = table.memory();
    if (used <= bytes || table.size() == 0) return;
    const auto keep = static_cast<std::size_t>(static_cast<double>(table.size()) * static_cast<double>(bytes) /
                                               static_cast<double>(used));
    struct Ranked {
      std::uint64_t weight;
      std::size_t place;
    };
    std::vector<Ranked> ranked;
    ranked.reserve(table.size());
    table.for_each([&](const auto& entry) { ranked.push_back({weight_(entry.value) + entry.error, ranked.size()}); });
    const auto heavier = [](const Ranked& a, const Ranked& b) {
      return a.weight != b.weight ? a.weight > b.weight : a.place < b.place;
    };
    std::nth_element(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(keep), ranked.end(), heavier);
    const auto greatest = ranked[keep].weight;
    std::vector<bool> kept(ranked.size());
    for (std::size_t i = 0; i < keep; ++i) kept[ranked[i].place] = true;
    std::size_t place = 0;
    table.prune(std::max(greatest, table.floor()), [&](const auto&) { return kept[place++]; });
  }

  std::function<std::uint64_t(const A&)> weight_;
};

/// What an aggregate gives its readers: for each key that changed, or each key of a window that closed.
template <class KOut, class A>
struct AggregateRows final : Scratch {
  std::vector<KOut> keys;
  std::vector<const A*> values;
  std::vector<std::int64_t> times;
  std::vector<std::uint32_t> indices;
  Rows<KOut, A> view;

  void clear() {
    keys.clear();
    values.clear();
    times.clear();
    indices.clear();
  }
  void finish() {
    view = {Column<KOut>{keys}, Column<A>{values}, times.data(),
            indices.data(),     nullptr,           static_cast<std::uint32_t>(indices.size())};
  }
};

/// The type-independent part: what the user can set after the aggregate was made.
class AggregateBase : public Node {
 public:
  using Node::Node;
  [[nodiscard]] std::string_view store_name() const override { return name; }

  std::string name;
  std::optional<TimeWindows> windows;
  Emit emit = Emit::kOnUpdate;
};

/// Aggregates the rows of each key, and of each window if there are windows.
///
/// In front: partial aggregates of one chunk, each (group, window) a slot, in the order in which they were first
/// touched. In back: the slots are merged into the state, so the state is touched once a key and chunk, not once a
/// record. Records are late or not by the stream time at their own place in the input, so where chunks end does not
/// matter.
template <class K, class V, class A, class Aggregator, bool kWindowed>
class AggregateNode final : public AggregateBase, public Output<std::conditional_t<kWindowed, Windowed<K>, K>, A> {
 public:
  using KOut = std::conditional_t<kWindowed, Windowed<K>, K>;
  using TaskState = AggregateState<OwnedKey<K>, A>;

  AggregateNode(std::shared_ptr<GroupedOutput<K, V>> input, Aggregator aggregator, std::string what)
      : AggregateBase(std::move(what), {input->node()}), input_(std::move(input)), aggregator_(std::move(aggregator)) {}

  std::function<std::uint64_t(const A&)> weight;

  [[nodiscard]] std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<PartialScratch>(); }
  [[nodiscard]] std::unique_ptr<Scratch> make_back_scratch() const override { return std::make_unique<ResultRows>(); }
  [[nodiscard]] std::unique_ptr<State> make_state() const override { return std::make_unique<TaskState>(weight); }

  void process(Chunk& chunk) const override {
    auto& scratch = static_cast<PartialScratch&>(chunk.scratch(id));
    const auto& grouped = input_->grouped(chunk);
    scratch.clear(grouped);
    std::uint32_t i = 0;
    while (i < grouped.rows.size) {
      const auto failed = [&](std::string_view reason) {
        chunk.failed(id, grouped.rows.indices[grouped.rows.row(i)], ErrorCode::kUserFunctionFailed, reason);
        ++i;
      };
      try {
        for (; i < grouped.rows.size; ++i) take(chunk, scratch, grouped, i);
      } catch (const std::exception& error) {
        failed(error.what());
      } catch (...) {
        failed("it threw something that is no std::exception");
      }
    }
  }

  void apply(Chunk& chunk, State* state, Outputs&) const override {
    auto& scratch = static_cast<PartialScratch&>(chunk.scratch(id));
    auto& task = static_cast<TaskState&>(*state);
    task.late_records += scratch.late;
    scratch.late = 0;
    auto& results = static_cast<ResultRows&>(chunk.back_scratch(id));
    results.clear();
    merge_slots(chunk, scratch, task);
    if constexpr (kWindowed) close_windows(chunk, results, task);
    if (chunk.flush == Chunk::Flush::kYes) {
      task.table.take_dirty([&](auto entry) { push(results, task, entry, chunk.stream_time_after, chunk.size); });
    }
    results.finish();
    scratch.slots.clear();
    scratch.partials.clear();
  }

  [[nodiscard]] const Rows<KOut, A>& rows(const Chunk& chunk) const override {
    return static_cast<const ResultRows&>(chunk.back_scratch(id)).view;
  }
  [[nodiscard]] NodeId node() const override { return id; }

 private:
  using ResultRows = AggregateRows<KOut, A>;
  static constexpr bool kMerges = Merges<Aggregator, A>;
  static constexpr std::uint32_t kNone = UINT32_MAX;

  struct Slot {
    std::uint32_t group;
    std::uint32_t previous;  ///< an earlier window of the same group in this chunk
    std::int64_t window;
  };
  struct RowSlot {
    std::uint32_t position;
    std::uint32_t slot;
  };
  struct PartialScratch final : Scratch {
    std::vector<Slot> slots;
    std::vector<A> partials;                     ///< of each slot
    std::vector<RowSlot> rows;                   ///< without merge: which rows go to which slot
    std::vector<std::uint32_t> hashes;           ///< of each slot in the state
    std::vector<std::uint32_t> newest_of_group;  ///< the slot that came last
    ChunkIndex by_window;                        ///< of all slots, once groups have many windows
    bool has_by_window = false;
    std::uint64_t late = 0;
    std::int64_t window_start = 0;  ///< of the window that was used last

    void clear(const GroupedRows<K, V>& grouped) {
      slots.clear();
      partials.clear();
      rows.clear();
      newest_of_group.assign(grouped.keys.size(), kNone);
      has_by_window = false;
    }
  };

  void take(Chunk& chunk, PartialScratch& scratch, const GroupedRows<K, V>& grouped, std::uint32_t i) const {
    if constexpr (!kWindowed) {
      add(scratch, grouped, i, 0);
    } else {
      const auto row = grouped.rows.row(i);
      const auto time = grouped.rows.times[row];
      const auto size = windows->size().count();
      const auto advance = windows->advance().count();
      if (static_cast<std::uint64_t>(time) - static_cast<std::uint64_t>(scratch.window_start) >=
          static_cast<std::uint64_t>(advance)) {
        scratch.window_start = time - floor_mod(time, advance);
      }
      auto in_time = false;
      for (auto start = scratch.window_start; start + size > time; start -= advance) {
        const auto closes = start + size + windows->grace().count();
        if (closes <= chunk.stream_time_after && closes <= chunk.stream_time_at(grouped.rows.indices[row])) {
          break;  // closed, and so are those before it
        }
        add(scratch, grouped, i, start);
        in_time = true;
      }
      if (!in_time) ++scratch.late;
    }
  }

  static std::int64_t floor_mod(std::int64_t a, std::int64_t b) {
    const auto rest = a % b;
    return rest < 0 ? rest + b : rest;
  }

  void add(PartialScratch& scratch, const GroupedRows<K, V>& grouped, std::uint32_t i, std::int64_t window) const {
    const auto group = grouped.groups[i];
    const auto slot = find_slot(scratch, group, window);
    const auto row = grouped.rows.row(i);
    const Record<K, V> record{grouped.keys[group], grouped.rows.values.at(row),
                              Timestamp{std::chrono::milliseconds{grouped.rows.times[row]}}};
    if (slot != kNone) {
      if constexpr (kMerges) aggregator_.add(scratch.partials[slot], record);
      if constexpr (!kMerges) scratch.rows.push_back({i, slot});
      return;
    }
    const auto added = static_cast<std::uint32_t>(scratch.slots.size());
    if constexpr (kMerges) scratch.partials.push_back(aggregator_.first(record));
    if constexpr (!kMerges) scratch.rows.push_back({i, added});
    scratch.slots.push_back({group, scratch.newest_of_group[group], window});
    scratch.newest_of_group[group] = added;
    if (scratch.has_by_window) index_slot(scratch, added);
  }

  /// Nearly always the group's newest slot or one close by; a group with many windows is looked up by hash.
  std::uint32_t find_slot(PartialScratch& scratch, std::uint32_t group, std::int64_t window) const {
    auto slot = scratch.newest_of_group[group];
    if constexpr (kWindowed) {
      constexpr int kWalk = 6;
      for (int steps = 0; steps < kWalk && slot != kNone; ++steps) {
        if (scratch.slots[slot].window == window) return slot;
        slot = scratch.slots[slot].previous;
      }
      if (slot != kNone) return look_up_slot(scratch, group, window);
    }
    return slot;
  }
  std::uint32_t look_up_slot(PartialScratch& scratch, std::uint32_t group, std::int64_t window) const {
    if (!scratch.has_by_window) {
      scratch.has_by_window = true;
      scratch.by_window.reset(static_cast<std::uint32_t>(scratch.slots.size()) * 2);
      for (std::uint32_t slot = 0; slot < scratch.slots.size(); ++slot) index_slot(scratch, slot);
    }
    return scratch.by_window.find(slot_hash(group, window), [&](std::uint32_t slot) {
      return scratch.slots[slot].group == group && scratch.slots[slot].window == window;
    });
  }
  void index_slot(PartialScratch& scratch, std::uint32_t slot) const {
    if (slot >= scratch.by_window.room()) {
      std::vector<std::uint64_t> hashes;
      for (std::uint32_t i = 0; i < slot; ++i)
        hashes.push_back(slot_hash(scratch.slots[i].group, scratch.slots[i].window));
      scratch.by_window.grow(hashes);
    }
    scratch.by_window.find_or_add(slot_hash(scratch.slots[slot].group, scratch.slots[slot].window), slot,
                                  [](std::uint32_t) { return false; });
  }
  static std::uint64_t slot_hash(std::uint32_t group, std::int64_t window) {
    return hash_number(hash_number(static_cast<std::uint64_t>(window)) + group);
  }

  void merge_slots(Chunk& chunk, PartialScratch& scratch, TaskState& task) const {
    const auto& slots = scratch.slots;
    if (slots.empty()) return;
    const auto& grouped = input_->grouped(chunk);
    if constexpr (kMerges) {
      constexpr std::size_t kAhead = 6;
      auto& hashes = scratch.hashes;
      hashes.resize(slots.size() + 2 * kAhead);
      for (std::size_t s = 0; s < slots.size(); ++s) {
        hashes[s] = task.table.hash_of(grouped.hashes[slots[s].group], slots[s].window);
      }
      for (std::size_t s = 0; s < slots.size(); ++s) {
        task.table.prefetch(hashes[s + 2 * kAhead]);
        task.table.prefetch_entry(hashes[s + kAhead]);
        const auto hash = hashes[s];
        const auto& key = grouped.keys[slots[s].group];
        auto entry = task.table.find(hash, key, slots[s].window);
        if (entry == kNone) {
          entry = task.table.add(hash, key, slots[s].window, std::move(scratch.partials[s]));
        } else {
          aggregator_.merge(task.table.at(entry).value, std::move(scratch.partials[s]));
        }
        if (emit == Emit::kOnUpdate) task.table.mark_dirty(entry);
      }
    } else {
      add_rows(chunk, scratch, task, grouped);
    }
  }

  /// Without a merge: record by record.
  void add_rows(Chunk& chunk, PartialScratch& scratch, TaskState& task, const GroupedRows<K, V>& grouped) const {
    for (const auto& placed : scratch.rows) {
      const auto& slot = scratch.slots[placed.slot];
      const auto row = grouped.rows.row(placed.position);
      const Record<K, V> record{grouped.keys[slot.group], grouped.rows.values.at(row),
                                Timestamp{std::chrono::milliseconds{grouped.rows.times[row]}}};
      const auto hash = task.table.hash_of(grouped.hashes[slot.group], slot.window);
      auto entry = task.table.find(hash, record.key, slot.window);
      try {
        if (entry == kNone) {
          entry = task.table.add(hash, record.key, slot.window, aggregator_.first(record));
        } else {
          aggregator_.add(task.table.at(entry).value, record);
        }
        if (emit == Emit::kOnUpdate) task.table.mark_dirty(entry);
      } catch (const std::exception& error) {
        chunk.failed(id, grouped.rows.indices[row], ErrorCode::kUserFunctionFailed, error.what());
      }
    }
    scratch.rows.clear();
  }

  void close_windows(Chunk& chunk, ResultRows& results, TaskState& task) const {
    const auto size = windows->size().count();
    const auto& all = task.table.windows();
    if (emit == Emit::kOnClose) {
      for (auto at = all.upper_bound(task.closed_start); at != all.end(); ++at) {
        const auto closes = at->first + size + windows->grace().count();
        if (closes > chunk.stream_time_after) break;
        const auto index = chunk.first_index_reaching(closes);
        for (const auto entry : at->second) push(results, task, entry, at->first + size, index);
        task.closed_start = at->first;
      }
    }
    for (const auto& [start, entries] : all) {
      const auto gone = start + size + windows->keep().count();
      if (gone > chunk.stream_time_after) break;
      const auto index = chunk.first_index_reaching(gone);
      for (const auto entry : entries) {
        if (task.table.at(entry).dirty == 0) continue;
        push(results, task, entry, start + size, index);
        task.table.mark_clean(entry);
      }
      task.dropped.push_back(start);
    }
  }

  void push(ResultRows& results, TaskState& task, std::uint32_t id_of_entry, std::int64_t time,
            std::uint32_t index) const {
    const auto& entry = task.table.at(id_of_entry);
    const auto& key = entry.key;
    if constexpr (kWindowed) {
      const auto at = [](std::int64_t ms) { return Timestamp{std::chrono::milliseconds{ms}}; };
      results.keys.push_back(
          Windowed<K>{KeyTraits<K>::view(key), {at(entry.window), at(entry.window + windows->size().count())}});
    } else {
      results.keys.push_back(KeyTraits<K>::view(key));
    }
    results.values.push_back(&entry.value);
    results.times.push_back(time);
    results.indices.push_back(index);
  }

  std::shared_ptr<GroupedOutput<K, V>> input_;
  Aggregator aggregator_;
};

}  // namespace millrace::streams::detail
