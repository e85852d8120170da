#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/coordinator_shard.h"

namespace millrace {

/// The partition of a coordinator's topic that an id belongs to: Java's hash of it, as Kafka's clients and brokers
/// reckon it.
[[nodiscard]] PartitionIndex partition_of_group(std::string_view group, std::int32_t partitions);

/// A coordinator's shards, one for each partition of its topic: they are opened when the topic is there, which is made
/// when it is needed first, and look at times for what nobody needs any more.
///
/// Threading: any thread may call any function.
template <class Shard>
class CoordinatorShards : public std::enable_shared_from_this<CoordinatorShards<Shard>> {
 public:
  using All = std::vector<std::shared_ptr<Shard>>;
  using Make = std::function<std::shared_ptr<Shard>(PartitionIndex)>;

  CoordinatorShards(std::shared_ptr<CoordinatorContext> context, std::chrono::milliseconds expiry_check, Make make)
      : context_(std::move(context)), expiry_check_(expiry_check), make_(std::move(make)) {}

  /// Loads the shards, if there is a topic and they are not open yet.
  void open() {
    All made;
    {
      const std::unique_lock lock{mutex_};
      const auto count = context_->log->partition_count();
      if (closed_ || count == 0 || !shards_.empty()) return;
      for (std::int32_t i = 0; i < count; ++i) shards_.push_back(make_(PartitionIndex{i}));
      made = shards_;
    }
    for (const auto& shard : made) shard->load();
    expire_later();
  }

  /// `done` when the shards are open: makes the topic when there is none.
  void ensure(CoordinatorLog::Done done) {
    if (!all().empty()) return done({});
    bool first = false;
    {
      const std::unique_lock lock{mutex_};
      first = ensuring_.empty();
      ensuring_.push_back(std::move(done));
    }
    // When the topic was made just now, this finds it and does no more.
    if (!first) return;
    context_->log->create([self = this->shared_from_this()](const Result<void>& result) { self->ensured(result); });
  }

  /// None while there is no topic.
  [[nodiscard]] All all() {
    const std::shared_lock lock{mutex_};
    return shards_;
  }
  /// Null while there is no topic.
  [[nodiscard]] std::shared_ptr<Shard> of(std::string_view id) {
    const std::shared_lock lock{mutex_};
    if (shards_.empty()) return nullptr;
    const auto index = partition_of_group(id, static_cast<std::int32_t>(shards_.size()));
    return shards_[static_cast<std::size_t>(index.value())];
  }

  /// Loads those that could not be, if their partitions can be read now.
  void load_again() {
    for (const auto& shard : all()) shard->load_again();
  }
  void end_waits() {
    for (const auto& shard : all()) shard->end_waits();
  }
  /// Idempotent.
  void close() {
    {
      const std::unique_lock lock{mutex_};
      closed_ = true;
    }
    for (const auto& shard : all()) shard->close();
  }

 private:
  void ensured(const Result<void>& result) {
    if (result) open();
    std::vector<CoordinatorLog::Done> waiting;
    {
      const std::unique_lock lock{mutex_};
      waiting.swap(ensuring_);
    }
    for (auto& done : waiting) done(result);
  }

  void expire_later() {
    context_->deadlines->add(context_->clock.now() + expiry_check_, [weak = this->weak_from_this()] {
      if (const auto self = weak.lock()) self->expire();
    });
  }
  void expire() {
    {
      const std::shared_lock lock{mutex_};
      if (closed_) return;
    }
    for (const auto& shard : all()) shard->expire();
    expire_later();
  }

  const std::shared_ptr<CoordinatorContext> context_;
  const std::chrono::milliseconds expiry_check_;
  const Make make_;

  std::shared_mutex mutex_;
  // Once made, their number stays: it decides which id is where.
  All shards_;
  bool closed_ = false;
  // Who waits for the topic to be made.
  std::vector<CoordinatorLog::Done> ensuring_;
};

}  // namespace millrace
