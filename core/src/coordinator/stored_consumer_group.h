#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "protocol/group_records.h"

namespace millrace {

/// What the records of one group of the consumer protocol come to.
///
/// Threading: a value.
struct StoredConsumerGroup {
  /// Absent until its record has been met.
  std::optional<protocol::ConsumerGroupMetadataValue> group;
  std::int32_t target_epoch = 0;
  std::map<std::string, protocol::ConsumerGroupMemberMetadataValue> members;
  std::map<std::string, protocol::ConsumerGroupTargetAssignmentMemberValue> targets;
  std::map<std::string, protocol::ConsumerGroupCurrentMemberAssignmentValue> current;
  std::map<std::string, protocol::ConsumerGroupRegularExpressionValue> patterns;

  void apply(const protocol::ConsumerGroupMetadataRecord& record);
  void apply(const protocol::ConsumerGroupPartitionMetadataRecord& record);
  void apply(const protocol::ConsumerGroupMemberMetadataRecord& record);
  void apply(const protocol::ConsumerGroupTargetAssignmentMetadataRecord& record);
  void apply(const protocol::ConsumerGroupTargetAssignmentMemberRecord& record);
  void apply(const protocol::ConsumerGroupCurrentMemberAssignmentRecord& record);
  void apply(const protocol::ConsumerGroupRegularExpressionRecord& record);

  /// Every record of it has been taken back.
  [[nodiscard]] bool is_gone() const {
    return !group && members.empty() && targets.empty() && current.empty() && patterns.empty();
  }
};

}  // namespace millrace
