#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "millrace/client.h"
#include "millrace/streams/hash.h"

namespace millrace::streams {

/// A log in memory behind the `Client` seam, which can be told how its consumers cut what they read.
///
/// Threading: any thread.
class FakeClient final : public Client {
 public:
  struct Stored {
    Timestamp timestamp;
    std::optional<std::string> key;
    std::optional<std::string> value;
    std::vector<std::pair<std::string, std::string>> headers;
    friend bool operator==(const Stored&, const Stored&) = default;
  };
  using Partition = std::vector<Stored>;

  /// `poll_seed`: how many records a poll gives is drawn from it; 0: as many as there are.
  explicit FakeClient(std::uint64_t poll_seed = 0) : log_(std::make_shared<Log>()), poll_seed_(poll_seed) {}

  void make(const std::string& topic, std::int32_t partitions) {
    std::lock_guard lock{log_->mutex};
    log_->topics[topic].partitions.resize(static_cast<std::size_t>(partitions));
    log_->topics[topic].starts.resize(static_cast<std::size_t>(partitions));
  }
  void append(const std::string& topic, std::int32_t partition, Stored record) {
    std::lock_guard lock{log_->mutex};
    log_->topics[topic].partitions[static_cast<std::size_t>(partition)].push_back(
        std::make_shared<Stored>(std::move(record)));
    log_->changed.notify_all();
  }
  [[nodiscard]] std::vector<Stored> records(const std::string& topic, std::int32_t partition = 0) const {
    std::lock_guard lock{log_->mutex};
    std::vector<Stored> copies;
    for (const auto& record : log_->topics[topic].partitions[static_cast<std::size_t>(partition)])
      copies.push_back(*record);
    return copies;
  }
  [[nodiscard]] Properties configs(const std::string& topic) const {
    std::lock_guard lock{log_->mutex};
    return log_->topics[topic].configs;
  }
  [[nodiscard]] std::int32_t partitions(const std::string& topic) const {
    std::lock_guard lock{log_->mutex};
    return static_cast<std::int32_t>(log_->topics[topic].partitions.size());
  }
  /// Every later send fails with `error`.
  void fail_sends(Error error) {
    std::lock_guard lock{log_->mutex};
    log_->send_error.emplace(std::move(error));
  }

  Result<std::unique_ptr<Producer>> producer(const Properties&, DeliveryListener, Partitioner) override {
    return std::make_unique<FakeProducer>(log_);
  }
  Result<std::unique_ptr<Consumer>> consumer(const Properties&) override {
    return std::make_unique<FakeConsumer>(log_, poll_seed_);
  }
  Result<std::unique_ptr<Admin>> admin(const Properties&) override { return std::make_unique<FakeAdmin>(log_); }

 private:
  struct Topic {
    std::vector<std::vector<std::shared_ptr<const Stored>>> partitions;
    std::vector<std::int64_t> starts;
    Properties configs;
  };
  struct Log {
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::string, Topic> topics;
    std::optional<Error> send_error;
  };

  class FakeProducer final : public Producer {
   public:
    explicit FakeProducer(std::shared_ptr<Log> log) : log_(std::move(log)) {}
    Result<void> send(const ProducerRecord& record) override {
      std::lock_guard lock{log_->mutex};
      if (log_->send_error) return std::unexpected(*log_->send_error);
      const auto found = log_->topics.find(std::string{record.topic});
      if (found == log_->topics.end()) return fail(ErrorCode::kUnknownTopicOrPartition, "no such topic");
      auto& partitions = found->second.partitions;
      const auto partition = record.partition ? static_cast<std::size_t>(record.partition->value())
                                              : hash_text(record.key.text()) % partitions.size();
      const auto text = [](NullableBytes bytes) {
        return bytes.is_null() ? std::nullopt : std::optional{std::string{bytes.text()}};
      };
      Stored stored{record.timestamp.value_or(Timestamp{}), text(record.key), text(record.value), {}};
      for (const auto& header : record.headers) stored.headers.emplace_back(header.name, header.value.text());
      partitions[partition].push_back(std::make_shared<Stored>(std::move(stored)));
      log_->changed.notify_all();
      return {};
    }
    Result<void> flush(Duration) override { return {}; }
    Result<void> close(Duration) override { return {}; }

   private:
    std::shared_ptr<Log> log_;
  };

  class FakeConsumer final : public Consumer {
   public:
    FakeConsumer(std::shared_ptr<Log> log, std::uint64_t seed) : log_(std::move(log)), random_(seed), seed_(seed) {}
    Result<void> assign(std::vector<TopicPartition> partitions) override {
      for (auto& partition : partitions)
        positions_.push_back({std::make_shared<TopicPartition>(std::move(partition)), 0, false});
      return {};
    }
    Result<void> seek(const TopicPartition& partition, Offset offset) override {
      find(partition).next = offset.value();
      return {};
    }
    Result<void> seek(const TopicPartition&, StartAt) override { return fail(ErrorCode::kUnsupported, "not here"); }
    Result<Offset> position(const TopicPartition& partition) const override {
      return Offset{const_cast<FakeConsumer*>(this)->find(partition).next};
    }
    Result<void> pause(std::span<const TopicPartition> partitions) override { return set_paused(partitions, true); }
    Result<void> resume(std::span<const TopicPartition> partitions) override { return set_paused(partitions, false); }
    Result<std::vector<PolledBatch>> poll(Duration max_wait) override {
      std::unique_lock lock{log_->mutex};
      std::vector<PolledBatch> batches;
      log_->changed.wait_for(lock, max_wait, [&] { return woken_ || !(batches = take()).empty(); });
      woken_ = false;
      return batches;
    }
    void wakeup() override {
      std::lock_guard lock{log_->mutex};
      woken_ = true;
      log_->changed.notify_all();
    }
    Result<void> close(Duration) override { return {}; }

