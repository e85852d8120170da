#pragma once

#include <array>
#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "millrace/streams/detail/chain.h"
#include "millrace/streams/detail/group_node.h"
#include "millrace/streams/detail/repartition.h"
#include "millrace/streams/detail/stateless_nodes.h"
#include "millrace/streams/formats.h"
#include "millrace/streams/grouped.h"

namespace millrace::streams {

namespace detail {
/// Whether records are still where their key put them.
enum class KeyOrigin : std::uint8_t { kTopic, kNew };
}  // namespace detail

/// Records of type (K, V) on their way through a topology.
///
/// Functions given to an operator get the record (`const auto& hit`: `hit.key`, `hit.value`, `hit.timestamp`), or, when
/// they name the value's type (`const Hit& hit`), the value; a member (`&Hit::path`) is that of the value. They must be
/// const, are called from several threads at once (except those of `peek` and `for_each`), and may throw: see
/// `ErrorPolicy`.
///
/// Operators on a temporary (`hits.filter(a).map_values(b)`) are fused into one loop. A stream with a name
/// (`auto pages = hits.filter(a);`) is computed once, however many operators read it.
///
/// A handle: copies mean the same records. Threading: one thread, before `Builder::build`.
template <class K, class V, class KIn = K, class VIn = V, class Steps = detail::Identity>
class Stream {
 public:
  using Key = K;
  using Value = V;

  /// Records for which the predicate holds.
  template <class P>
  [[nodiscard]] auto filter(P predicate) && {
    static_assert(std::convertible_to<detail::AppliedTo<P, K, V>, bool>,
                  "filter takes a predicate: it must give a bool");
    return std::move(*this).template then<K, V, detail::FilterStep<Steps, P>>(std::move(predicate), key_origin_);
  }
  /// Another value for each record.
  template <class F>
  [[nodiscard]] auto map_values(F function) && {
    using To = std::decay_t<detail::AppliedToValue<F, K, V>>;
    return std::move(*this).template then<K, To, detail::MapValuesStep<Steps, F>>(std::move(function), key_origin_);
  }
  /// Another key and value for each record: a `std::pair`.
  template <class F>
  [[nodiscard]] auto map(F function) && {
    using Pair = std::decay_t<detail::AppliedTo<F, K, V>>;
    static_assert(
        requires(Pair pair) { pair.first, pair.second; }, "map takes a function that gives std::pair(key, value)");
    return std::move(*this)
        .template then<typename Pair::first_type, typename Pair::second_type, detail::MapStep<Steps, F>>(
            std::move(function), detail::KeyOrigin::kNew);
  }
  /// Any number of values for each record: a range of them.
  template <class F>
  [[nodiscard]] auto flat_map(F function) && {
    using Range = std::remove_reference_t<detail::AppliedTo<F, K, V>>;
    using Item = std::decay_t<decltype(*std::begin(std::declval<const Range&>()))>;
    return std::move(*this).template then<K, Item, detail::FlatMapStep<Steps, F>>(std::move(function), key_origin_);
  }
  /// Another key for each record.
  template <class F>
  [[nodiscard]] auto select_key(F function) && {
    using To = std::decay_t<detail::AppliedTo<F, K, V>>;
    return std::move(*this).template then<To, V, detail::SelectKeyStep<Steps, F>>(std::move(function),
                                                                                  detail::KeyOrigin::kNew);
  }

  template <class P>
  [[nodiscard]] auto filter(P predicate) const& {
    return kept().filter(std::move(predicate));
  }
  template <class F>
  [[nodiscard]] auto map_values(F function) const& {
    return kept().map_values(std::move(function));
  }
  template <class F>
  [[nodiscard]] auto map(F function) const& {
    return kept().map(std::move(function));
  }
  template <class F>
  [[nodiscard]] auto flat_map(F function) const& {
    return kept().flat_map(std::move(function));
  }
  template <class F>
  [[nodiscard]] auto select_key(F function) const& {
    return kept().select_key(std::move(function));
  }

  /// Calls `function` with each record, in order and never twice at once, and passes the record on.
  template <class F>
  Stream<K, V> peek(F function) const {
    using Node = detail::EachNode<K, V, F>;
    return {graph_, graph_->add(std::make_shared<Node>("peek", output(), std::move(function))), key_origin_};
  }
  /// The same, as the end of the stream. After a restart from a checkpoint it is called again for what came after it.
  template <class F>
  void for_each(F function) const {
    using Node = detail::EachNode<K, V, F>;
    graph_->add(std::make_shared<Node>("for-each", output(), std::move(function)));
  }

