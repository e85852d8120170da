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

#include "millrace/client.h"

namespace millrace::connect {

/// A log in memory behind the public client, one partition a topic, that can be told to hold back its acknowledgements,
/// to fail, or to be of a certain size.
///
/// Threading: any thread. Reports come from inside `send` and `flush`.
class FakeLog {
 public:
  struct Stored {
    std::string key;
    std::optional<std::string> value;
    std::vector<std::string> headers;
  };

  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, std::vector<Stored>> topics;  ///< acknowledged records
  bool holds_back = false;                            ///< acknowledges nothing until a later send or flush
  std::optional<Error> failure;                       ///< what every report says from now on
  std::uint64_t topic_bytes = 0;
  std::size_t sent = 0;  ///< records, acknowledged or not

  std::vector<std::string> values(const std::string& topic) {
    const std::lock_guard lock{mutex};
    std::vector<std::string> values;
    for (const auto& record : topics[topic]) values.push_back(record.value.value_or("(none)"));
    return values;
  }
};

class FakeProducer final : public Producer {
 public:
  FakeProducer(std::shared_ptr<FakeLog> log, DeliveryListener listener)
      : log_(std::move(log)), listener_(std::move(listener)) {}

  Result<void> send(const ProducerRecord& record) override {
    {
      const std::lock_guard lock{log_->mutex};
      FakeLog::Stored stored{std::string{record.key.text()}, std::nullopt, {}};
      if (!record.value.is_null()) stored.value = record.value.text();
      for (const auto& header : record.headers) stored.headers.emplace_back(header.name);
      pending_.push_back({std::string{record.topic}, std::move(stored), record.token});
      ++log_->sent;
      log_->changed.notify_all();
      if (log_->holds_back) return {};
    }
    deliver();
    return {};
  }

  Result<void> flush(Duration timeout) override {
    {
      std::unique_lock lock{log_->mutex};
      if (!log_->changed.wait_for(lock, timeout, [&] { return !log_->holds_back || pending_.empty(); })) {
        return fail(ErrorCode::kTimedOut, "flush");
      }
    }
    deliver();
    const std::lock_guard lock{log_->mutex};
    if (auto failed = std::exchange(failed_, std::nullopt)) return std::unexpected(*failed);
    return {};
  }

  Result<void> close(Duration) override { return {}; }

 private:
  struct Pending {
    std::string topic;
    FakeLog::Stored record;
    std::uint64_t token;
  };

  void deliver() {
    while (true) {
      std::unique_lock lock{log_->mutex};
      if (pending_.empty()) return;
      auto pending = std::move(pending_.front());
      pending_.pop_front();
      Result<Offset> offset = Offset{0};
      if (log_->failure) {
        offset = std::unexpected(*log_->failure);
        failed_ = log_->failure;
      } else {
        auto& records = log_->topics[pending.topic];
        offset = Offset{static_cast<std::int64_t>(records.size())};
        records.push_back(std::move(pending.record));
      }
      log_->changed.notify_all();
      lock.unlock();
      const TopicPartition partition{pending.topic, PartitionIndex{0}};
      if (listener_) listener_({partition, offset, {&pending.token, 1}});
    }
  }

  std::shared_ptr<FakeLog> log_;
  DeliveryListener listener_;
  std::deque<Pending> pending_;
  std::optional<Error> failed_;
};

class FakeConsumer final : public Consumer {
 public:
  explicit FakeConsumer(std::shared_ptr<FakeLog> log) : log_(std::move(log)) {}

  Result<void> assign(std::vector<TopicPartition> partitions) override {
    assigned_ = std::move(partitions);
    return {};
  }
  Result<void> seek(const TopicPartition& partition, Offset offset) override {
    positions_[partition.topic] = offset.value();
    return {};
  }
  Result<void> seek(const TopicPartition&, StartAt) override { return {}; }
  Result<Offset> position(const TopicPartition& partition) const override { return Offset{at(partition.topic)}; }
  Result<void> pause(std::span<const TopicPartition>) override { return {}; }
  Result<void> resume(std::span<const TopicPartition>) override { return {}; }

