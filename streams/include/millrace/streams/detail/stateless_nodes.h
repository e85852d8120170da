#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "millrace/streams/detail/chain.h"
#include "millrace/streams/detail/node.h"
#include "millrace/streams/detail/rows.h"
#include "millrace/streams/formats.h"

namespace millrace::streams::detail {

template <class K, class V>
using OutputPtr = std::shared_ptr<Output<K, V>>;

/// The rows that a chain makes, kept so that several operators can read them: a selection of its input's rows where the
/// chain only filters, new columns otherwise.
template <class KIn, class VIn, class Chain, class K, class V>
struct ChainedRows {
  OwnedRows<K, V> owned;
  std::vector<std::uint32_t> selection;
  Rows<K, V> view;

  void fill(Chunk& chunk, NodeId node, const Rows<KIn, VIn>& in, const Chain& chain) {
    if constexpr (Chain::kSelects) {
      view = in;
      if constexpr (!std::is_same_v<Chain, Identity>) {
        selection.clear();
        run_chain(chunk, node, in, chain, [&](auto row, auto, const auto&) { selection.push_back(row); }, [](auto) {});
        view.selection = selection.data();
        view.size = static_cast<std::uint32_t>(selection.size());
      }
    } else {
      owned.clear();
      run_chain(
          chunk, node, in, chain,
          [&](auto, auto index, const auto& out) { owned.push(out.key, out.value, out.timestamp, index); },
          [&](auto index) { owned.undo(index); });
      view = owned.view();
    }
  }
};

/// Rows that are kept for several readers.
template <class KIn, class VIn, class Chain, class K, class V>
class KeepNode final : public Node, public Output<K, V> {
 public:
  KeepNode(OutputPtr<KIn, VIn> input, Chain chain)
      : Node("stateless", {input->node()}), input_(std::move(input)), chain_(std::move(chain)) {}

  [[nodiscard]] std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<KeepScratch>(); }
  void process(Chunk& chunk) const override {
    static_cast<KeepScratch&>(chunk.scratch(id)).kept.fill(chunk, id, input_->rows(chunk), chain_);
  }
  [[nodiscard]] const Rows<K, V>& rows(const Chunk& chunk) const override {
    return static_cast<const KeepScratch&>(chunk.scratch(id)).kept.view;
  }
  [[nodiscard]] NodeId node() const override { return id; }

 private:
  struct KeepScratch final : Scratch {
    ChainedRows<KIn, VIn, Chain, K, V> kept;
  };
  OutputPtr<KIn, VIn> input_;
  Chain chain_;
};

/// Calls a function on every row, in order and one at a time, and passes the rows on: peek and for_each.
template <class K, class V, class F>
class EachNode final : public Node, public Output<K, V> {
 public:
  EachNode(std::string what, OutputPtr<K, V> input, F function)
      : Node(std::move(what), {input->node()}), input_(std::move(input)), function_(std::move(function)) {
    place = Place::kBack;
  }
  void process(Chunk& chunk) const override {
    run_chain(
        chunk, id, input_->rows(chunk), Identity{},
        [&](auto, auto, const auto& record) { apply_to(function_, record); }, [](auto) {});
  }
  [[nodiscard]] const Rows<K, V>& rows(const Chunk& chunk) const override { return input_->rows(chunk); }
  [[nodiscard]] NodeId node() const override { return id; }

 private:
  OutputPtr<K, V> input_;
  F function_;
};

/// The rows of several streams as one, in the order of the records they came from.
template <class K, class V>
class MergeNode final : public Node, public Output<K, V> {
 public:
  MergeNode(OutputPtr<K, V> first, OutputPtr<K, V> second)
      : Node("merge", {first->node(), second->node()}), first_(std::move(first)), second_(std::move(second)) {}

  [[nodiscard]] std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<MergeScratch>(); }
  void process(Chunk& chunk) const override {
    auto& scratch = static_cast<MergeScratch&>(chunk.scratch(id));
    const auto& a = first_->rows(chunk);
    const auto& b = second_->rows(chunk);
    scratch.clear();
    std::uint32_t i = 0;
    std::uint32_t j = 0;
    while (i < a.size || j < b.size) {
      const auto from_a = j == b.size || (i < a.size && a.indices[a.row(i)] <= b.indices[b.row(j)]);
      from_a ? scratch.push(a, a.row(i++)) : scratch.push(b, b.row(j++));
    }
    scratch.view = {Column<K>{scratch.keys},
                    Column<V>{scratch.values},
                    scratch.times.data(),
                    scratch.indices.data(),
                    nullptr,
                    static_cast<std::uint32_t>(scratch.indices.size())};
  }
  [[nodiscard]] const Rows<K, V>& rows(const Chunk& chunk) const override {
    return static_cast<const MergeScratch&>(chunk.scratch(id)).view;
  }
  [[nodiscard]] NodeId node() const override { return id; }

 private:
  struct MergeScratch final : Scratch {
    std::vector<const K*> keys;
    std::vector<const V*> values;
    std::vector<std::int64_t> times;
    std::vector<std::uint32_t> indices;
    Rows<K, V> view;
    void clear() {
      keys.clear();
      values.clear();
      times.clear();
      indices.clear();
    }
    void push(const Rows<K, V>& rows, std::uint32_t row) {
      keys.push_back(&rows.keys.at(row));
      values.push_back(&rows.values.at(row));
      times.push_back(rows.times[row]);
      indices.push_back(rows.indices[row]);
    }
  };
  OutputPtr<K, V> first_;
  OutputPtr<K, V> second_;
};

