#pragma once

#include <cstdint>
#include <functional>

#include "base/result.h"
#include "base/types.h"
#include "log/partition_log.h"

namespace millrace {

/// The topic in which a coordinator keeps its state, as it sees it. The broker implements it.
///
/// Threading: any thread may call any function. None waits for a sync.
class CoordinatorLog {
 public:
  using Done = std::move_only_function<void(Result<void>)>;

  virtual ~CoordinatorLog() = default;

  /// 0 while there is no such topic.
  [[nodiscard]] virtual std::int32_t partition_count() const = 0;
  /// Makes the topic if there is none; `done` when its partitions can be written.
  virtual void create(Done done) = 0;

  /// Writes a batch and gives the offset behind it. Errors: as of an append.
  [[nodiscard]] virtual Result<Offset> append(PartitionIndex partition, MutableBytes batch,
                                              const AppendOptions& options = {}) = 0;
  /// As of a partition's log.
  [[nodiscard]] virtual Result<TransactionGuard> begin_transaction(PartitionIndex partition,
                                                                   const RecordBatchView& batch) = 0;
  /// Counts the leaders of the partition: the coordinator's epoch.
  [[nodiscard]] virtual Result<LeaderEpoch> leader_epoch(PartitionIndex partition) = 0;
  /// Calls back, on any thread, also inside the call, once all before `end` is durable and readable, or cannot become
  /// so. With no lock held by the caller.
  virtual void when_durable(PartitionIndex partition, Offset end, Done done) = 0;

  /// Where the partition begins.
  [[nodiscard]] virtual Result<Offset> start(PartitionIndex partition) = 0;
  /// Durable batches from `from` on; none at the end. Reads the disk.
  [[nodiscard]] virtual Result<LogSlice> read(PartitionIndex partition, Offset from, std::size_t max_bytes) = 0;
};

}  // namespace millrace
