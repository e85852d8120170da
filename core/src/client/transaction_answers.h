#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "millrace/client.h"

// What administration says of transactions: the same sentences over every client.

namespace millrace {

/// The time-out that a producer's id is taken with only to fence it: nothing is ever written within it.
inline constexpr std::chrono::milliseconds kFencingTimeout{1};

[[nodiscard]] std::unexpected<Error> unknown_transaction(std::string_view id);

/// Whether `wanted` still has the same transaction open, of the producers that the partition has now. Errors:
/// `kInvalidTxnState`.
[[nodiscard]] Result<void> check_open(const TopicPartition& partition, std::span<const PartitionProducer> now,
                                      const PartitionProducer& wanted);

/// The epoch that a marker is written with which no coordinator asked for.
[[nodiscard]] std::int32_t marker_epoch(const PartitionProducer& producer);

}  // namespace millrace