/// Sends each row to the first of several streams whose predicate holds; the last stream has the rest.
template <class K, class V, class... Ps>
class BranchNode final : public Node {
 public:
  static constexpr std::size_t kWays = sizeof...(Ps) + 1;

  BranchNode(OutputPtr<K, V> input, Ps... predicates)
      : Node("branch", {input->node()}), input_(std::move(input)), predicates_(std::move(predicates)...) {}

  [[nodiscard]] std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<BranchScratch>(); }
  void process(Chunk& chunk) const override {
    auto& scratch = static_cast<BranchScratch&>(chunk.scratch(id));
    for (auto& selection : scratch.selections) selection.clear();
    const auto& in = input_->rows(chunk);
    run_chain(
        chunk, id, in, Identity{},
        [&](auto row, auto, const auto& record) { scratch.selections[way_of(record)].push_back(row); }, [](auto) {});
    for (std::size_t way = 0; way < kWays; ++way) {
      scratch.views[way] = in;
      scratch.views[way].selection = scratch.selections[way].data();
      scratch.views[way].size = static_cast<std::uint32_t>(scratch.selections[way].size());
    }
  }
  [[nodiscard]] static OutputPtr<K, V> way(std::shared_ptr<BranchNode> node, std::size_t way) {
    return std::make_shared<Way>(std::move(node), way);
  }

 private:
  struct BranchScratch final : Scratch {
    std::array<std::vector<std::uint32_t>, kWays> selections;
    std::array<Rows<K, V>, kWays> views;
  };
  class Way final : public Output<K, V> {
   public:
    Way(std::shared_ptr<BranchNode> node, std::size_t way) : node_(std::move(node)), way_(way) {}
    [[nodiscard]] const Rows<K, V>& rows(const Chunk& chunk) const override {
      return static_cast<const BranchScratch&>(chunk.scratch(node_->id)).views[way_];
    }
    [[nodiscard]] NodeId node() const override { return node_->id; }

   private:
    std::shared_ptr<BranchNode> node_;
    std::size_t way_;
  };

  std::size_t way_of(const Record<K, V>& record) const {
    std::size_t way = 0;
    std::apply(
        [&](const auto&... predicate) { static_cast<void>(((apply_to(predicate, record) || (++way, false)) || ...)); },
        predicates_);
    return way;
  }

  OutputPtr<K, V> input_;
  std::tuple<Ps...> predicates_;
};

/// Writes rows to a topic.
template <class KIn, class VIn, class Chain, class KeyEncoder, class ValueEncoder>
class SinkNode final : public Node {
 public:
  SinkNode(OutputPtr<KIn, VIn> input, Chain chain, SinkTopic topic, KeyEncoder key_encoder, ValueEncoder value_encoder)
      : Node("sink", {input->node()}),
        input_(std::move(input)),
        chain_(std::move(chain)),
        topic_(std::move(topic)),
        key_encoder_(std::move(key_encoder)),
        value_encoder_(std::move(value_encoder)) {
    label = topic_.name;
  }

  [[nodiscard]] std::unique_ptr<Scratch> make_scratch() const override { return std::make_unique<SinkScratch>(); }
  void process(Chunk& chunk) const override {
    auto& scratch = static_cast<SinkScratch&>(chunk.scratch(id));
    scratch.bytes.clear();
    scratch.places.clear();
    run_chain(
        chunk, id, input_->rows(chunk), chain_,
        [&](auto, auto index, const auto& record) { encode(scratch, index, record); },
        [&](auto index) {
          while (!scratch.places.empty() && scratch.places.back().index == index) scratch.places.pop_back();
        });
  }
  void apply(Chunk& chunk, State*, Outputs& outputs) const override {
    const auto& scratch = static_cast<const SinkScratch&>(chunk.scratch(id));
    const std::string_view bytes = scratch.bytes;
    const auto field = [&](Encoded encoded, std::size_t from, std::size_t to) {
      return encoded == Encoded::kNull ? NullableBytes{} : NullableBytes{bytes.substr(from, to - from)};
    };
    for (const auto& placed : scratch.places) {
      outputs.send(sink_index, placed.index, placed.time, field(placed.key, placed.begin, placed.middle),
                   field(placed.value, placed.middle, placed.end));
    }
  }
  [[nodiscard]] const SinkTopic* sink() const override { return &topic_; }

 private:
  struct Placed {
    std::uint32_t index;
    Encoded key;
    Encoded value;
    std::int64_t time;
    std::size_t begin;
    std::size_t middle;
    std::size_t end;
  };
  struct SinkScratch final : Scratch {
    std::string bytes;
    std::vector<Placed> places;
  };

  template <class R>
  void encode(SinkScratch& scratch, std::uint32_t index, const R& record) const {
    const auto begin = scratch.bytes.size();
    const auto key = key_encoder_(scratch.bytes, record.key);
    const auto middle = scratch.bytes.size();
    const auto value = value_encoder_(scratch.bytes, record.value);
    scratch.places.push_back(
        {index, key, value, record.timestamp.time_since_epoch().count(), begin, middle, scratch.bytes.size()});
  }

  OutputPtr<KIn, VIn> input_;
  Chain chain_;
  SinkTopic topic_;
  KeyEncoder key_encoder_;
  ValueEncoder value_encoder_;
};

}  // namespace millrace::streams::detail
