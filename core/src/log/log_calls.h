#pragma once

#include <cstdint>
#include <optional>

#include "base/strong.h"
#include "base/types.h"

// What is told to a partition's log with a batch, and what it tells of those who write.

namespace millrace {

/// Names the leave to begin a producer's transaction in a partition.
using TransactionGuard = Strong<struct TransactionGuardTag, std::uint64_t>;
/// The transaction was begun here before: the batch must find it open.
inline constexpr TransactionGuard kAlreadyOpen{0};

/// Who writes: a coordinator's batches have no sequence numbers.
enum class AppendOrigin : std::uint8_t { kClient, kCoordinator };

struct AppendOptions {
  AppendOrigin origin = AppendOrigin::kClient;
  /// With a batch of a transaction: the leave to write it. None: the caller knows that the transaction is open.
  std::optional<TransactionGuard> guard = std::nullopt;
  /// With a marker: which rules its transaction followed. From 2 on every transaction has an epoch of its own.
  std::int8_t transaction_version = 0;
};

/// An idempotent or transactional producer as a partition knows it.
struct ActiveProducer {
  ProducerId id = kNoProducerId;
  ProducerEpoch epoch = kNoProducerEpoch;
  std::int32_t last_sequence = -1;
  Timestamp last_timestamp = kNoTimestamp;
  /// -1: no marker of it is known.
  std::int32_t coordinator_epoch = -1;
  Offset open_transaction = kNoOffset;
};

}  // namespace millrace
