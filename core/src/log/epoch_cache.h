#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace millrace {

struct EpochEnd {
  LeaderEpoch epoch = kNoLeaderEpoch;
  Offset offset = kNoOffset;
};

/// Which leader epoch began at which offset of a partition: Kafka's leader-epoch-checkpoint.
///
/// Threading: one thread at a time. Logic only.
class EpochCache {
 public:
  struct Entry {
    LeaderEpoch epoch;
    Offset start;
  };

  /// True when the epoch is new: it begins at `start`.
  bool assign(LeaderEpoch epoch, Offset start);
  /// Forgets what begins at `end` or later.
  void cut(Offset end);
  /// The oldest epoch begins at `start` at the earliest.
  void raise_start(Offset start);
  void clear() { entries_.clear(); }

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] LeaderEpoch last() const { return entries_.empty() ? kNoLeaderEpoch : entries_.back().epoch; }
  [[nodiscard]] LeaderEpoch at(Offset offset) const;
  /// The newest epoch up to `epoch` that has records, and where they end. `current` is the leader's epoch, which goes
  /// on at `log_end` even while it has no record. An epoch older than all known ends where the oldest begins. None for
  /// an epoch that is still to come.
  [[nodiscard]] std::optional<EpochEnd> end_of(LeaderEpoch epoch, LeaderEpoch current, Offset log_end) const;

  /// "0", the count of entries, then "EPOCH START" a line. Errors: `kMalformed`.
  [[nodiscard]] std::string encode() const;
  [[nodiscard]] Result<void> decode(std::string_view text);

 private:
  std::vector<Entry> entries_;
};

}  // namespace millrace
