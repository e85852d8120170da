#include "record/transaction_marker.h"

#include "base/bytes_io.h"
#include "record/record_batch_builder.h"

namespace millrace {
namespace {

// A control record's key is a version and a type; a marker's value is a version and the coordinator's epoch.
constexpr std::int16_t kMarkerVersion = 0;
constexpr std::int16_t kAbortType = 0;
constexpr std::int16_t kCommitType = 1;
constexpr std::size_t kMarkerRoom = 128;

}  // namespace

Result<PooledBytes> make_marker_batch(const TransactionMarker& marker, Timestamp time, BufferPool& pool) {
  ByteWriter key;
  key.write<std::int16_t>(kMarkerVersion);
  key.write<std::int16_t>(marker.end == TransactionEnd::kCommit ? kCommitType : kAbortType);
  ByteWriter value;
  value.write<std::int16_t>(kMarkerVersion);
  value.write<std::int32_t>(marker.coordinator_epoch);
  RecordBatchBuilder builder{pool, kMarkerRoom, {.transactional = true, .control = true}};
  // An empty builder takes any record.
  (void)builder.try_append(time, key.bytes(), value.bytes());
  return builder.finish({.id = marker.producer, .epoch = marker.epoch});
}

TransactionMarker read_marker(const RecordBatchView& control) {
  TransactionMarker marker{.producer = control.producer_id(), .epoch = control.producer_epoch()};
  // A marker is one record and never packed.
  BufferPool none{0};
  auto cursor = control.records(none);
  if (!cursor || !cursor->next()) return marker;
  ByteReader key{cursor->record().key.bytes()};
  key.skip(sizeof(std::int16_t));
  const auto type = key.read<std::int16_t>();
  if (!key.ok() || (type != kAbortType && type != kCommitType)) return marker;
  marker.end = type == kCommitType ? TransactionEnd::kCommit : TransactionEnd::kAbort;
  ByteReader value{cursor->record().value.bytes()};
  value.skip(sizeof(std::int16_t));
  const auto coordinator_epoch = value.read<std::int32_t>();
  if (value.ok()) marker.coordinator_epoch = coordinator_epoch;
  return marker;
}

}  // namespace millrace
