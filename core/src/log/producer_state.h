#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "log/log_calls.h"
#include "record/record_batch.h"
#include "record/transaction_marker.h"

namespace millrace {

/// What the log remembers of idempotent and transactional producers: enough to see a retry, a gap and a zombie.
///
/// Threading: one thread at a time. Logic only: no file, no clock.
class ProducerState {
 public:
  /// What an append may do. `duplicate_of` is the base offset that the same batch got the first time.
  struct Verdict {
    std::optional<Offset> duplicate_of;
  };

  /// Whether a batch of data follows the producer's last. Errors: `kOutOfOrderSequenceNumber`,
  /// `kDuplicateSequenceNumber` (it repeats a batch that is no longer remembered), `kInvalidProducerEpoch`,
  /// `kInvalidTxnState` (it is of no transaction, or must not begin one here).
  [[nodiscard]] Result<Verdict> check(const RecordBatchView& batch, const AppendOptions& options = {}) const;

  /// Whether a marker may be written; true when it need not be, because it is there already. Errors:
  /// `kInvalidProducerEpoch`, `kTransactionCoordinatorFenced`.
  [[nodiscard]] Result<bool> has_marker(const RecordBatchView& marker, std::int8_t transaction_version) const;

  /// Leave to begin a transaction with this batch, once the coordinator has agreed; `kAlreadyOpen` when there is
  /// nothing to begin. A marker of the producer takes it back, but not from the transaction after the one that ends.
  [[nodiscard]] TransactionGuard begin_transaction(const RecordBatchView& batch, Timestamp now);

  /// A transaction that a marker has ended.
  struct Ended {
    ProducerId producer;
    Offset first;
    TransactionEnd end;
  };
  /// Takes note of a batch that is in the log with its final offset, checked or (in recovery) not.
  /// `transaction_version`: of a marker, by which rules its transaction ends.
  std::optional<Ended> update(const RecordBatchView& batch, std::int8_t transaction_version = 0);

  /// What is the last that is known of each producer; compaction must leave it in the log.
  struct LastRecord {
    /// The last offset of its last batch of data; none when only a marker is known.
    std::optional<Offset> data_offset;
    ProducerEpoch epoch;
  };
  using LastRecords = std::unordered_map<std::int64_t, LastRecord>;
  [[nodiscard]] LastRecords last_records() const;

  [[nodiscard]] std::vector<ActiveProducer> active() const;
  /// The transactions without an end: their producer and first offset, by that offset.
  [[nodiscard]] std::vector<std::pair<ProducerId, Offset>> open_transactions() const;
  /// Forgets producers whose last batch is older than `before` and that have no open transaction.
  void expire(Timestamp before);
  [[nodiscard]] std::size_t size() const { return producers_.size(); }
  void clear() {
    producers_.clear();
    beginnings_.clear();
  }

  /// Kafka's producer snapshot, version 1: of each producer the last batch. `decode` replaces what is there. Errors:
  /// `kMalformed`.
  [[nodiscard]] std::vector<std::byte> encode() const;
  [[nodiscard]] Result<void> decode(Bytes bytes);

 private:
  static constexpr std::size_t kRemembered = 5;
  struct Batch {
    std::int32_t first_sequence;
    std::int32_t last_sequence;
    std::int64_t last_offset;
    std::int32_t offset_delta;
  };
  struct Producer {
    std::int16_t epoch = -1;
    std::int32_t coordinator_epoch = -1;
    std::int64_t last_timestamp = -1;
    std::int64_t open_transaction = -1;
    /// Oldest first.
    std::array<Batch, kRemembered> batches{};
    std::size_t batch_count = 0;

    void add(Batch batch);
    [[nodiscard]] const Batch& last() const { return batches[batch_count - 1]; }
  };
  /// Who wants to begin a transaction, and with which sequence: later ones must not overtake it.
  struct Beginning {
    TransactionGuard guard;
    std::int16_t epoch = -1;
    std::int32_t lowest_sequence = 0;
    Timestamp asked;
  };
  [[nodiscard]] Result<void> check_beginning(const RecordBatchView& batch, TransactionGuard guard) const;
  std::optional<Ended> end_transaction(Producer& producer, const RecordBatchView& batch,
                                       std::int8_t transaction_version);

  std::unordered_map<std::int64_t, Producer> producers_;
  std::unordered_map<std::int64_t, Beginning> beginnings_;
  std::uint64_t last_guard_ = 0;
};

}  // namespace millrace
