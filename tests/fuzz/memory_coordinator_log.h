#pragma once

#include <cstddef>
#include <vector>

#include "base/assert.h"
#include "coordinator/coordinator_log.h"
#include "record/record_batch.h"

namespace millrace::test {

/// A coordinator's topic of one partition, in memory: whatever is appended is durable at once.
///
/// Threading: one thread.
class MemoryCoordinatorLog final : public CoordinatorLog {
 public:
  [[nodiscard]] std::int32_t partition_count() const override { return 1; }
  void create(Done done) override { done({}); }

  [[nodiscard]] Result<Offset> append(PartitionIndex, MutableBytes batch, const AppendOptions&) override {
    stamp(batch, end_, LeaderEpoch{0});
    const auto view = RecordBatchView::parse(batch);
    MILLRACE_ASSERT(view && view->size() == batch.size());
    bytes_.insert(bytes_.end(), batch.begin(), batch.end());
    end_ = view->next_offset();
    return end_;
  }
  [[nodiscard]] Result<TransactionGuard> begin_transaction(PartitionIndex, const RecordBatchView&) override {
    return kAlreadyOpen;
  }
  [[nodiscard]] Result<LeaderEpoch> leader_epoch(PartitionIndex) override { return LeaderEpoch{0}; }
  void when_durable(PartitionIndex, Offset, Done done) override { done({}); }
  [[nodiscard]] Result<Offset> start(PartitionIndex) override { return Offset{0}; }

  /// All that is left, in one piece.
  [[nodiscard]] Result<LogSlice> read(PartitionIndex, Offset from, std::size_t) override {
    LogSlice slice;
    const auto copy = std::make_shared<const std::vector<std::byte>>(bytes_);
    for (BatchCursor batches{Bytes{*copy}}; batches.next();) {
      if (batches.batch().base_offset() < from) continue;
      slice.owner = copy;
      const auto begin = static_cast<std::size_t>(batches.batch().bytes().data() - copy->data());
      slice.bytes = Bytes{*copy}.subspan(begin);
      slice.next = end_;
      break;
    }
    return slice;
  }

 private:
  std::vector<std::byte> bytes_;
  Offset end_{0};
};

}  // namespace millrace::test
