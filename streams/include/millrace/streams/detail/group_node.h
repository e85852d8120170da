#pragma once

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/streams/detail/chunk_index.h"
#include "millrace/streams/detail/stateless_nodes.h"
#include "millrace/streams/hash.h"

namespace millrace::streams::detail {

/// A vector of records whose keys were numbered: group 0, 1, 2, ... in the order in which keys first came. All
/// aggregates over the same `group_by` share it, so a key is hashed once a record, and an aggregate needs no hash at
/// all.
template <class K, class V>
struct GroupedRows {
  Rows<All, V> rows;                  ///< their keys mean nothing
  std::vector<std::uint32_t> groups;  ///< of each row of `rows`, selected ones only
  std::vector<K> keys;                ///< of each group
  std::vector<std::uint64_t> hashes;  ///< of each key
};

template <class K, class V>
class GroupedOutput {
 public:
  virtual ~GroupedOutput() = default;
  [[nodiscard]] virtual const GroupedRows<K, V>& grouped(const Chunk& chunk) const = 0;
  [[nodiscard]] virtual NodeId node() const = 0;
};

/// What a selector's result becomes as a key: a text that it refers to, and that stays where it is, is not copied; an
/// optional is what it holds.
template <class Selected, bool kStays>
struct GroupKeyOf {
  using type = std::conditional_t<kStays && std::is_lvalue_reference_v<Selected> &&
                                      std::is_same_v<std::decay_t<Selected>, std::string>,
                                  std::string_view, std::decay_t<Selected>>;
};
template <class K, bool kStays>
struct GroupKeyOf<std::optional<K>, kStays> {
  using type = K;
};
template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class Selected, bool kStays>
using GroupKey =
    typename GroupKeyOf<std::conditional_t<kIsOptional<std::decay_t<Selected>>, std::decay_t<Selected>, Selected>,
                        kStays>::type;

/// Groups rows by a key. `Select` is called with what the chain makes, a Record<KOut, V>, and gives the key.
template <class KIn, class VIn, class Chain, class KOut, class V, class K, class Select>
class GroupNode final : public Node, public GroupedOutput<K, V> {
 public:
  GroupNode(OutputPtr<KIn, VIn> input, Chain chain, Select select)
      : Node("group", {input->node()}),
        input_(std::move(input)),
        chain_(std::move(chain)),
        select_(std::move(select)) {}

  [[nodiscard]] std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<GroupScratch>(); }

  void process(Chunk& chunk) const override {
    auto& scratch = static_cast<GroupScratch&>(chunk.scratch(id));
    const auto& in = input_->rows(chunk);
    scratch.grouped.keys.clear();
    scratch.grouped.hashes.clear();
    scratch.index.reset(in.size);
    if constexpr (Chain::kSelects) {
      group_selected(chunk, scratch, in);
    } else {
      group_made(chunk, scratch, in);
    }
  }

  [[nodiscard]] const GroupedRows<K, V>& grouped(const Chunk& chunk) const override {
    return static_cast<const GroupScratch&>(chunk.scratch(id)).grouped;
  }
  [[nodiscard]] NodeId node() const override { return id; }

 private:
  static constexpr All kAll{};
  using Selected = std::invoke_result_t<const Select&, const Record<KOut, V>&>;
  /// Rows without a key are left out.
  static constexpr bool kLeavesOut = kIsOptional<std::decay_t<Selected>>;
  struct GroupScratch final : Scratch {
    GroupedRows<K, V> grouped;
    OwnedRows<All, V> owned;
    std::vector<std::uint32_t> selection;
    ChunkIndex index;
  };

  /// The rows are some of the input's: all of them, unless the chain filters or a function throws.
  void group_selected(Chunk& chunk, GroupScratch& scratch, const Rows<KIn, VIn>& in) const {
    auto& out = scratch.grouped;
    auto& selection = scratch.selection;
    out.groups.resize(in.size);
    selection.resize(in.size);
    std::uint32_t count = 0;
    auto keeps_selection = !std::is_same_v<Chain, Identity> || kLeavesOut;
    run_chain(
        chunk, id, in, chain_,
        [&](auto row, auto, const auto& record) {
          decltype(auto) key = select_(record);
          if constexpr (kLeavesOut) {
            if (!key) return;
            out.groups[count] = number(scratch, *key);
          } else {
            out.groups[count] = number(scratch, key);
          }
          if (keeps_selection) selection[count] = row;
          ++count;
        },
        [&](auto) {
          if (keeps_selection) return;
          for (std::uint32_t i = 0; i < count; ++i) selection[i] = in.row(i);
          keeps_selection = true;
        });
    out.groups.resize(count);
    out.rows = {Column<All>::constant(kAll),
                in.values,
                in.times,
                in.indices,
                keeps_selection ? selection.data() : in.selection,
                count};
  }

  /// The rows are new ones.
  void group_made(Chunk& chunk, GroupScratch& scratch, const Rows<KIn, VIn>& in) const {
    auto& out = scratch.grouped;
    auto& owned = scratch.owned;
    out.groups.clear();
    owned.clear();
    run_chain(
        chunk, id, in, chain_,
        [&](auto, auto index, const auto& record) {
          decltype(auto) key = select_(record);
          if constexpr (kLeavesOut) {
            if (!key) return;
            out.groups.push_back(number(scratch, *key));
          } else {
            out.groups.push_back(number(scratch, key));
          }
          owned.push(All{}, record.value, record.timestamp, index);
        },
        [&](auto index) {
          owned.undo(index);
          out.groups.resize(owned.indices.size());
        });
    out.rows = owned.view();
  }

  template <class Key>
  static std::uint32_t number(GroupScratch& scratch, const Key& key) {
    auto& out = scratch.grouped;
    const auto hash = KeyTraits<K>::hash(key);
    const auto next = static_cast<std::uint32_t>(out.keys.size());
    if (next == scratch.index.room()) [[unlikely]]
      scratch.index.grow(out.hashes);
    const auto group =
        scratch.index.find_or_add(hash, next, [&](std::uint32_t known) { return same(out.keys[known], key); });
    if (group == next) {
      out.keys.push_back(K{key});
      out.hashes.push_back(hash);
    }
    return group;
  }

  template <class Key>
  static bool same(const K& known, const Key& key) {
    if constexpr (std::convertible_to<K, std::string_view>) {
      return equal_text(known, key);
    } else {
      return known == key;
    }
  }

  OutputPtr<KIn, VIn> input_;
  Chain chain_;
  Select select_;
};

}  // namespace millrace::streams::detail
