#pragma once

#include <atomic>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/assignment.h"
#include "client/kafka/kafka_client.h"
#include "client/kafka/rdkafka_handles.h"

namespace millrace {

/// Reads from a cluster through librdkafka, alone or as a member of a group. Where to begin is found by our own calls,
/// so that it is known, and told, as over an embedded log.
///
/// The handle lives until the last batch is gone: librdkafka's buffers are its own.
///
/// Threading: as `Consumer`.
class KafkaConsumer final : public Consumer {
 public:
  static Result<std::unique_ptr<KafkaConsumer>> make(std::shared_ptr<KafkaContext> context,
                                                     const Properties& properties);
  ~KafkaConsumer() override;

  Result<void> assign(std::vector<TopicPartition> partitions) override;
  Result<void> subscribe(std::vector<std::string> topics, RebalanceListener listener) override;
  std::vector<TopicPartition> assignment() const override;
  Result<void> seek(const TopicPartition& partition, Offset offset) override;
  Result<void> seek(const TopicPartition& partition, StartAt start) override;
  Result<void> seek_to_time(const TopicPartition& partition, Timestamp time) override;
  Result<Offset> position(const TopicPartition& partition) const override;
  Result<void> pause(std::span<const TopicPartition> partitions) override;
  Result<void> resume(std::span<const TopicPartition> partitions) override;
  Result<std::vector<PolledBatch>> poll(Duration max_wait) override;
  Result<void> commit(Duration timeout) override;
  Result<void> commit(std::span<const PartitionOffset> offsets, Duration timeout) override;
  Result<void> commit_async(CommitListener done) override;
  Result<void> commit_async(std::span<const PartitionOffset> offsets, CommitListener done) override;
  Result<std::vector<PartitionOffset>> committed(std::span<const TopicPartition> partitions, Duration timeout) override;
  Result<GroupMetadata> group_metadata() const override;
  void wakeup() override;
  Result<void> close(Duration timeout) override;

 private:
  struct Settings {
    std::string group;
    std::optional<StartAt> reset_to;
    ReadIsolation isolation;
    std::size_t max_bytes;
    /// None: it commits only when told.
    std::optional<Duration> auto_commit;
    static Settings of(const Properties& properties);
  };
  using Fetching = AssignedPartition::Fetching;
  struct PendingCommit {
    KafkaConsumer* consumer;
    CommitListener done;
  };
  enum class Subscription : std::uint8_t { kNone, kByHand, kByGroup };

  KafkaConsumer(std::shared_ptr<KafkaContext> context, Settings settings);

  [[nodiscard]] Result<void> check_group() const;
  [[nodiscard]] Result<Offset> offset_for(const TopicPartition& partition, OffsetQuery query) const;
  [[nodiscard]] Result<Offset> first_position(const TopicPartition& partition) const;
  [[nodiscard]] Result<void> set_fetching(std::span<const TopicPartition> partitions, Fetching fetching);
  /// Tells librdkafka what was assigned by hand, and where each begins.
  [[nodiscard]] Result<void> apply_assignment();
  /// Tells librdkafka of a position that was changed.
  [[nodiscard]] Result<void> move_to(AssignedPartition& assigned, Offset offset);

  // The group, inside of librdkafka's callback.
  static void on_rebalance(rd_kafka_t* handle, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t* list,
                           void* self);
  static void on_commit(rd_kafka_t* handle, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t* list,
                        void* pending);
  void got(rd_kafka_topic_partition_list_t* list);
  void gave_up(rd_kafka_topic_partition_list_t* list);

  [[nodiscard]] Result<void> commit_now(std::span<const PartitionOffset> offsets, Duration timeout);
  void auto_commit();
  /// Waits for the answers to commits that are under way, and tells.
  void finish_commits(TimePoint until);

  /// Sorts messages into batches; what is wrong with one is remembered.
  struct Harvest;
  void take(RdMessage message, Harvest& harvest);
  [[nodiscard]] std::vector<PolledBatch> to_batches(Harvest& harvest);

  const std::shared_ptr<KafkaContext> context_;
  const Settings settings_;
  std::shared_ptr<rd_kafka_t> handle_;
  std::shared_ptr<rd_kafka_queue_t> queue_;
  RebalanceListener listener_;
  Subscription subscription_ = Subscription::kNone;
  Assignment assigned_;
  /// What was assigned by hand is not what librdkafka reads yet, which is:
  bool to_apply_ = false;
  std::vector<TopicPartition> applied_;
  /// A group's partitions that librdkafka is just being given: their positions go with them.
  bool is_being_given_ = false;
  std::list<PendingCommit> commits_;
  TimePoint next_auto_commit_{};
  std::atomic<bool> wakeup_ = false;
  std::atomic<bool> closed_ = false;
};

}  // namespace millrace
