#include "log/cleaned_transactions.h"

namespace millrace {

void CleanedTransactions::begin_aborted_up_to(Offset offset) {
  while (!aborted_.empty() && aborted_.front().first <= offset) {
    open_aborted_.emplace(aborted_.front().producer, false);
    aborted_.pop_front();
  }
}

bool CleanedTransactions::on_data(const RecordBatchView& batch) {
  begin_aborted_up_to(batch.last_offset());
  if (!batch.is_transactional()) return false;
  if (const auto open = open_aborted_.find(batch.producer_id()); open != open_aborted_.end()) {
    open->second = true;
    return true;
  }
  open_committed_.insert(batch.producer_id());
  return false;
}

bool CleanedTransactions::on_control(const RecordBatchView& batch, TransactionEnd end) {
  begin_aborted_up_to(batch.last_offset());
  // One that was emptied before says nothing any more.
  if (batch.record_count() == 0) return true;
  switch (end) {
    case TransactionEnd::kAbort: {
      const auto open = open_aborted_.find(batch.producer_id());
      if (open == open_aborted_.end()) return true;
      const bool met = open->second;
      open_aborted_.erase(open);
      return !met;
    }
    case TransactionEnd::kCommit:
      return open_committed_.erase(batch.producer_id()) == 0;
    case TransactionEnd::kUnknown:
      return false;
  }
  return false;
}

}  // namespace millrace