  /// The records of both, in the order of the records they were made from.
  template <class OtherKIn, class OtherVIn, class OtherSteps>
  [[nodiscard]] Stream<K, V> merge(const Stream<K, V, OtherKIn, OtherVIn, OtherSteps>& other) const {
    auto first = output();
    auto second = other.output();
    const auto origin = key_origin_ == detail::KeyOrigin::kTopic ? other.key_origin_ : key_origin_;
    return {graph_, graph_->add(std::make_shared<detail::MergeNode<K, V>>(std::move(first), std::move(second))),
            origin};
  }
  /// As many streams as predicates, and one more: a record goes to the first whose predicate holds, or to the last.
  ///
  ///     auto [errors, redirects, others] = hits.branch(is_error, is_redirect);
  template <class... Ps>
  [[nodiscard]] std::array<Stream<K, V>, sizeof...(Ps) + 1> branch(Ps... predicates) const {
    using Node = detail::BranchNode<K, V, Ps...>;
    auto node = graph_->add(std::make_shared<Node>(output(), std::move(predicates)...));
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::array<Stream<K, V>, sizeof...(Ps) + 1>{Stream<K, V>{graph_, Node::way(node, I), key_origin_}...};
    }(std::make_index_sequence<sizeof...(Ps) + 1>{});
  }

  /// Groups by a member of the value or a function's result. A key that is a `std::string_view` is kept as a
  /// `std::string`; where the function gives an empty `std::optional`, the record is left out.
  template <class F>
  [[nodiscard]] auto group_by(F key) && {
    using GroupedBy = detail::GroupKey<detail::AppliedTo<F, K, V>, Steps::kSelects>;
    const auto select = [key = std::move(key)](const Record<K, V>& record) -> decltype(auto) {
      return detail::apply_to(key, record);
    };
    return std::move(*this).template grouped<GroupedBy>(select, detail::KeyOrigin::kNew);
  }
  template <class F>
  [[nodiscard]] auto group_by(F key) const& {
    return kept().group_by(std::move(key));
  }
  /// Groups by the key that the records have; those without a key are left out.
  [[nodiscard]] auto group_by_key() const {
    const auto origin = key_origin_;
    if constexpr (std::is_same_v<K, NullableBytes>) {
      return kept()
          .filter([](const Record<K, V>& record) { return !record.key.is_null(); })
          .template grouped<std::string_view>([](const Record<K, V>& record) { return record.key.text(); }, origin);
    } else {
      using GroupedBy = detail::GroupKey<const K&, true>;
      return kept().template grouped<GroupedBy>([](const Record<K, V>& record) -> const K& { return record.key; },
                                                origin);
    }
  }
  /// Everything is one group.
  [[nodiscard]] auto group_all() && {
    return std::move(*this).template grouped<All>([](const Record<K, V>&) { return All{}; }, detail::KeyOrigin::kNew);
  }
  [[nodiscard]] auto group_all() const& { return kept().group_all(); }

  /// Writes the records to a topic: its name, or a `topic(...)` that says how.
  template <class KeyEncoder, class ValueEncoder>
  void to(Target<KeyEncoder, ValueEncoder> target) const {
    detail::SinkTopic sink{std::move(target.name), target.partition_count, std::move(target.configs)};
    add_sink(std::move(sink), std::move(target.key_encoder), std::move(target.value_encoder));
  }
  void to(std::string target) const { to(topic(std::move(target))); }

  /// Sends the records through an internal topic `APPLICATION-NAME-repartition`, so that what follows runs in
  /// `partitions` tasks, each with the keys that hash to it. Only needed when one task is too slow for what follows:
  /// inside one process grouping needs no topic. The topic keeps records until they were processed and checkpointed,
  /// whatever their time.
  [[nodiscard]] Stream<K, V> repartition(std::string name, std::int32_t partitions) const {
    static_assert(HasCodec<K> && HasCodec<V>, "repartition writes keys and values with millrace::streams::Codec");
    detail::SinkTopic sink{name, partitions, {}, detail::SinkTopic::Kind::kRepartition};
    add_sink(std::move(sink), detail::StateEncoder{}, detail::StateEncoder{});
    using Source = detail::SourceNode<K, V, detail::StateKeyDecoder<K>, detail::StateDecoder<V>>;
    auto source =
        graph_->add(std::make_shared<Source>(std::move(name), detail::StateKeyDecoder<K>{}, detail::StateDecoder<V>{}));
    source->internal = true;
    source->kind = "repartition";
    return {graph_, source};
  }

