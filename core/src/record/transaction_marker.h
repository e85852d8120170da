#pragma once

#include <cstdint>

#include "base/buffers.h"
#include "base/result.h"
#include "base/types.h"
#include "record/record_batch.h"

namespace millrace {

/// What a marker says of the transaction it ends.
enum class TransactionEnd : std::uint8_t { kAbort, kCommit, kUnknown };

/// The end of a producer's transaction in one partition: a control batch of one record.
struct TransactionMarker {
  ProducerId producer = kNoProducerId;
  ProducerEpoch epoch = kNoProducerEpoch;
  TransactionEnd end = TransactionEnd::kUnknown;
  /// Counts the leaders of the coordinator's partition; -1 when it is not known.
  std::int32_t coordinator_epoch = -1;
  friend bool operator==(const TransactionMarker&, const TransactionMarker&) = default;
};

/// A transaction whose records nobody who reads committed records may see.
struct AbortedTransaction {
  ProducerId producer;
  Offset first;
  auto operator<=>(const AbortedTransaction&) const = default;
};

/// The batch that says so, as Kafka writes it. Errors: none that can be mended.
[[nodiscard]] Result<PooledBytes> make_marker_batch(const TransactionMarker& marker, Timestamp time, BufferPool& pool);

/// What a control batch says; `end` is `kUnknown` for one that is no marker or has no record left. Reads the batch's
/// records.
[[nodiscard]] TransactionMarker read_marker(const RecordBatchView& control);

}  // namespace millrace
