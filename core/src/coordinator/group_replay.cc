#include "coordinator/group_replay.h"

#include <utility>

#include "base/bytes_io.h"

namespace millrace {
namespace {

// The type in a transaction marker's key, behind its version.
constexpr std::int16_t kCommitMarker = 1;

}  // namespace

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
  MILLRACE_TRY(records, batch.records(buffers_));
  while (records.next()) {
    ++records_;
    if (batch.is_control()) {
      end_transaction(batch.producer_id(), records.record());
    } else {
      apply_record(batch, records.record());
    }
  }
  return records.status();
}

void GroupReplay::apply_record(const RecordBatchView& batch, const RecordView& record) {
  auto decoded = protocol::decode_group_record(record.key, record.value);
  if (!decoded) {
    if (unknown_++ == 0) first_unknown_ = decoded.error().message();
    return;
  }
  if (auto* offset = std::get_if<protocol::CommittedOffsetRecord>(&*decoded)) {
    if (batch.is_transactional()) {
      undecided_[batch.producer_id()].push_back(std::move(*offset));
    } else {
      offsets_.apply(*offset);
    }
    return;
  }
  auto& group = std::get<protocol::GroupMetadataRecord>(*decoded);
  if (group.value) {
    groups_.insert_or_assign(std::move(group.key.group), *std::move(group.value));
  } else {
    groups_.erase(group.key.group);
  }
}

void GroupReplay::end_transaction(ProducerId producer, const RecordView& marker) {
  const auto found = undecided_.extract(producer);
  if (!found) return;
  ByteReader key{marker.key.bytes()};
  key.skip(sizeof(std::int16_t));
  if (key.read<std::int16_t>() != kCommitMarker) return;
  for (const auto& offset : found.mapped()) offsets_.apply(offset);
}

}  // namespace millrace
