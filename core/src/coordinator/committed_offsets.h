#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/types.h"
#include "protocol/group_records.h"

namespace millrace {

/// Where a group goes on in a partition.
struct CommittedOffset {
  Offset offset = kNoOffset;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::string metadata;
  Timestamp committed = kNoTimestamp;
  /// Set by clients of old, which say how long an offset is kept.
  std::optional<Timestamp> expires = std::nullopt;
  /// Where its record ends in the log, when that is known.
  Offset written = kNoOffset;
};

/// The committed offsets of many groups, as their records say.
///
/// Threading: one thread at a time.
class CommittedOffsets {
 public:
  using OfGroup = std::map<TopicPartition, CommittedOffset>;

  /// A record that was written before the one that stands changes nothing: that of a transaction, which counts from its
  /// end.
  void apply(const protocol::CommittedOffsetRecord& record, Offset written = kNoOffset);

  /// Null when there is none.
  [[nodiscard]] const CommittedOffset* find(const std::string& group, const TopicPartition& partition) const;
  /// Null when the group has none.
  [[nodiscard]] const OfGroup* of_group(const std::string& group) const;
  [[nodiscard]] const std::unordered_map<std::string, OfGroup>& groups() const { return groups_; }

 private:
  std::unordered_map<std::string, OfGroup> groups_;
};

/// The record that says where `group` goes on, and the one that takes it back.
[[nodiscard]] protocol::CommittedOffsetRecord offset_record(const std::string& group, const TopicPartition& partition,
                                                            const CommittedOffset& offset);
[[nodiscard]] protocol::CommittedOffsetRecord offset_tombstone(const std::string& group,
                                                               const TopicPartition& partition);

}  // namespace millrace
