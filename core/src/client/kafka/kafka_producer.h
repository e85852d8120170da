#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include "client/kafka/kafka_client.h"
#include "client/kafka/rdkafka_handles.h"
#include "client/transaction_steps.h"

namespace millrace {

struct KafkaProducerSettings {
  explicit KafkaProducerSettings(const Properties& properties);
  Duration max_block;
  std::size_t max_record_bytes;
  std::size_t batch_bytes;
  bool round_robin;
};

struct KafkaTopic {
  RdTopic handle;
  std::int32_t partitions = 0;
  TimePoint looked_at{};
  /// Where records without a key go until about a batch is full.
  std::int32_t sticky = 0;
  std::size_t sticky_bytes = 0;
  std::uint32_t turn = 0;
};

/// Hands records to librdkafka, and its delivery reports, on a thread of its own, to the listener.
///
/// Threading: any thread. The mutex guards topics, errors and steps; it is not held while librdkafka is called with a
/// record, or waits.
class KafkaProducer final : public Producer {
 public:
  static Result<std::unique_ptr<KafkaProducer>> make(std::shared_ptr<KafkaContext> context,
                                                     const Properties& properties, DeliveryListener listener,
                                                     Partitioner partitioner);
  ~KafkaProducer() override;

  Result<void> send(const ProducerRecord& record) override;
  Result<void> flush(Duration timeout) override;
  Result<void> close(Duration timeout) override;
  Result<void> init_transactions(Duration timeout) override;
  Result<void> begin_transaction() override;
  Result<void> send_offsets(std::span<const PartitionOffset> offsets, const GroupMetadata& group,
                            Duration timeout) override;
  Result<void> commit_transaction(Duration timeout) override;
  Result<void> abort_transaction(Duration timeout) override;
  TransactionPhase transaction_phase() const override;

 private:
  static constexpr std::chrono::seconds kFarewellPatience{30};

  KafkaProducer(std::shared_ptr<KafkaContext> context, const Properties& properties, DeliveryListener listener,
                Partitioner partitioner, RdHandle handle);

  struct Target {
    rd_kafka_topic_t* topic;
    std::int32_t partition;
  };
  /// Errors: `kUnknownTopicOrPartition`, and what ended an earlier batch of the partition.
  [[nodiscard]] Result<Target> target_of(const ProducerRecord& record, std::size_t size);
  [[nodiscard]] Result<KafkaTopic*> open_topic(std::unique_lock<std::mutex>& lock, std::string_view name);
  /// As the `partitioner` property says.
  [[nodiscard]] std::int32_t choose(KafkaTopic& topic, const ProducerRecord& record, std::size_t size) const;
  /// What the program chooses, or the record itself says.
  [[nodiscard]] Result<std::optional<PartitionIndex>> wanted_partition(std::unique_lock<std::mutex>& lock,
                                                                       const KafkaTopic& topic,
                                                                       const ProducerRecord& record);
  [[nodiscard]] Result<void> wait_for_room(TimePoint until);
  void report();
  void take(rd_kafka_event_t* event);
  void tell(std::span<const rd_kafka_message_t* const> messages);
  /// Ends what librdkafka still has, so that nothing waits for it.
  void drop_unwritten();

  // Transactions: kafka_transactions.cc.
  /// What an error means that librdkafka does not explain.
  enum class Otherwise : std::uint8_t { kAsBefore, kFatal };
  /// librdkafka's answer to a call of transactions, as ours.
  [[nodiscard]] Result<void> take_answer(const char* doing, RdError error, Otherwise otherwise);
  /// librdkafka did not take a record: it knows already what its reports are still to say.
  [[nodiscard]] Result<void> refused_record(RdError error);

  const std::shared_ptr<KafkaContext> context_;
  const KafkaProducerSettings settings_;
  const DeliveryListener listener_;
  const Partitioner partitioner_;
  const RdHandle handle_;

  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::map<std::string, KafkaTopic, std::less<>> topics_;
  /// Why an earlier batch of a partition was not stored: told to the next caller, who knows what to do.
  std::map<TopicPartition, Error> failed_;
  std::optional<Error> first_error_;
  /// Counts what was reported, so that who waits for room sees that there may be some.
  std::uint64_t reported_ = 0;
  bool closed_ = false;
  /// Somebody is in a call of transactions.
  std::atomic<bool> transaction_call_ = false;
  TransactionSteps steps_;
  const bool is_transactional_;

  std::atomic<bool> stop_ = false;
  const RdQueue queue_;
  std::thread reporter_;
};

}  // namespace millrace
