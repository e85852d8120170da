#pragma once

#include <functional>
#include <memory>

#include "base/buffers.h"
#include "base/clock.h"
#include "base/deadline_queue.h"
#include "broker/broker_calls.h"
#include "broker/partition_table.h"

namespace millrace {

/// Appends to partitions and answers when the records are as safe as the caller asked for.
///
/// Threading: any thread.
class ProducePath {
 public:
  /// `appended` is called after something was written.
  ProducePath(PartitionTable& partitions, DeadlineQueue& deadlines, const Clock& clock, BufferPool& buffers,
              std::function<void()> appended);

  /// As `BrokerCore::produce`.
  void produce(ProduceCall call, ProduceDone done);

 private:
  struct Written {
    std::shared_ptr<PartitionLog> log;
    AppendInfo info;
  };
  [[nodiscard]] Result<Written> append(const ProducePartition& target, std::int16_t acks);

  PartitionTable& partitions_;
  DeadlineQueue& deadlines_;
  const Clock& clock_;
  BufferPool& buffers_;
  std::function<void()> appended_;
};

}  // namespace millrace
