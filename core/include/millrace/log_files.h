#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/result.h"
#include "millrace/types.h"

namespace millrace {

/// Looks at the files of a log, without a broker. Nothing is changed on disk but by `repair_log`; a log that is being
/// written may be looked at too.

/// Gets the lines of a dump, without their ends.
using DumpLine = std::function<void(std::string_view)>;

enum class DumpDetail : std::uint8_t { kBatches, kRecords };

/// Writes out, a line an entry, what is in a segment (.log), an offset index (.index), a time index (.timeindex), a
/// producer snapshot (.snapshot), or in all of these in a partition's folder. Errors: `kNotFound`, `kInvalidArgument`
/// (not a file of a log), `kCorruptLog` at the first damage, after what is before it; `kIo`.
[[nodiscard]] Result<void> dump_log(const std::string& path, DumpDetail detail, const DumpLine& line);

/// What `verify_log` found in a partition.
struct PartitionCheck {
  std::string directory;
  std::uint64_t segments = 0;
  std::uint64_t batches = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  Offset first = kNoOffset;
  Offset next = kNoOffset;
  /// Bytes after the last batch that no sync has confirmed: the tail of a crash, or a write under way. The next start
  /// cuts them.
  std::uint64_t tail_bytes = 0;
  /// A sentence each; none when the partition is sound. Damaged indexes are listed too: the next start rebuilds them.
  std::vector<std::string> damages;
};

/// Reads every batch and record and every index entry in a data folder, a partition's folder or one segment, and checks
/// checksums, offsets and that indexes and segments agree. Errors: `kNotFound`, `kInvalidArgument` (nothing of a log
/// there), `kIo`.
[[nodiscard]] Result<std::vector<PartitionCheck>> verify_log(const std::string& path);

enum class RepairMode : std::uint8_t {
  kShow,  ///< only says what `kCut` would do
  kCut,
};

/// What `repair_log` found, and what cutting there loses.
struct LogRepair {
  std::string directory;
  /// What is wrong and where; empty when nothing is, and then nothing is cut.
  std::string damage;
  /// The log ends here afterwards: every offset from this one up to `lost_end` is lost.
  Offset end = kNoOffset;
  /// After the last offset that can still be read behind the damage; `end` when none can.
  Offset lost_end = kNoOffset;
  /// Records behind the damage that look intact, and are lost as well.
  std::uint64_t intact_records = 0;
  std::uint64_t cut_bytes = 0;
  /// Where the bytes that are cut are kept.
  std::vector<std::string> side_files;
};

/// Ends a partition's log before its first damage, so that the next start takes it back into use. What is cut is kept
/// in files beside it, whole, and never removed. `directory` is the partition's folder in a data folder that no broker
/// uses. It can be interrupted and done again. Damaged indexes are no matter: the next start rebuilds them. Errors:
/// `kInUse`, `kNotFound`, `kInvalidArgument` (no partition's folder), `kNoSpace`, `kIo`.
[[nodiscard]] Result<LogRepair> repair_log(const std::string& directory, RepairMode mode);

}  // namespace millrace
