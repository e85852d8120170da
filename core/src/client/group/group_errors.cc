#include "client/group/group_errors.h"

#include <fmt/format.h>

namespace millrace {

std::unexpected<Error> refused_offset(std::string_view group, const PartitionOffset& offset, ErrorCode code) {
  if (code == ErrorCode::kUnknownMemberId || code == ErrorCode::kRebalanceInProgress) {
    return fail(code, fmt::format("cannot set the offsets of group \"{}\": it has members; stop them first", group));
  }
  if (code == ErrorCode::kUnknownTopicOrPartition) {
    return fail(code, fmt::format("cannot set the offsets of group \"{}\": there is no partition {}", group,
                                  offset.partition.to_string()));
  }
  return fail(code, fmt::format("cannot set the offset of group \"{}\" in {}: {}", group, offset.partition.to_string(),
                                name_of(code)));
}

Result<void> deleted_offset(std::string_view group, const TopicPartition& partition, ErrorCode code) {
  if (code == ErrorCode::kNone) return {};
  const auto what = fmt::format("cannot delete the offset of group \"{}\" in {}", group, partition.to_string());
  if (code == ErrorCode::kGroupSubscribedToTopic) {
    return fail(code, fmt::format("{}: its members read the topic; stop them first", what));
  }
  return fail(code, fmt::format("{}: {}", what, name_of(code)));
}

Result<void> deleted_group(std::string_view group, ErrorCode code) {
  if (code == ErrorCode::kNone) return {};
  // A coordinator that has no topic yet knows of no group either.
  if (code == ErrorCode::kGroupIdNotFound || code == ErrorCode::kNotCoordinator) {
    return fail(ErrorCode::kGroupIdNotFound, fmt::format("there is no group \"{}\"", group));
  }
  if (code == ErrorCode::kNonEmptyGroup) {
    return fail(code, fmt::format("cannot delete group \"{}\": it has members; stop them first", group));
  }
  return fail(code, fmt::format("cannot delete group \"{}\": {}", group, name_of(code)));
}

}  // namespace millrace
