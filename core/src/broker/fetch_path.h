#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/clock.h"
#include "base/deadline_queue.h"
#include "base/executor.h"
#include "broker/broker_calls.h"
#include "broker/partition_table.h"

namespace millrace {

/// Reads from partitions; a read that finds too little waits for progress of any of them.
///
///     fetch --enough, error, max_wait 0--> done
///       | too little                         ^
///       v            progress: reads again   | enough, error, time is over, end_wait, close
///     waiting <------------------------------+
///
/// Threading: any thread.
class FetchPath : public std::enable_shared_from_this<FetchPath> {
 public:
  FetchPath(std::shared_ptr<const PartitionTable> partitions, std::shared_ptr<DeadlineQueue> deadlines,
            Executor& executor, const Clock& clock);
  ~FetchPath();

  /// As the functions of `BrokerCore`.
  FetchId fetch(FetchCall call, FetchDone done);
  void end_wait(FetchId fetch);
  void end_all_waits();

  /// Answers all that wait with `kClosed`.
  void close();

 private:
  class Waiting;

  [[nodiscard]] FetchAnswer read(const FetchCall& call) const;
  [[nodiscard]] Result<LogSlice> read_one(const FetchPartition& wanted, std::size_t max_bytes,
                                          Isolation isolation) const;

  void forget(FetchId id);

  std::shared_ptr<const PartitionTable> partitions_;
  std::shared_ptr<DeadlineQueue> deadlines_;
  Executor& executor_;
  const Clock& clock_;

  std::atomic<std::uint64_t> last_id_ = 0;
  std::mutex mutex_;
  std::unordered_map<FetchId, std::shared_ptr<Waiting>> waiting_;
  bool closed_ = false;
};

}  // namespace millrace
