#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/buffers.h"
#include "base/result.h"
#include "base/types.h"
#include "record/record_batch.h"

namespace millrace {

// Batches made from other batches, offset for offset: what compaction and a topic's `compression.type` need.

/// What becomes of a batch of which no record stays.
enum class EmptyBatch : std::uint8_t {
  kDrop,
  kKeep,  ///< its header stays, which says how far offsets and its producer's sequences go
};

/// Which batches get a delete horizon: the time from which on a tombstone or a marker may go.
enum class HorizonFor : std::uint8_t { kTombstones, kAll };

struct BatchFilter {
  /// Whether a record stays.
  std::function<bool(const RecordView&)> keep;
  EmptyBatch when_empty = EmptyBatch::kDrop;
  HorizonFor horizon_for = HorizonFor::kTombstones;
  /// What a batch that has no horizon and needs one is given.
  Timestamp horizon{};
};

struct FilteredBatch {
  enum class Outcome : std::uint8_t { kUnchanged, kRewritten, kDropped };
  Outcome outcome = Outcome::kUnchanged;
  /// The new batch, when it was rewritten.
  PooledBytes rewritten;
  std::int32_t records = 0;
};

/// The batch with the records that stay. Base offset, last offset, producer, sequences and codec are kept, as Kafka's
/// cleaner keeps them; the largest timestamp is that of the records left. Errors: those of `RecordBatchView::records`
/// and the codec's.
[[nodiscard]] Result<FilteredBatch> filter_batch(const RecordBatchView& batch, const BatchFilter& filter,
                                                 BufferPool& pool);

/// The same records packed by another codec; each is looked at. Errors: as above.
[[nodiscard]] Result<PooledBytes> recompress_batch(const RecordBatchView& batch, Compression compression, int level,
                                                   BufferPool& pool);

}  // namespace millrace
