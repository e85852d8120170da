#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "record/transaction_marker.h"

// What producers ask of a transaction coordinator and what they are told: no wire structs, no versions of the wire.

namespace millrace {

struct ProducerIdentity {
  ProducerId id = kNoProducerId;
  ProducerEpoch epoch = kNoProducerEpoch;
  friend bool operator==(const ProducerIdentity&, const ProducerIdentity&) = default;
};

/// The transactions that clients know (Kafka's feature `transaction.version`): from here on each transaction has an
/// epoch of its own, which its end gives the producer, and writing to a partition makes it a part (KIP-890).
inline constexpr std::int16_t kEpochPerTransaction = 2;
/// Before: a producer that adds partitions itself keeps its epoch from transaction to transaction.
inline constexpr std::int16_t kEpochKept = 1;

/// Names a call that waits; the transaction gives it back with the answer.
using TransactionRequestId = Strong<struct TransactionRequestIdTag, std::uint64_t>;

struct InitTransactions {
  std::chrono::milliseconds timeout{};
  /// Who asks again: what it believes it is.
  std::optional<ProducerIdentity> expected = std::nullopt;
};

struct AddToTransaction {
  ProducerIdentity producer;
  std::set<TopicPartition> partitions;
  std::int16_t version = 0;
};

struct EndTransaction {
  ProducerIdentity producer;
  TransactionEnd end = TransactionEnd::kAbort;
  std::int16_t version = 0;
};

/// What the producer goes on with, where the call gives it that.
struct TransactionAnswer {
  ErrorCode error = ErrorCode::kNone;
  ProducerIdentity producer;
};

/// As Kafka names and numbers them.
enum class TransactionState : std::int8_t {
  kEmpty = 0,
  kOngoing = 1,
  kPrepareCommit = 2,
  kPrepareAbort = 3,
  kCompleteCommit = 4,
  kCompleteAbort = 5,
  kDead = 6,
  kPrepareEpochFence = 7,
};
[[nodiscard]] std::string_view name_of(TransactionState state);
[[nodiscard]] std::optional<TransactionState> transaction_state_of(std::string_view name);

/// How the transaction of an id stands: what its record says, and what the last producer was told.
struct TransactionData {
  ProducerIdentity producer;
  /// Before the id was changed because its epochs were used up; and the next, while that is being done.
  ProducerId previous = kNoProducerId;
  ProducerId next = kNoProducerId;
  /// Of the producer's last successful call, so that its retry is known. Not stored.
  ProducerEpoch last_epoch = kNoProducerEpoch;
  std::chrono::milliseconds timeout{};
  TransactionState state = TransactionState::kEmpty;
  std::set<TopicPartition> partitions;
  Timestamp started = kNoTimestamp;
  Timestamp updated = kNoTimestamp;
  std::int16_t version = 0;
};

struct ListedTransaction {
  std::string id;
  ProducerId producer = kNoProducerId;
  TransactionState state = TransactionState::kEmpty;
  Timestamp started = kNoTimestamp;
};

struct DescribedTransaction {
  std::string id;
  TransactionData data;
};

using TransactionDone = std::move_only_function<void(TransactionAnswer)>;

}  // namespace millrace
