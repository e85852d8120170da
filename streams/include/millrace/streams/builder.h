#pragma once

#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "millrace/streams/detail/source_node.h"
#include "millrace/streams/error_policy.h"
#include "millrace/streams/stream.h"
#include "millrace/streams/topology.h"

namespace millrace::streams {

/// Records of a topic. Before anything else, it can be told where event times come from and what to do with bad
/// records.
template <class K, class T, class KD, class VD>
class SourceStream : public Stream<K, T> {
 public:
  using Node = detail::SourceNode<K, T, KD, VD>;

  SourceStream(std::shared_ptr<detail::Graph> graph, std::shared_ptr<Node> node)
      : Stream<K, T>(graph, node), source_graph_(std::move(graph)), node_(std::move(node)) {}

  /// Event time is a member of the value, or a function of it, that gives a `std::chrono::sys_time`. Without this it is
  /// the record's own timestamp.
  template <class F>
  SourceStream timestamps(F time) const {
    static_assert(std::invocable<const F&, const T&>,
                  "timestamps takes a member of the value (`&Hit::time`), or a function "
                  "callable and const as `f(const T&)`");
    using Time = std::decay_t<std::invoke_result_t<const F&, const T&>>;
    static_assert(
        requires(Time at) { Timestamp{std::chrono::floor<std::chrono::milliseconds>(at)}; },
        "timestamps must give a std::chrono::sys_time<...>, for example a millrace::Timestamp");
    node_->set_times([time = std::move(time)](std::span<const T> values, std::int64_t* times) {
      for (const auto& value : values) {
        *times++ = std::chrono::floor<std::chrono::milliseconds>(std::invoke(time, value)).time_since_epoch().count();
      }
    });
    return *this;
  }
  /// What becomes of records that cannot be decoded or on which a function throws: `ErrorPolicy::fail()` (the default),
  /// `ErrorPolicy::skip()`, `dead_letter("topic")`.
  SourceStream on_error(ErrorPolicy policy) const {
    node_->policy = std::move(policy);
    return *this;
  }
  /// The records that the decoder refused, with its reasons, as a stream of their own; its event time is the record's
  /// own timestamp. What is read here is no error any more.
  [[nodiscard]] Stream<NullableBytes, Rejected> rejected() const {
    return {source_graph_, node_->divert_rejected(node_)};
  }

 private:
  std::shared_ptr<detail::Graph> source_graph_;
  std::shared_ptr<Node> node_;
};

/// Builds a topology.
///
///     streams::Builder builder;
///     builder.stream("access-log", weblog::combined())
///         .timestamps(&weblog::Hit::time)
///         .filter([](const auto& hit) { return hit.value.status >= 500; })
///         .group_by(&weblog::Hit::path)
///         .window(tumbling(1min).grace(10s))
///         .count()
///         .emit(on_close)
///         .to("errors-by-path");
///     streams::run(builder.build(), config);
///
/// Threading: one thread.
class Builder {
 public:
  /// The records of a topic; their keys stay bytes.
  template <class VD>
  [[nodiscard]] auto stream(std::string topic, VD decoder) {
    return add_source<NullableBytes>(std::move(topic), detail::RawKey{}, std::move(decoder));
  }
  /// The same with decoded keys: `builder.stream("orders", key(text()), order())`.
  template <class KD, class VD>
  [[nodiscard]] auto stream(std::string topic, KeyDecoder<KD> key_decoder, VD decoder) {
    return add_source<DecodedBy<KeyDecoder<KD>>>(std::move(topic), std::move(key_decoder), std::move(decoder));
  }

  /// What all stores together may take. Until it is spent every figure is exact; then, at a flush point, stores that
  /// can
  /// (`bounded_by`, counts, distinct counts) give up detail, the largest first, and say so: `Store::approximate`.
  Builder& memory_budget(std::uint64_t bytes) {
    memory_budget_ = bytes;
    return *this;
  }

  /// Throws `std::invalid_argument` when nothing is read, a store's name is taken, or a stream of another builder was
  /// used.
  [[nodiscard]] Topology build();

 private:
  template <class K, class KD, class VD>
  auto add_source(std::string topic, KD key_decoder, VD decoder) {
    using T = DecodedBy<VD>;
    using Source = SourceStream<K, T, KD, VD>;
    auto node = graph_->add(
        std::make_shared<typename Source::Node>(std::move(topic), std::move(key_decoder), std::move(decoder)));
    return Source{graph_, node};
  }

  std::shared_ptr<detail::Graph> graph_ = std::make_shared<detail::Graph>();
  std::uint64_t memory_budget_ = 0;
};

}  // namespace millrace::streams
