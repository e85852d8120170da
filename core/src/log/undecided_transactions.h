#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>

#include "base/types.h"
#include "log/partition_log.h"

namespace millrace {

/// The transactions of a partition that readers of committed records must not pass yet: those that are open, and those
/// whose marker is not below the high watermark.
///
///     begin -> open -> end (its marker is written) -> decide_up_to (its marker can be read): forgotten
///
/// However long one of them stays open, those behind it are forgotten as they are decided.
///
/// Threading: one thread at a time. Logic only. Each call is O(log transactions).
class UndecidedTransactions {
 public:
  /// The producer writes within a transaction, whose first batch is there; nothing when it is open already.
  void begin(ProducerId producer, const DurablePosition& first);
  /// Its marker is written at this offset, behind all that were before. Nothing when it has none open.
  void end(ProducerId producer, Offset marker);
  /// Forgets those whose marker lies before `high_watermark`.
  void decide_up_to(Offset high_watermark);

  /// Where the first of them begins: readers of committed records go no further.
  [[nodiscard]] std::optional<DurablePosition> first() const;
  /// The first offset of the oldest that is still open.
  [[nodiscard]] std::optional<Offset> first_open() const;
  [[nodiscard]] std::size_t size() const { return open_.size() + ended_.size(); }

 private:
  struct Ended {
    Offset marker;
    Offset first;
  };
  std::unordered_map<std::int64_t, Offset> first_of_;
  std::map<Offset, DurablePosition> open_;
  std::map<Offset, DurablePosition> ended_;
  // In the order of the markers.
  std::deque<Ended> markers_;
};

}  // namespace millrace
