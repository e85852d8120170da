#include "client/transaction_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace millrace {
namespace {

/// Where the producer is and what to do, by phase: the end of "cannot begin a transaction: ...".
constexpr std::array<const char*, 8> kWherePhase = {
    "the producer has no transactional.id",
    "call init_transactions first",
    "no transaction is open; begin_transaction opens one",
    "a transaction is open; commit or abort it first",
    "the transaction is being committed; call commit_transaction again",
    "the transaction has failed; abort it",
    "the transaction is being aborted; call abort_transaction again",
    "the producer cannot go on; close it",
};

/// After these no call of the producer can succeed.
constexpr std::array kFatalCodes = {ErrorCode::kProducerFenced, ErrorCode::kInvalidProducerEpoch,
                                    ErrorCode::kInvalidProducerIdMapping, ErrorCode::kInvalidTransactionTimeout,
                                    ErrorCode::kTransactionalIdAuthorizationFailed};

}  // namespace

TransactionSteps::TransactionSteps(std::string id)
    : id_(std::move(id)), phase_(id_.empty() ? TransactionPhase::kNone : TransactionPhase::kNew) {}

Result<void> TransactionSteps::out_of_turn(const char* call) const {
  if (phase_ == TransactionPhase::kMustAbort || phase_ == TransactionPhase::kFatal) {
    const auto* const next = phase_ == TransactionPhase::kFatal ? "close this producer" : "call abort_transaction";
    return fail(reason_->code(), fmt::format("{}: {}; {}", call, reason_->message(), next));
  }
  return fail(ErrorCode::kInvalidTxnState,
              fmt::format("{}: {}", call, kWherePhase.at(static_cast<std::size_t>(phase_))));
}

Result<void> TransactionSteps::may_init() const {
  if (phase_ == TransactionPhase::kNew) return {};
  if (phase_ == TransactionPhase::kReady) {
    return fail(ErrorCode::kInvalidTxnState, "init_transactions: it was called already");
  }
  return out_of_turn("init_transactions");
}

Result<void> TransactionSteps::begin() {
  if (phase_ != TransactionPhase::kReady) return out_of_turn("begin_transaction");
  phase_ = TransactionPhase::kOpen;
  reason_.reset();
  return {};
}

Result<void> TransactionSteps::may_send() const {
  if (takes_records()) return {};
  return out_of_turn("send");
}

Result<void> TransactionSteps::may_send_offsets() const {
  if (phase_ == TransactionPhase::kOpen) return {};
  return out_of_turn("send_offsets");
}

Result<void> TransactionSteps::commit() {
  if (phase_ != TransactionPhase::kOpen && phase_ != TransactionPhase::kCommitting) {
    return out_of_turn("commit_transaction");
  }
  phase_ = TransactionPhase::kCommitting;
  return {};
}

Result<void> TransactionSteps::abort() {
  if (!has_to_abort()) return out_of_turn("abort_transaction");
  phase_ = TransactionPhase::kAborting;
  return {};
}

bool TransactionSteps::has_to_abort() const {
  return phase_ == TransactionPhase::kOpen || phase_ == TransactionPhase::kMustAbort ||
         phase_ == TransactionPhase::kAborting;
}

void TransactionSteps::must_abort(const Error& why) {
  if (phase_ != TransactionPhase::kOpen && phase_ != TransactionPhase::kCommitting) return;
  phase_ = TransactionPhase::kMustAbort;
  reason_ = why;
}

void TransactionSteps::fatal(const Error& why) {
  if (phase_ == TransactionPhase::kFatal) return;
  phase_ = TransactionPhase::kFatal;
  // Partitions and coordinators have two words for the same.
  const bool is_fenced = why.code() == ErrorCode::kInvalidProducerEpoch;
  reason_ = Error{is_fenced ? ErrorCode::kProducerFenced : why.code(), why.message()};
}

void TransactionSteps::failed(const Error& why) {
  if (std::ranges::find(kFatalCodes, why.code()) != kFatalCodes.end()) return fatal(why);
  must_abort(why);
}

Result<void> TransactionTurn::check() const {
  if (is_mine_) return {};
  return fail(ErrorCode::kInvalidTxnState, "another thread is in a call of this producer's transactions");
}

Error dropped_by_abort() {
  return {ErrorCode::kTransactionAbortable, "the record was not written: its transaction was aborted"};
}

std::unexpected<Error> closed_producer() { return fail(ErrorCode::kClosed, "the producer is closed"); }

Result<void> check_group_metadata(const GroupMetadata& group) {
  if (!group.group.empty()) return {};
  return fail(ErrorCode::kInvalidGroupId, "send_offsets: the group has no name; take Consumer::group_metadata()");
}

Error transaction_error(const char* doing, const std::string& id, ErrorCode code) {
  const auto what = fmt::format("cannot {} of \"{}\"", doing, id);
  switch (code) {
    case ErrorCode::kProducerFenced:
    case ErrorCode::kInvalidProducerEpoch:
      return {
          ErrorCode::kProducerFenced,
          fmt::format("{}: another producer has taken this transactional.id, or the transaction was open for longer "
                      "than transaction.timeout.ms",
                      what)};
    case ErrorCode::kInvalidTransactionTimeout:
      return {code,
              fmt::format("{}: transaction.timeout.ms is more than the broker's transaction.max.timeout.ms", what)};
    case ErrorCode::kIllegalGeneration:
    case ErrorCode::kUnknownMemberId:
    case ErrorCode::kFencedInstanceId:
      return {code, fmt::format("{}: the consumer is not in its group any more, and its partitions may be somebody "
                                "else's ({})",
                                what, name_of(code))};
    default:
      return {code, fmt::format("{}: {}", what, name_of(code))};
  }
}

bool transaction_passes(ErrorCode code) {
  return code == ErrorCode::kConcurrentTransactions || code == ErrorCode::kCoordinatorLoadInProgress;
}

}  // namespace millrace
