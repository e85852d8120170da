#pragma once

#include <deque>
#include <map>
#include <set>
#include <vector>

#include "base/types.h"
#include "record/record_batch.h"
#include "record/transaction_marker.h"

namespace millrace {

/// Which batches of transactions compaction may drop, told as it goes over a log in order. Kafka's rules: the data of
/// an aborted transaction goes at once; a marker may go once no batch of its transaction is left before it.
///
/// Threading: one thread at a time. Logic only.
class CleanedTransactions {
 public:
  /// `aborted`: those whose data may lie in the part of the log that is gone over, by first offset.
  explicit CleanedTransactions(std::vector<AbortedTransaction> aborted) : aborted_(aborted.begin(), aborted.end()) {}

  /// Whether the batch, no control batch, belongs to an aborted transaction.
  [[nodiscard]] bool on_data(const RecordBatchView& batch);
  /// Whether the control batch is of no use any more.
  [[nodiscard]] bool on_control(const RecordBatchView& batch, TransactionEnd end);

 private:
  void begin_aborted_up_to(Offset offset);

  std::deque<AbortedTransaction> aborted_;
  // Aborted transactions that are under way where we are, and whether a batch of theirs was met.
  std::map<ProducerId, bool> open_aborted_;
  std::set<ProducerId> open_committed_;
};

}  // namespace millrace
