#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/streams/codec.h"
#include "millrace/streams/detail/state_index.h"
#include "millrace/streams/hash.h"

namespace millrace::streams::detail {

template <class T>
concept CountsItsMemory = requires(const T& value) {
  { value.memory() } -> std::convertible_to<std::size_t>;
};

/// Bytes outside of the value itself. Follows from the value alone, never from capacities, so that budget decisions are
/// the same after a restart.
template <class T>
std::size_t extra_memory(const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    return value.size() > 15 ? value.size() + 17 : 0;
  } else if constexpr (CountsItsMemory<T>) {
    return value.memory();
  } else if constexpr (requires { std::tuple_size<T>::value; }) {
    return std::apply([](const auto&... part) { return (std::size_t{0} + ... + extra_memory(part)); }, value);
  } else {
    return 0;
  }
}

/// The aggregates of one node in one task: (key, window start) -> A, in memory.
///
/// Everything that can be seen is in the order in which entries came, window by window: `for_each`, checkpoints, dirty
/// entries. Entries never move until they are erased. A table without windows uses window start 0.
///
/// Threading: one thread at a time.
template <class Key, class A>
class StateTable {
 public:
  struct Entry {
    Key key;
    A value;
    std::int64_t window;
    std::uint64_t error;  ///< how much of its weight may have been missed before it came (approximate tables)
    std::uint32_t hash;
    std::uint32_t dirty;  ///< its place among the dirty ones, from 1; 0: clean
  };
  using EntryId = std::uint32_t;

  ~StateTable() { clear(); }
  StateTable() = default;
  StateTable(const StateTable&) = delete;
  StateTable& operator=(const StateTable&) = delete;

  [[nodiscard]] static std::uint32_t hash_of(std::uint64_t key_hash, std::int64_t window) {
    if (window == 0) return static_cast<std::uint32_t>(key_hash);
    return static_cast<std::uint32_t>(hash_number(key_hash ^ static_cast<std::uint64_t>(window)));
  }
  void prefetch(std::uint32_t hash) const { index_.prefetch(hash); }
  /// Some time after `prefetch`: now the entry itself.
  void prefetch_entry(std::uint32_t hash) const {
    const auto entry = index_.guess(hash);
    if (entry != StateIndex::kNone) __builtin_prefetch(slab(entry));
  }

  template <class View>
  [[nodiscard]] EntryId find(std::uint32_t hash, const View& key, std::int64_t window) const {
    return index_.find(hash, [&](EntryId id) {
      const auto& entry = at(id);
      return entry.window == window && KeyTraits<View>::equal(entry.key, key);
    });
  }
  /// The caller has looked: it is not there.
  template <class View>
  EntryId add(std::uint32_t hash, const View& key, std::int64_t window, A value) {
    return insert(Entry{KeyTraits<View>::own(key), std::move(value), window, floor_, hash, 0});
  }

  [[nodiscard]] Entry& at(EntryId id) { return *reinterpret_cast<Entry*>(slab(id)); }
  [[nodiscard]] const Entry& at(EntryId id) const { return *reinterpret_cast<const Entry*>(slab(id)); }
  [[nodiscard]] std::size_t size() const { return index_.size(); }

  /// By window, then in the order they came.
  template <class F>
  void for_each(F&& f) const {
    for (const auto& [start, ids] : windows_) {
      for (const auto id : ids) f(at(id));
    }
  }
  [[nodiscard]] const std::map<std::int64_t, std::vector<EntryId>>& windows() const { return windows_; }

  void mark_dirty(EntryId id) {
    auto& entry = at(id);
    if (entry.dirty != 0) return;
    dirty_.push_back(id);
    entry.dirty = static_cast<std::uint32_t>(dirty_.size());
    ++dirty_count_;
  }
  void mark_clean(EntryId id) {
    auto& entry = at(id);
    if (entry.dirty == 0) return;
    entry.dirty = 0;
    --dirty_count_;
  }
  [[nodiscard]] bool has_dirty() const { return dirty_count_ > 0; }
  /// Gives the dirty entries, first touched first, and makes them clean.
  template <class F>
  void take_dirty(F&& f) {
    for (std::uint32_t place = 0; place < dirty_.size(); ++place) {
      const auto id = dirty_[place];
      if (!is_live(id) || at(id).dirty != place + 1) continue;
      at(id).dirty = 0;
      f(id);
    }
    dirty_.clear();
    dirty_count_ = 0;
  }

  /// Forgets a window and its entries.
  void drop_window(std::int64_t start) {
    const auto found = windows_.find(start);
    if (found == windows_.end()) return;
    for (const auto id : found->second) erase(id);
    windows_.erase(found);
    last_window_ = nullptr;
  }
  /// Keeps only the entries for which `keep` holds, in their order. `floor` is the greatest weight that was dropped.
  template <class Keep>
  void prune(std::uint64_t floor, Keep&& keep) {
    for (auto window = windows_.begin(); window != windows_.end();) {
      std::erase_if(window->second, [&](EntryId id) {
        if (keep(at(id))) return false;
        erase(id);
        return true;
      });
      window = window->second.empty() ? windows_.erase(window) : std::next(window);
    }
    last_window_ = nullptr;
    floor_ = floor;
    pruned_ = true;
  }
  [[nodiscard]] bool pruned() const { return pruned_; }
  [[nodiscard]] std::uint64_t floor() const { return floor_; }

