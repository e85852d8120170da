#include "coordinator/group_replay.h"

#include <utility>

#include "record/transaction_marker.h"

namespace millrace {

Result<Offset> GroupReplay::apply(Bytes batches) {
  Offset next = kNoOffset;
  BatchCursor cursor{batches};
  while (cursor.next()) {
    MILLRACE_CHECK(apply_batch(cursor.batch()));
    next = cursor.batch().next_offset();
  }
  MILLRACE_CHECK(cursor.status());
  return next;
}

Result<void> GroupReplay::apply_batch(const RecordBatchView& batch) {
  if (batch.is_control()) {
    end_transaction(batch);
    return {};
  }
  MILLRACE_TRY(records, batch.records(buffers_));
  while (records.next()) {
    ++records_;
    apply_record(batch, records.record());
  }
  return records.status();
}

void GroupReplay::apply_record(const RecordBatchView& batch, const RecordView& record) {
  auto decoded = protocol::decode_group_record(record.key, record.value);
  if (!decoded) {
    if (unknown_++ == 0) first_unknown_ = decoded.error().message();
    return;
  }
  std::visit([&](auto& said) { take(batch, said); }, *decoded);
}

void GroupReplay::take(const RecordBatchView& batch, protocol::CommittedOffsetRecord& offset) {
  const auto written = batch.next_offset();
  if (batch.is_transactional()) return pending_.add(batch.producer_id(), std::move(offset), written);
  if (!offset.value) pending_.forget(offset.key.group, {offset.key.topic, offset.key.partition});
  offsets_.apply(offset, written);
}

void GroupReplay::take(const RecordBatchView&, protocol::GroupMetadataRecord& group) {
  if (group.value) {
    groups_.insert_or_assign(std::move(group.key.group), *std::move(group.value));
  } else {
    groups_.erase(group.key.group);
  }
}

template <class Record>
void GroupReplay::take(const RecordBatchView&, const Record& of_consumer_group) {
  auto& group = consumer_groups_[of_consumer_group.key.group];
  group.apply(of_consumer_group);
  if (group.is_gone()) consumer_groups_.erase(of_consumer_group.key.group);
}

void GroupReplay::end_transaction(const RecordBatchView& control) {
  const auto marker = read_marker(control);
  // One whose record compaction has removed has nothing before it to decide on.
  for (const auto& pending : pending_.take(control.producer_id(), control.next_offset())) {
    if (marker.end == TransactionEnd::kCommit) offsets_.apply(pending.record, pending.written);
  }
}

}  // namespace millrace
