#pragma once

#include <string_view>

#include "base/result.h"
#include "millrace/client.h"

// What a code means that a coordinator answered an administrator with: the same sentences over every client.

namespace millrace {

/// Why a group's offset was not set.
[[nodiscard]] std::unexpected<Error> refused_offset(std::string_view group, const PartitionOffset& offset,
                                                    ErrorCode code);

/// What became of a group's offset that was to be deleted.
[[nodiscard]] Result<void> deleted_offset(std::string_view group, const TopicPartition& partition, ErrorCode code);

/// What became of a group that was to be deleted.
[[nodiscard]] Result<void> deleted_group(std::string_view group, ErrorCode code);

}  // namespace millrace
