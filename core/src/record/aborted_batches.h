#pragma once

#include <cstddef>
#include <set>
#include <span>

#include "record/transaction_marker.h"

namespace millrace {

/// Tells a reader of committed records which batches to skip, told of each in turn: those of an aborted transaction,
/// from its first offset to its marker.
///
/// Threading: one thread.
class AbortedBatches {
 public:
  /// By first offset, as a log gives them with the bytes. They outlive this.
  explicit AbortedBatches(std::span<const AbortedTransaction> aborted) : aborted_(aborted) {}

  [[nodiscard]] bool has(const RecordBatchView& batch) {
    while (next_ < aborted_.size() && aborted_[next_].first <= batch.last_offset()) {
      open_.insert(aborted_[next_++].producer);
    }
    if (open_.empty() || !batch.is_transactional()) return false;
    if (!batch.is_control()) return open_.contains(batch.producer_id());
    if (read_marker(batch).end == TransactionEnd::kAbort) open_.erase(batch.producer_id());
    return false;
  }

 private:
  std::span<const AbortedTransaction> aborted_;
  std::size_t next_ = 0;
  std::set<ProducerId> open_;
};

}  // namespace millrace
