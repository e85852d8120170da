#include <fmt/format.h>

#include <utility>

#include "client/kafka/kafka_producer.h"

// Transactions are librdkafka's. Ours asks first whether a call's turn has come, so that misuse is told in the same
// words over every client, and reads out of each answer what is possible next.

namespace millrace {
namespace {

/// What is said in our words, which are the same over every client.
bool has_words(ErrorCode code, bool is_fatal) {
  switch (code) {
    case ErrorCode::kIllegalGeneration:
    case ErrorCode::kUnknownMemberId:
    case ErrorCode::kFencedInstanceId:
      return true;
    // An epoch that is refused and not fatal librdkafka mends by itself, with the abort.
    case ErrorCode::kProducerFenced:
    case ErrorCode::kInvalidProducerEpoch:
    case ErrorCode::kInvalidTransactionTimeout:
      return is_fatal;
    default:
      return false;
  }
}

}  // namespace

TransactionPhase KafkaProducer::transaction_phase() const {
  const std::lock_guard lock{mutex_};
  return steps_.phase();
}

Result<void> KafkaProducer::take_answer(const char* doing, RdError error, Otherwise otherwise) {
  if (!error) return {};
  auto theirs = rd_kafka_error_code(error.get());
  std::string words = rd_kafka_error_string(error.get());
  const bool is_fatal = rd_kafka_error_is_fatal(error.get()) != 0 || theirs == RD_KAFKA_RESP_ERR__FATAL;
  if (is_fatal) {
    char why[512];
    const auto first = rd_kafka_fatal_error(handle_.get(), why, sizeof why);
    if (first != RD_KAFKA_RESP_ERR_NO_ERROR) {
      theirs = first;
      words = why;
    }
  }
  const auto code = code_of(theirs);
  auto told = has_words(code, is_fatal)
                  ? transaction_error(doing, steps_.id(), code)
                  : Error{code, fmt::format("cannot {} of \"{}\": {}", doing, steps_.id(), words)};
  const std::lock_guard lock{mutex_};
  if (is_fatal) {
    steps_.fatal(told);
  } else if (rd_kafka_error_txn_requires_abort(error.get()) != 0) {
    steps_.must_abort(told);
  } else if (rd_kafka_error_is_retriable(error.get()) == 0 && otherwise == Otherwise::kFatal) {
    steps_.fatal(told);
  }
  return std::unexpected(std::move(told));
}

Result<void> KafkaProducer::refused_record(RdError error) {
  const auto code = rd_kafka_error_code(error.get());
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    return take_answer("send within the transaction", std::move(error), Otherwise::kFatal);
  }
  auto refused = rd_result("cannot send within the transaction", std::move(error));
  if (code != RD_KAFKA_RESP_ERR__STATE) return refused;
  const std::lock_guard lock{mutex_};
  if (steps_.takes_records()) {
    steps_.must_abort(first_error_.value_or(Error{ErrorCode::kTransactionAbortable, "the transaction has failed"}));
  }
  return steps_.may_send();
}

Result<void> KafkaProducer::init_transactions(Duration timeout) {
  const TransactionTurn turn{transaction_call_};
  MILLRACE_CHECK(turn.check());
  {
    const std::lock_guard lock{mutex_};
    if (closed_) return closed_producer();
    MILLRACE_CHECK(steps_.may_init());
  }
  MILLRACE_CHECK(take_answer("begin the transactions",
                             RdError{rd_kafka_init_transactions(handle_.get(), rd_timeout(timeout))},
                             Otherwise::kAsBefore));
  const std::lock_guard lock{mutex_};
  steps_.done();
  return {};
}

Result<void> KafkaProducer::begin_transaction() {
  const TransactionTurn turn{transaction_call_};
  MILLRACE_CHECK(turn.check());
  std::unique_lock lock{mutex_};
  if (closed_) return closed_producer();
  auto after = steps_;
  MILLRACE_CHECK(after.begin());
  // It only asks its own thread.
  lock.unlock();
  MILLRACE_CHECK(
      take_answer("begin a transaction", RdError{rd_kafka_begin_transaction(handle_.get())}, Otherwise::kFatal));
  lock.lock();
  return steps_.begin();
}

Result<void> KafkaProducer::send_offsets(std::span<const PartitionOffset> offsets, const GroupMetadata& group,
                                         Duration timeout) {
  const TransactionTurn turn{transaction_call_};
  MILLRACE_CHECK(turn.check());
  {
    const std::lock_guard lock{mutex_};
    if (closed_) return closed_producer();
    MILLRACE_CHECK(steps_.may_send_offsets());
  }
  MILLRACE_CHECK(check_group_metadata(group));
  if (offsets.empty()) return {};
  return take_answer("send offsets within the transaction",
                     RdError{rd_kafka_send_offsets_to_transaction(handle_.get(), to_list(offsets).get(),
                                                                  to_rd(group).get(), rd_timeout(timeout))},
                     Otherwise::kAsBefore);
}

Result<void> KafkaProducer::commit_transaction(Duration timeout) {
  const TransactionTurn turn{transaction_call_};
  MILLRACE_CHECK(turn.check());
  {
    const std::lock_guard lock{mutex_};
    if (closed_) return closed_producer();
    MILLRACE_CHECK(steps_.commit());
  }
  MILLRACE_CHECK(take_answer("commit the transaction",
                             RdError{rd_kafka_commit_transaction(handle_.get(), rd_timeout(timeout))},
                             Otherwise::kFatal));
  const std::lock_guard lock{mutex_};
  steps_.done();
  return {};
}

Result<void> KafkaProducer::abort_transaction(Duration timeout) {
  const TransactionTurn turn{transaction_call_};
  MILLRACE_CHECK(turn.check());
  {
    const std::lock_guard lock{mutex_};
    if (closed_) return closed_producer();
    MILLRACE_CHECK(steps_.abort());
  }
  MILLRACE_CHECK(take_answer("abort the transaction",
                             RdError{rd_kafka_abort_transaction(handle_.get(), rd_timeout(timeout))},
                             Otherwise::kFatal));
  const std::lock_guard lock{mutex_};
  // What failed went with the transaction.
  first_error_.reset();
  failed_.clear();
  steps_.done();
  return {};
}

}  // namespace millrace
