#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/streams/detail/chunk_index.h"
#include "millrace/streams/detail/stateless_nodes.h"
#include "millrace/streams/hash.h"

namespace millrace::streams::detail {

/// A vector of records whose keys were numbered: group 0, 1, 2, ... in the order in which keys first came. All aggregates
/// over the same `group_by` share it, so a key is hashed once a record, and an aggregate needs no hash at all.
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

/// What a selector's result becomes as a key: a text that it refers to, and that stays where it is, is not copied.
template <class Selected, bool kStays>
using GroupKey =
    std::conditional_t<kStays && std::is_lvalue_reference_v<Selected> && std::is_same_v<std::decay_t<Selected>, std::string>,
                       std::string_view, std::decay_t<Selected>>;

/// Groups rows by a key. `Select` is called with a record and gives the key.
template <class KIn, class VIn, class Chain, class V, class K, class Select>
class GroupNode final : public Node, public GroupedOutput<K, V> {
 public:
  GroupNode(OutputPtr<KIn, VIn> input, Chain chain, Select select)
      : Node("group", {input->node()}), input_(std::move(input)), chain_(std::move(chain)), select_(std::move(select)) {}

  [[nodiscard]] std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<GroupScratch>(); }

  void process(Chunk& chunk) const override {
    auto& scratch = static_cast<GroupScratch&>(chunk.scratch(id));
    const auto& in = input_->rows(chunk);
    auto& out = scratch.grouped;
    out.groups.clear();
    out.keys.clear();
    out.hashes.clear();
    scratch.owned.clear();
    scratch.selection.clear();
    scratch.index.reset(in.size);
    run_chain(chunk, id, in, chain_,
              [&](auto row, auto index, const auto& record) {
                const auto group = number(scratch, select_(record));
                if constexpr (Chain::kSelects) {
                  scratch.selection.push_back(row);
                } else {
                  scratch.owned.push(All{}, record.value, record.timestamp, index);
                }
                out.groups.push_back(group);
              },
              [&](auto index) {
                if constexpr (!Chain::kSelects) {
                  scratch.owned.undo(index);
                  out.groups.resize(scratch.owned.indices.size());
                }
              });
    if constexpr (Chain::kSelects) {
      out.rows = {Column<All>::constant(kAll), in.values, in.times, in.indices, scratch.selection.data(),
                  static_cast<std::uint32_t>(scratch.selection.size())};
    } else {
      out.rows = scratch.owned.view();
    }
  }

  [[nodiscard]] const GroupedRows<K, V>& grouped(const Chunk& chunk) const override {
    return static_cast<const GroupScratch&>(chunk.scratch(id)).grouped;
  }
  [[nodiscard]] NodeId node() const override { return id; }

 private:
  static constexpr All kAll{};
  struct GroupScratch final : Scratch {
    GroupedRows<K, V> grouped;
    OwnedRows<All, V> owned;
    std::vector<std::uint32_t> selection;
    ChunkIndex index;
  };

  template <class Selected>
  static std::uint32_t number(GroupScratch& scratch, const Selected& key) {
    auto& out = scratch.grouped;
    const auto hash = KeyTraits<K>::hash(key);
    const auto next = static_cast<std::uint32_t>(out.keys.size());
    if (next == scratch.index.room()) [[unlikely]] scratch.index.grow(out.hashes);
    const auto group = scratch.index.find_or_add(hash, next, [&](std::uint32_t known) { return out.keys[known] == key; });
    if (group == next) {
      out.keys.push_back(K{key});
      out.hashes.push_back(hash);
    }
    return group;
  }

  OutputPtr<KIn, VIn> input_;
  Chain chain_;
  Select select_;
};

}  // namespace millrace::streams::detail
