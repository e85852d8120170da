#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/buffers.h"
#include "base/clock.h"
#include "broker/broker_calls.h"
#include "broker/partition_table.h"
#include "coordinator/group_coordinator.h"
#include "coordinator/transaction_coordinator.h"

namespace millrace {

/// What of transactions concerns partitions: their markers, and who may begin to write within one.
///
/// Threading: any thread; `connect` before anything else. It keeps nothing alive: the coordinators' transactions keep
/// it.
class TransactionPath final : public TransactionPartitions {
 public:
  TransactionPath(std::shared_ptr<const PartitionTable> partitions, const Clock& clock)
      : partitions_(std::move(partitions)), clock_(clock) {}

  /// `appended` is called after something was written.
  void connect(std::weak_ptr<GroupCoordinator> groups, std::weak_ptr<TransactionCoordinator> transactions,
               std::function<void()> appended) {
    groups_ = std::move(groups);
    transactions_ = std::move(transactions);
    appended_ = std::move(appended);
  }

  void write_marker(const TopicPartition& partition, const TransactionMarker& marker, std::int16_t transaction_version,
                    Done done) override;

  /// Whether the producer's transaction goes on in each of the partitions, as `support` says; one code for each. What
  /// the codes of the coordinator are for a producer of old is said here.
  void claim(const std::string& transactional_id, const ProducerIdentity& producer,
             const std::vector<TopicPartition>& partitions, TransactionSupport support, ErrorCodesDone done);

  /// As `BrokerCore`.
  void commit_offsets(const std::string& transactional_id, CommitOffsets call, TransactionSupport support,
                      ErrorCodesDone done);

 private:
  const std::shared_ptr<const PartitionTable> partitions_;
  const Clock& clock_;
  // Markers are small: no memory is worth keeping.
  BufferPool buffers_{0};
  std::weak_ptr<GroupCoordinator> groups_;
  std::weak_ptr<TransactionCoordinator> transactions_;
  std::function<void()> appended_;
};

}  // namespace millrace
