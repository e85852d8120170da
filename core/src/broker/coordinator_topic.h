#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "broker/broker_calls.h"
#include "broker/partition_table.h"
#include "coordinator/coordinator_log.h"

namespace millrace {

inline constexpr std::string_view kConsumerOffsetsTopic = "__consumer_offsets";
inline constexpr std::string_view kTransactionStateTopic = "__transaction_state";

/// Whether only the broker itself writes the topic.
[[nodiscard]] bool is_coordinator_topic(std::string_view name);

/// The topic of a coordinator among this broker's partitions.
///
/// Threading: any thread.
class CoordinatorTopic final : public CoordinatorLog {
 public:
  using Metadata = std::function<std::shared_ptr<const MetadataImage>()>;
  using Create = std::function<void(CreateTopic, CreateTopicsDone)>;

  /// `topic` says how it is made when there is none; `metadata` shows topics whose partitions are all made; `appended`
  /// is called after something was written.
  CoordinatorTopic(CreateTopic topic, std::shared_ptr<const PartitionTable> partitions, Metadata metadata,
                   Create create, std::function<void()> appended)
      : topic_(std::move(topic)),
        partitions_(std::move(partitions)),
        metadata_(std::move(metadata)),
        create_(std::move(create)),
        appended_(std::move(appended)) {}

  [[nodiscard]] std::int32_t partition_count() const override;
  void create(Done done) override;
  [[nodiscard]] Result<Offset> append(PartitionIndex partition, MutableBytes batch,
                                      const AppendOptions& options = {}) override;
  [[nodiscard]] Result<TransactionGuard> begin_transaction(PartitionIndex partition,
                                                           const RecordBatchView& batch) override;
  [[nodiscard]] Result<LeaderEpoch> leader_epoch(PartitionIndex partition) override;
  void when_durable(PartitionIndex partition, Offset end, Done done) override;
  [[nodiscard]] Result<Offset> start(PartitionIndex partition) override;
  [[nodiscard]] Result<LogSlice> read(PartitionIndex partition, Offset from, std::size_t max_bytes) override;

 private:
  [[nodiscard]] Result<std::shared_ptr<Partition>> find(PartitionIndex partition) const;

  const CreateTopic topic_;
  const std::shared_ptr<const PartitionTable> partitions_;
  const Metadata metadata_;
  const Create create_;
  const std::function<void()> appended_;
};

}  // namespace millrace