  Result<std::vector<PolledBatch>> poll(Duration) override {
    std::vector<PolledBatch> batches;
    const std::lock_guard lock{log_->mutex};
    for (const auto& partition : assigned_) {
      const auto& stored = log_->topics[partition.topic];
      auto owner = std::make_shared<std::vector<FakeLog::Stored>>(stored.begin() + at(partition.topic), stored.end());
      std::vector<RecordView> records;
      for (const auto& record : *owner) {
        const auto offset = Offset{at(partition.topic) + static_cast<std::int64_t>(records.size())};
        records.push_back({offset, {}, record.key, record.value ? NullableBytes{*record.value} : nullptr, {}});
      }
      positions_[partition.topic] = static_cast<std::int64_t>(stored.size());
      batches.emplace_back(std::make_shared<const TopicPartition>(partition), std::move(records), owner);
    }
    return batches;
  }
  void wakeup() override {}
  Result<void> close(Duration) override { return {}; }

 private:
  std::int64_t at(const std::string& topic) const {
    const auto found = positions_.find(topic);
    return found == positions_.end() ? 0 : found->second;
  }

  std::shared_ptr<FakeLog> log_;
  std::vector<TopicPartition> assigned_;
  std::map<std::string, std::int64_t> positions_;
};

class FakeAdmin final : public Admin {
 public:
  explicit FakeAdmin(std::shared_ptr<FakeLog> log) : log_(std::move(log)) {}

  Result<TopicId> create_topic(const NewTopic& topic) override {
    const std::lock_guard lock{log_->mutex};
    if (log_->topics.contains(topic.name)) return fail(ErrorCode::kTopicAlreadyExists, topic.name);
    log_->topics[topic.name];
    return TopicId{};
  }
  Result<void> delete_topic(std::string_view) override { return {}; }
  Result<std::vector<std::string>> list_topics() override { return {}; }
  Result<TopicDescription> describe_topic(std::string_view name) override {
    const std::lock_guard lock{log_->mutex};
    if (!log_->topics.contains(std::string{name})) return fail(ErrorCode::kUnknownTopicOrPartition, std::string{name});
    TopicDescription description;
    description.name = name;
    description.partitions.emplace_back();
    return description;
  }
  Result<Properties> topic_configs(std::string_view) override { return Properties{}; }
  Result<void> alter_topic_configs(std::string_view,
                                   std::span<const std::pair<std::string, std::optional<std::string>>>) override {
    return {};
  }
  Result<OffsetAnswer> list_offset(const TopicPartition& partition, OffsetQuery query) override {
    const std::lock_guard lock{log_->mutex};
    const auto size = static_cast<std::int64_t>(log_->topics[partition.topic].size());
    return OffsetAnswer{.offset = Offset{query.kind == OffsetKind::kEarliest ? 0 : size}};
  }
  Result<Offset> delete_records(const TopicPartition&, Offset before) override { return before; }
  Result<std::uint64_t> partition_size(const TopicPartition&) override {
    const std::lock_guard lock{log_->mutex};
    return log_->topic_bytes;
  }

 private:
  std::shared_ptr<FakeLog> log_;
};

class FakeClient final : public Client {
 public:
  std::shared_ptr<FakeLog> log = std::make_shared<FakeLog>();

  Result<std::unique_ptr<Producer>> producer(const Properties&, DeliveryListener listener, Partitioner) override {
    return std::make_unique<FakeProducer>(log, std::move(listener));
  }
  Result<std::unique_ptr<Consumer>> consumer(const Properties&) override { return std::make_unique<FakeConsumer>(log); }
  Result<std::unique_ptr<Admin>> admin(const Properties&) override { return std::make_unique<FakeAdmin>(log); }
};

}  // namespace millrace::connect
