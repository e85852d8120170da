#pragma once
// The contract that the broker is written against; owned by whoever works on core/src/log.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace millrace {

class Clock;
class FileSystem;
class Flusher;
class Logger;

enum class TimestampType : std::uint8_t { kCreateTime = 0, kLogAppendTime = 1 };

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
  /// `write.caching`: the high watermark follows the written end, not the durable end.
  bool write_caching = false;
};

/// What a valid append was given.
struct AppendInfo {
  Offset base_offset = kNoOffset;
  Offset last_offset = kNoOffset;
  /// The append time, with LogAppendTime; else `kNoTimestamp`.
  Timestamp append_time = kNoTimestamp;
  Offset log_start = kNoOffset;
  /// The batches were a retry of ones already in the log: nothing was written, the offsets are the first append's.
  bool duplicate = false;
};

/// Whole record batches, as they lie on disk, in pooled buffers that were read once. Copies share the bytes.
struct LogSlice {
  std::shared_ptr<const void> owner;
  Bytes bytes;
  /// The log's positions when the slice was taken.
  Offset log_start = kNoOffset;
  Offset high_watermark = kNoOffset;
  Offset last_stable = kNoOffset;
};

/// How far a read may go.
enum class Isolation : std::uint8_t { kLogEnd, kHighWatermark, kCommitted };

struct OffsetAndTimestamp {
  Offset offset;
  Timestamp timestamp;
  LeaderEpoch epoch;
};

}  // namespace millrace
