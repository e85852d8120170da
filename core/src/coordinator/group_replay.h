#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/buffers.h"
#include "coordinator/committed_offsets.h"
#include "coordinator/pending_offsets.h"
#include "coordinator/stored_consumer_group.h"
#include "record/record_batch.h"

namespace millrace {

/// What the records of a partition of `__consumer_offsets` come to, read from its beginning.
///
/// Threading: one thread at a time.
class GroupReplay {
 public:
  explicit GroupReplay(BufferPool& buffers) : buffers_(buffers) {}

  /// Takes whole batches; gives the offset behind them. Errors: `kCorruptMessage` and the codec's; a record of a kind
  /// that is not known here is none: a newer version wrote it, and it is left alone.
  [[nodiscard]] Result<Offset> apply(Bytes batches);

  [[nodiscard]] std::unordered_map<std::string, protocol::GroupMetadataValue>& groups() { return groups_; }
  [[nodiscard]] std::unordered_map<std::string, StoredConsumerGroup>& consumer_groups() { return consumer_groups_; }
  [[nodiscard]] CommittedOffsets& offsets() { return offsets_; }
  /// Of transactions that have not ended.
  [[nodiscard]] PendingOffsets& pending() { return pending_; }
  [[nodiscard]] std::size_t records() const { return records_; }
  /// Records that could not be understood, and why the first of them could not.
  [[nodiscard]] std::size_t unknown() const { return unknown_; }
  [[nodiscard]] const std::string& first_unknown() const { return first_unknown_; }

 private:
  [[nodiscard]] Result<void> apply_batch(const RecordBatchView& batch);
  void apply_record(const RecordBatchView& batch, const RecordView& record);
  void take(const RecordBatchView& batch, protocol::CommittedOffsetRecord& offset);
  void take(const RecordBatchView& batch, protocol::GroupMetadataRecord& group);
  template <class Record>
  void take(const RecordBatchView& batch, const Record& of_consumer_group);
  void end_transaction(const RecordBatchView& control);

  BufferPool& buffers_;
  std::unordered_map<std::string, protocol::GroupMetadataValue> groups_;
  std::unordered_map<std::string, StoredConsumerGroup> consumer_groups_;
  CommittedOffsets offsets_;
  PendingOffsets pending_;
  std::size_t records_ = 0;
  std::size_t unknown_ = 0;
  std::string first_unknown_;
};

}  // namespace millrace
