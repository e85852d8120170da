#pragma once

#include <functional>
#include <memory>

#include "base/buffers.h"
#include "base/clock.h"
#include "base/deadline_queue.h"
#include "broker/broker_calls.h"
#include "broker/partition_table.h"
#include "broker/transaction_path.h"

namespace millrace {

/// Appends to partitions and answers when the records are as safe as the caller asked for.
///
/// Threading: any thread.
class ProducePath {
 public:
  /// `appended` is called after something was written.
  ProducePath(PartitionTable& partitions, TransactionPath& transactions, DeadlineQueue& deadlines, const Clock& clock,
              BufferPool& buffers, std::function<void()> appended);

  /// As `BrokerCore::produce`.
  void produce(ProduceCall call, ProduceDone done);

 private:
  struct Written {
    std::shared_ptr<PartitionLog> log;
    AppendInfo info;
  };
  /// A batch that may be written, if its transaction allows it.
  struct Checked {
    std::shared_ptr<Partition> partition;
    std::shared_ptr<PartitionLog> log;
    MutableBytes batch;
    /// Keeps the bytes of a batch that was packed anew.
    PooledBytes recompressed;
  };
  class Claims;
  [[nodiscard]] Result<Checked> check(const ProducePartition& target, std::int16_t acks) const;
  [[nodiscard]] static Result<Written> write(const Checked& checked, const AppendOptions& options);
  /// For a call of a transactional producer: asks the coordinator first.
  void produce_in_transaction(ProduceCall call, ProduceDone done);
  void answer(std::int16_t acks, Duration timeout, std::vector<Result<Written>> written, ProduceDone done);

  PartitionTable& partitions_;
  TransactionPath& transactions_;
  DeadlineQueue& deadlines_;
  const Clock& clock_;
  BufferPool& buffers_;
  std::function<void()> appended_;
};

}  // namespace millrace
