#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "base/result.h"
#include "millrace/client.h"

namespace millrace {

/// Which call of a transaction may come next, over every client: the picture at `Producer`. A call is asked for before
/// it is made, and what became of it is told.
///
/// Threading: one thread at a time. Logic only.
class TransactionSteps {
 public:
  /// `id`: the `transactional.id`, empty for a producer without transactions.
  explicit TransactionSteps(std::string id);

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] TransactionPhase phase() const { return phase_; }
  [[nodiscard]] bool is_transactional() const { return phase_ != TransactionPhase::kNone; }
  /// Whether `may_send` has nothing against it, for every record.
  [[nodiscard]] bool takes_records() const {
    return phase_ == TransactionPhase::kOpen || phase_ == TransactionPhase::kNone;
  }

  // Whether the call may be made now; where it leads to another phase, that one. Errors: `kInvalidTxnState` out of
  // turn; why the transaction has to be aborted; why the producer cannot go on.
  [[nodiscard]] Result<void> may_init() const;
  [[nodiscard]] Result<void> begin();
  [[nodiscard]] Result<void> may_send() const;
  [[nodiscard]] Result<void> may_send_offsets() const;
  [[nodiscard]] Result<void> commit();
  [[nodiscard]] Result<void> abort();

  /// An init, a commit or an abort is done.
  void done() { phase_ = TransactionPhase::kReady; }
  /// The open transaction cannot be committed any more; nothing in other phases.
  void must_abort(const Error& why);
  /// The producer cannot go on.
  void fatal(const Error& why);
  /// One of the two, by what a broker's code means.
  void failed(const Error& why);

  /// Whether the transaction that is open would be left behind by an end of the producer.
  [[nodiscard]] bool has_to_abort() const;

 private:
  [[nodiscard]] Result<void> out_of_turn(const char* call) const;

  const std::string id_;
  TransactionPhase phase_;
  std::optional<Error> reason_;
};

/// Keeps the calls of transactions from being made by two threads at once.
class TransactionTurn {
 public:
  explicit TransactionTurn(std::atomic<bool>& taken) : taken_(taken), is_mine_(!taken.exchange(true)) {}
  ~TransactionTurn() {
    if (is_mine_) taken_ = false;
  }
  TransactionTurn(const TransactionTurn&) = delete;
  TransactionTurn& operator=(const TransactionTurn&) = delete;

  /// Errors: `kInvalidTxnState`.
  [[nodiscard]] Result<void> check() const;

 private:
  std::atomic<bool>& taken_;
  const bool is_mine_;
};

// What every client says of the same.

/// Of a record that an abort has overtaken.
[[nodiscard]] Error dropped_by_abort();
[[nodiscard]] std::unexpected<Error> closed_producer();
/// Errors: `kInvalidGroupId`.
[[nodiscard]] Result<void> check_group_metadata(const GroupMetadata& group);
/// A broker's answer to `doing` ("commit the transaction"), with what is to be done where that is known; what says that
/// the producer is fenced becomes `kProducerFenced`.
[[nodiscard]] Error transaction_error(const char* doing, const std::string& id, ErrorCode code);
/// Whether the same question has another answer soon.
[[nodiscard]] bool transaction_passes(ErrorCode code);

}  // namespace millrace
