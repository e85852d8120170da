#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "base/types.h"
#include "log/key_hash.h"

namespace millrace {

/// What compaction could do in a log.
///
///     | cleaned before | to be cleaned     | not yet: the active segment, open transactions, what is too young |
///     log start        first_dirty         end                                                           log end
struct CleanableRange {
  Offset first_dirty{0};
  Offset end{0};
  std::uint64_t clean_bytes = 0;
  std::uint64_t dirty_bytes = 0;
  /// Something in it is older than `max.compaction.lag.ms`.
  bool overdue = false;

  [[nodiscard]] double dirty_ratio() const {
    return static_cast<double>(dirty_bytes) / static_cast<double>(clean_bytes + dirty_bytes);
  }
};

struct CleaningOptions {
  /// Memory for keys: `log.cleaner.dedupe.buffer.size`. As much is taken as the dirty part can need, at most this.
  std::size_t map_bytes = 128U << 20;
  double map_load_factor = 0.9;
  HashSecret secret{};
};

/// One pass of compaction over a partition, done in pieces: of each key the newest record stays, of the records before
/// `cleaned_to`. Offsets never change. What Kafka's cleaner keeps is kept: tombstones until their delete horizon, the
/// last batch of each producer (empty, if need be), markers until nothing of their transaction is left.
///
/// Threading: one thread at a time. Appends and reads go on meanwhile.
/// Durability: segments are replaced a group at a time. After a crash a group is the old one or the new one.
class PartitionCleaning {
 public:
  struct Step {
    /// Read and written in this step.
    std::uint64_t bytes = 0;
    bool done = false;
  };
  struct Report {
    Offset cleaned_to{0};
    std::uint64_t bytes_before = 0;
    std::uint64_t bytes_after = 0;
    std::uint64_t records_before = 0;
    std::uint64_t records_after = 0;
  };

  virtual ~PartitionCleaning() = default;
  /// Goes on, for about `bytes` of reading. After an error it is of no use any more; what it has replaced stays so.
  /// Errors: `kClosed`, `kNotFound` (retention removed what was being cleaned), `kCorruptLog` (the partition is offline
  /// now), `kCorruptMessage`, `kNoSpace`, `kIo`.
  [[nodiscard]] virtual Result<Step> step(std::uint64_t bytes) = 0;
  /// Complete once a step said that it is done.
  [[nodiscard]] virtual const Report& report() const = 0;
};

}  // namespace millrace
