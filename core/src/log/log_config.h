#pragma once

#include <chrono>
#include <cstdint>

#include "record/record_batch.h"

namespace millrace {

/// What a partition's log needs of its topic's settings. Sizes in bytes; a negative retention means "no limit".
struct LogConfig {
  std::int64_t segment_bytes = 1LL << 30;
  std::chrono::milliseconds segment_ms = std::chrono::hours{24 * 7};
  std::int32_t segment_index_bytes = 10 << 20;
  std::int32_t index_interval_bytes = 4096;
  std::int64_t retention_bytes = -1;
  std::chrono::milliseconds retention_ms = std::chrono::hours{24 * 7};
  bool cleanup_delete = true;
  bool cleanup_compact = false;
  std::int32_t max_message_bytes = 1048588;
  TimestampType timestamp_type = TimestampType::kCreateTime;
  std::chrono::milliseconds timestamp_before_max = std::chrono::milliseconds::max();
  std::chrono::milliseconds timestamp_after_max = std::chrono::hours{1};
  /// A producer that has not written for this long is forgotten.
  std::chrono::milliseconds producer_id_expiration = std::chrono::hours{24};
  /// `write.caching`: the high watermark follows the written end, not the durable end.
  bool write_caching = false;

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
