#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "coordinator/coordinator_time.h"
#include "coordinator/transaction_calls.h"
#include "protocol/transaction_records.h"

namespace millrace {

/// What a transaction wants to be done.
struct TransactionActions {
  /// Told at once, in this order.
  std::vector<std::pair<TransactionRequestId, TransactionAnswer>> answers;
  /// To be written down; then `stored`.
  std::optional<TransactionData> store;
  /// Partitions that want the marker of `markers_of`; `marked` when one has it.
  std::vector<TopicPartition> markers;
  /// A fresh producer id is needed; then `use_producer_id`.
  bool wants_producer_id = false;
};

/// The transactions of one transactional id, one after the other.
///
///               init                add               end, time-out, fence           marked everywhere
///     (new) -----------> Empty ------------> Ongoing ------------------> PrepareCommit ----------> CompleteCommit
///                          ^                  ^                          PrepareAbort              CompleteAbort
///                          | init             | add                                                    |
///                          +------------------+--------------------------------------------------------+
///
/// Each arrow is one record; it is taken once the record is durable, and who asked is told then (of an end: before its
/// markers are written). One change at a time: a call that comes meanwhile waits for a little, and is told
/// `kConcurrentTransactions` if that was not enough.
///
/// A producer that shows an epoch other than the current one is fenced. An init bumps the epoch; a time-out, and an
/// init while a transaction is open, bump it and abort. With `kEpochPerTransaction` every end bumps it too, and a
/// producer that repeats an end with the epoch before is told what it was told the first time.
///
/// Threading: one thread at a time. Logic only: no clock, no log.
class Transaction {
 public:
  explicit Transaction(std::string id) : id_(std::move(id)) {}
  static Transaction restore(std::string id, const protocol::TransactionLogValue& value, CoordinatorTime time);

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const TransactionData& data() const { return data_; }

  /// A producer begins to use the id. Errors: `kProducerFenced`, `kConcurrentTransactions`.
  [[nodiscard]] TransactionActions init(TransactionRequestId request, InitTransactions call, CoordinatorTime time);
  /// The transaction goes on in these partitions. Errors: `kInvalidProducerIdMapping`, `kProducerFenced`,
  /// `kConcurrentTransactions`.
  [[nodiscard]] TransactionActions add(TransactionRequestId request, AddToTransaction call, CoordinatorTime time);
  /// Errors: the same, and `kInvalidTxnState`.
  [[nodiscard]] TransactionActions end(TransactionRequestId request, EndTransaction call, CoordinatorTime time);
  /// Whether the partition is in the transaction that the producer has open. Errors: those of `add`;
  /// `kTransactionAbortable` when it is not.
  [[nodiscard]] ErrorCode verify(const ProducerIdentity& producer, const TopicPartition& partition) const;

  /// What was to be written is durable, or could not be written.
  [[nodiscard]] TransactionActions stored(ErrorCode error, CoordinatorTime time);
  /// The partition has its marker, or is gone.
  [[nodiscard]] TransactionActions marked(const TopicPartition& partition, CoordinatorTime time);
  [[nodiscard]] TransactionActions use_producer_id(const Result<ProducerId>& fresh, CoordinatorTime time);
  [[nodiscard]] TransactionActions on_timer(CoordinatorTime time);
  /// When `on_timer` next has something to do.
  [[nodiscard]] std::optional<TimePoint> next_timer() const;
  /// Answers whatever waits.
  [[nodiscard]] TransactionActions end_waits(ErrorCode error);

  /// After `restore`: the partitions whose markers may not have been written.
  [[nodiscard]] const std::set<TopicPartition>& unmarked() const { return unmarked_; }
  /// What the markers say. The coordinator's epoch is the caller's to add.
  [[nodiscard]] TransactionMarker marker() const;

  /// Nothing has happened for so long, and nothing is going on.
  [[nodiscard]] bool is_expired(Timestamp now, std::chrono::milliseconds after) const;
  [[nodiscard]] protocol::TransactionRecord record_of(const TransactionData& data) const;

 private:
  struct Waiting {
    TransactionRequestId request;
    std::variant<InitTransactions, AddToTransaction, EndTransaction> call;
    TimePoint until;
  };
  enum class Outcome : std::uint8_t { kDone, kWaits };
  using Actions = TransactionActions;

  Actions run(TransactionRequestId request, auto call, CoordinatorTime time);
  Outcome attempt(TransactionRequestId request, InitTransactions& call, CoordinatorTime time, Actions& actions);
  Outcome attempt(TransactionRequestId request, AddToTransaction& call, CoordinatorTime time, Actions& actions);
  Outcome attempt(TransactionRequestId request, EndTransaction& call, CoordinatorTime time, Actions& actions);
  /// Runs again what waits.
  void resume(CoordinatorTime time, Actions& actions);
  void change(TransactionData next, std::optional<TransactionRequestId> asker, Actions& actions);
  void prepare(const EndTransaction& call, TransactionRequestId request, CoordinatorTime time, Actions& actions);
  void fence(CoordinatorTime time, Actions& actions);
  void complete(CoordinatorTime time, Actions& actions);
  /// False when a fresh producer id has to come first.
  bool has_fresh_id(Actions& actions);
  void watch_time_out(CoordinatorTime time);
  [[nodiscard]] bool is_preparing() const {
    return data_.state == TransactionState::kPrepareCommit || data_.state == TransactionState::kPrepareAbort;
  }
  [[nodiscard]] bool is_exhausted() const;

  const std::string id_;
  TransactionData data_;
  // What is being written, and who is told then.
  std::optional<TransactionData> changing_;
  std::optional<TransactionRequestId> asker_;
  std::set<TopicPartition> unmarked_;
  ProducerId fresh_ = kNoProducerId;
  bool asked_for_id_ = false;
  std::deque<Waiting> waiting_;
  // When the open transaction is aborted, and when an end that could not be written is tried again.
  std::optional<TimePoint> times_out_;
  std::optional<TimePoint> retry_;
};

}  // namespace millrace