   private:
    struct Position {
      std::shared_ptr<const TopicPartition> partition;
      std::int64_t next;
      bool paused;
    };
    Position& find(const TopicPartition& partition) {
      return *std::ranges::find_if(positions_, [&](const auto& p) { return *p.partition == partition; });
    }
    Result<void> set_paused(std::span<const TopicPartition> partitions, bool paused) {
      for (const auto& partition : partitions) find(partition).paused = paused;
      return {};
    }
    std::vector<PolledBatch> take() {
      std::vector<PolledBatch> batches;
      for (auto& position : positions_) {
        const auto& stored = log_->topics.at(position.partition->topic)
                                 .partitions[static_cast<std::size_t>(position.partition->partition.value())];
        const auto waiting = static_cast<std::int64_t>(stored.size()) - position.next;
        if (position.paused || waiting <= 0) continue;
        const auto count = seed_ == 0 ? std::min<std::int64_t>(waiting, 10'000)
                                      : std::min(waiting, static_cast<std::int64_t>(1 + random_.below(300)));
        std::vector<RecordView> views;
        auto owner = std::make_shared<std::vector<std::shared_ptr<const Stored>>>();
        for (std::int64_t i = 0; i < count; ++i) {
          const auto& record = stored[static_cast<std::size_t>(position.next)];
          owner->push_back(record);
          const auto view = [](const std::optional<std::string>& text) {
            return text ? NullableBytes{*text} : NullableBytes{};
          };
          views.push_back({Offset{position.next++}, record->timestamp, view(record->key), view(record->value), {}});
        }
        batches.emplace_back(position.partition, std::move(views), std::move(owner));
      }
      return batches;
    }

    std::shared_ptr<Log> log_;
    std::vector<Position> positions_;
    Random random_;
    std::uint64_t seed_;
    bool woken_ = false;
  };

  class FakeAdmin final : public Admin {
   public:
    explicit FakeAdmin(std::shared_ptr<Log> log) : log_(std::move(log)) {}
    Result<TopicId> create_topic(const NewTopic& topic) override {
      std::lock_guard lock{log_->mutex};
      if (log_->topics.contains(topic.name)) return fail(ErrorCode::kTopicAlreadyExists, "it is there");
      auto& made = log_->topics[topic.name];
      made.partitions.resize(static_cast<std::size_t>(topic.partitions.value_or(1)));
      made.starts.resize(made.partitions.size());
      made.configs = topic.configs;
      return TopicId{};
    }
    Result<void> delete_topic(std::string_view) override { return fail(ErrorCode::kUnsupported, "not here"); }
    Result<std::vector<std::string>> list_topics() override { return fail(ErrorCode::kUnsupported, "not here"); }
    Result<TopicDescription> describe_topic(std::string_view name) override {
      std::lock_guard lock{log_->mutex};
      const auto found = log_->topics.find(std::string{name});
      if (found == log_->topics.end()) return fail(ErrorCode::kUnknownTopicOrPartition, "no such topic");
      TopicDescription description;
      description.name = name;
      description.partitions.resize(found->second.partitions.size());
      return description;
    }
    Result<Properties> topic_configs(std::string_view name) override {
      std::lock_guard lock{log_->mutex};
      return log_->topics.at(std::string{name}).configs;
    }
    Result<void> alter_topic_configs(
        std::string_view name, std::span<const std::pair<std::string, std::optional<std::string>>> changes) override {
      std::lock_guard lock{log_->mutex};
      auto& configs = log_->topics.at(std::string{name}).configs;
      for (const auto& [key, value] : changes) configs.insert_or_assign(key, value.value());
      return {};
    }
    Result<OffsetAnswer> list_offset(const TopicPartition& partition, OffsetQuery query) override {
      std::lock_guard lock{log_->mutex};
      const auto& topic = log_->topics.at(partition.topic);
      const auto index = static_cast<std::size_t>(partition.partition.value());
      const auto end = static_cast<std::int64_t>(topic.partitions[index].size());
      return OffsetAnswer{Offset{query.kind == OffsetKind::kEarliest ? topic.starts[index] : end}};
    }
    Result<Offset> delete_records(const TopicPartition& partition, Offset before) override {
      std::lock_guard lock{log_->mutex};
      log_->topics.at(partition.topic).starts[static_cast<std::size_t>(partition.partition.value())] = before.value();
      return before;
    }
    Result<std::uint64_t> partition_size(const TopicPartition&) override { return 0; }

   private:
    std::shared_ptr<Log> log_;
  };

  std::shared_ptr<Log> log_;
  std::uint64_t poll_seed_;
};

}  // namespace millrace::streams
