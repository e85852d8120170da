#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "record/record_batch.h"

namespace millrace {

/// What a partition's log needs of its topic's settings. Sizes in bytes; a negative retention means "no limit".
struct LogConfig {
  std::int64_t segment_bytes = 1LL << 30;
  std::chrono::milliseconds segment_ms = std::chrono::hours{24 * 7};
  /// Up to so much less, by chance.
  std::chrono::milliseconds segment_jitter{0};
  std::int32_t segment_index_bytes = 10 << 20;
  std::int32_t index_interval_bytes = 4096;
  std::int64_t retention_bytes = -1;
  std::chrono::milliseconds retention_ms = std::chrono::hours{24 * 7};
  bool cleanup_delete = true;
  bool cleanup_compact = false;
  /// A compacted log is cleaned once more than this part of it is dirty,
  double min_cleanable_dirty_ratio = 0.5;
  /// records stay dirty for at least so long,
  std::chrono::milliseconds min_compaction_lag{0};
  /// and are cleaned after so long, however small that part is.
  std::chrono::milliseconds max_compaction_lag = std::chrono::milliseconds::max();
  /// Compaction keeps tombstones and markers for so long after it met them first.
  std::chrono::milliseconds delete_retention = std::chrono::hours{24};
  std::int32_t max_message_bytes = 1048588;
  TimestampType timestamp_type = TimestampType::kCreateTime;
  std::chrono::milliseconds timestamp_before_max = std::chrono::milliseconds::max();
  std::chrono::milliseconds timestamp_after_max = std::chrono::hours{1};
  /// A producer that has not written for this long is forgotten.
  std::chrono::milliseconds producer_id_expiration = std::chrono::hours{24};
  /// The codec that batches are stored with; none: the one they come with.
  std::optional<Compression> compression;
  int compression_level = kDefaultLevel;
  /// `write.caching`: the high watermark follows the written end, not the durable end,
  bool write_caching = false;
  /// but is less than so many records ahead of it.
  std::int64_t flush_messages = INT64_MAX;

  /// For `check_produced_batch`.
  [[nodiscard]] ProduceLimits produce_limits() const {
    return {.max_message_bytes = max_message_bytes,
            .timestamp_type = timestamp_type,
            .timestamp_before_max = timestamp_before_max,
            .timestamp_after_max = timestamp_after_max,
            .keys_required = cleanup_compact};
  }
};

}  // namespace millrace