  /// By what the entries are, not by how they are laid out.
  [[nodiscard]] std::uint64_t memory() const {
    std::uint64_t bytes = size() * kEntryBytes + windows_.size() * 96 + key_bytes_;
    if constexpr (CountsItsMemory<A>) for_each([&](const Entry& entry) { bytes += entry.value.memory(); });
    return bytes;
  }
  static constexpr std::uint64_t kEntryBytes = sizeof(Entry) + 20;

  void write(StateWriter& out) const {
    std::map<EntryId, std::uint64_t> place_of_dirty;
    std::uint64_t place = 0;
    out.number(windows_.size());
    for (const auto& [start, ids] : windows_) {
      write_state(out, start);
      out.number(ids.size());
      for (const auto id : ids) {
        const auto& entry = at(id);
        write_state(out, entry.key);
        write_state(out, entry.value);
        out.number(entry.error);
        if (entry.dirty != 0) place_of_dirty.emplace(id, place);
        ++place;
      }
    }
    out.number(floor_);
    out.number(pruned_ ? 1 : 0);
    out.number(dirty_count_);
    for (std::uint32_t at_dirty = 0; at_dirty < dirty_.size(); ++at_dirty) {
      const auto found = place_of_dirty.find(dirty_[at_dirty]);
      if (found != place_of_dirty.end() && at(found->first).dirty == at_dirty + 1) out.number(found->second);
    }
  }
  void read(StateReader& in) {
    std::vector<EntryId> in_order;
    for (auto windows = in.number(); windows > 0 && in.ok(); --windows) {
      const auto start = read_state<std::int64_t>(in);
      for (auto entries = in.number(); entries > 0 && in.ok(); --entries) {
        auto key = read_state<Key>(in);
        auto value = read_state<A>(in);
        const auto error = in.number();
        if (!in.ok()) return;
        const auto hash = hash_of(KeyTraits<Key>::hash(key), start);
        in_order.push_back(insert(Entry{std::move(key), std::move(value), start, error, hash, 0}));
      }
    }
    floor_ = in.number();
    pruned_ = in.number() != 0;
    for (auto dirty = in.number(); dirty > 0 && in.ok(); --dirty) {
      const auto place = in.number();
      if (place >= in_order.size()) return in.spoil();
      mark_dirty(in_order[place]);
    }
  }

 private:
  static constexpr std::uint32_t kSlabBits = 10;
  static constexpr std::uint32_t kSlabSize = 1U << kSlabBits;
  struct alignas(Entry) Room {
    std::byte bytes[sizeof(Entry)];
  };

  [[nodiscard]] std::byte* slab(EntryId id) const { return slabs_[id >> kSlabBits][id & (kSlabSize - 1)].bytes; }
  [[nodiscard]] bool is_live(EntryId id) const { return live_[id]; }

  EntryId insert(Entry entry) {
    EntryId id;
    if (free_.empty()) {
      id = next_++;
      if (id >> kSlabBits == slabs_.size()) slabs_.push_back(std::make_unique_for_overwrite<Room[]>(kSlabSize));
      live_.push_back(true);
    } else {
      id = free_.back();
      free_.pop_back();
      live_[id] = true;
    }
    key_bytes_ += extra_memory(entry.key);
    const auto hash = entry.hash;
    const auto window = entry.window;
    new (slab(id)) Entry(std::move(entry));
    index_.add(hash, id);
    if (last_window_ == nullptr || last_window_start_ != window) {
      last_window_ = &windows_[window];
      last_window_start_ = window;
    }
    last_window_->push_back(id);
    return id;
  }
  /// From everything but its window's list.
  void erase(EntryId id) {
    auto& entry = at(id);
    key_bytes_ -= extra_memory(entry.key);
    if (entry.dirty != 0) --dirty_count_;
    index_.remove(entry.hash, id);
    entry.~Entry();
    live_[id] = false;
    free_.push_back(id);
  }
  void clear() {
    for (EntryId id = 0; id < next_; ++id) {
      if (live_[id]) at(id).~Entry();
    }
  }

  std::vector<std::unique_ptr<Room[]>> slabs_;
  std::vector<bool> live_;
  std::vector<EntryId> free_;
  EntryId next_ = 0;
  StateIndex index_;
  std::map<std::int64_t, std::vector<EntryId>> windows_;
  std::vector<EntryId>* last_window_ = nullptr;
  std::int64_t last_window_start_ = 0;
  std::vector<EntryId> dirty_;
  std::uint32_t dirty_count_ = 0;
  std::uint64_t key_bytes_ = 0;
  std::uint64_t floor_ = 0;
  bool pruned_ = false;
};

}  // namespace millrace::streams::detail
