#pragma once

#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/types.h"
#include "protocol/group_records.h"

namespace millrace {

/// Offsets that were committed within transactions that have not ended yet.
///
/// Threading: one thread at a time.
class PendingOffsets {
 public:
  struct Pending {
    protocol::CommittedOffsetRecord record;
    /// Where the record lies in the log: an offset that was committed after it stays.
    Offset written;
  };

  void add(ProducerId producer, protocol::CommittedOffsetRecord record, Offset written);
  /// A later record has taken it back.
  void forget(const std::string& group, const TopicPartition& partition);
  /// Takes out what a marker at `marker` decides.
  [[nodiscard]] std::vector<Pending> take(ProducerId producer, Offset marker);

  [[nodiscard]] std::set<TopicPartition> of_group(const std::string& group) const;
  [[nodiscard]] std::set<std::string> groups() const;

 private:
  std::unordered_map<ProducerId, std::vector<Pending>> by_producer_;
};

}  // namespace millrace