  // What follows is for the library.
  Stream(std::shared_ptr<detail::Graph> graph, detail::OutputPtr<K, V> output,
         detail::KeyOrigin origin = detail::KeyOrigin::kTopic)
    requires std::same_as<Steps, detail::Identity>
      : graph_(std::move(graph)), root_(std::move(output)), key_origin_(origin) {}
  Stream(std::shared_ptr<detail::Graph> graph, detail::OutputPtr<KIn, VIn> root, Steps steps, detail::KeyOrigin origin)
      : graph_(std::move(graph)), root_(std::move(root)), steps_(std::move(steps)), key_origin_(origin) {}

  /// The rows of this stream, which other nodes can read: made on the first call, then shared.
  [[nodiscard]] detail::OutputPtr<K, V> output() const {
    if constexpr (std::is_same_v<Steps, detail::Identity>) {
      return root_;
    } else {
      if (!*kept_) *kept_ = graph_->add(std::make_shared<detail::KeepNode<KIn, VIn, Steps, K, V>>(root_, steps_));
      return *kept_;
    }
  }

 private:
  template <class, class, class, class, class>
  friend class Stream;

  [[nodiscard]] Stream<K, V> kept() const { return {graph_, output(), key_origin_}; }

  template <class NextK, class NextV, class Step, class F>
  auto then(F function, detail::KeyOrigin origin) && {
    return Stream<NextK, NextV, KIn, VIn, Step>{std::move(graph_), std::move(root_),
                                                Step{std::move(steps_), std::move(function)}, origin};
  }

  template <class GroupedBy, class Select>
  auto grouped(Select select, detail::KeyOrigin origin) && {
    using Node = detail::GroupNode<KIn, VIn, Steps, K, V, GroupedBy, Select>;
    auto node = graph_->add(std::make_shared<Node>(root_, steps_, std::move(select)));
    node->needs_exchange = origin == detail::KeyOrigin::kNew;
    return Grouped<GroupedBy, V>{graph_, node};
  }

  template <class KeyEncoder, class ValueEncoder>
  void add_sink(detail::SinkTopic sink, KeyEncoder key_encoder, ValueEncoder value_encoder) const {
    using Node = detail::SinkNode<KIn, VIn, Steps, KeyEncoder, ValueEncoder>;
    graph_->add(
        std::make_shared<Node>(root_, steps_, std::move(sink), std::move(key_encoder), std::move(value_encoder)));
  }

  std::shared_ptr<detail::Graph> graph_;
  detail::OutputPtr<KIn, VIn> root_;
  Steps steps_{};
  std::shared_ptr<detail::OutputPtr<K, V>> kept_ = std::make_shared<detail::OutputPtr<K, V>>();
  detail::KeyOrigin key_origin_ = detail::KeyOrigin::kTopic;
};

template <class NodeType, class K, class A, bool kWindowed>
auto Table<NodeType, K, A, kWindowed>::to_stream() const -> Stream<Key, A, Key, A, detail::Identity> {
  return {graph_, node_, detail::KeyOrigin::kNew};
}
template <class NodeType, class K, class A, bool kWindowed>
template <class KeyEncoder, class ValueEncoder>
void Table<NodeType, K, A, kWindowed>::to(Target<KeyEncoder, ValueEncoder> target) const {
  target.configs.emplace("cleanup.policy", "compact");
  to_stream().to(std::move(target));
}
template <class NodeType, class K, class A, bool kWindowed>
void Table<NodeType, K, A, kWindowed>::to(std::string target) const {
  to(topic(std::move(target)));
}
template <class NodeType, class K, class A, bool kWindowed>
template <class F>
void Table<NodeType, K, A, kWindowed>::for_each(F f) const {
  to_stream().for_each(std::move(f));
}

}  // namespace millrace::streams
