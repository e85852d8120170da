#include <fmt/format.h>

#include <algorithm>

#include "base/deadline.h"
#include "broker/coordinator_topic.h"
#include "client/embedded/producer_core.h"
#include "client/embedded/wait_for.h"

// A producer's transactions, over the coordinator of this process. Partitions become parts of a transaction by calls of
// their own, several at once, before anything is written to them: a call that adds is a record of the coordinator's
// that has to become durable, and adding each partition by its first batch would make these wait for one another.

namespace millrace {
namespace {

using std::chrono::milliseconds;

// Before something that passes by itself is asked again.
constexpr milliseconds kCoordinatorBackoff{20};

}  // namespace

TransactionPhase ProducerCore::transaction_phase() const {
  const Lock lock{mutex_};
  return steps_.phase();
}

bool ProducerCore::pause(Lock& lock, TimePoint until) {
  const auto now = std::chrono::steady_clock::now();
  if (now >= until) return false;
  changed_.wait_until(lock, std::min(until, now + kCoordinatorBackoff), [&] { return closed_; });
  return true;
}

Result<void> ProducerCore::init_transactions(Duration timeout) {
  const TransactionTurn turn{transaction_call_};
  MILLRACE_CHECK(turn.check());
  const auto until = deadline_in(timeout);
  Lock lock{mutex_};
  if (closed_) return closed_producer();
  MILLRACE_CHECK(steps_.may_init());
  const auto what = fmt::format("init_transactions of \"{}\"", steps_.id());
  for (;;) {
    lock.unlock();
    auto& transactions = context_.broker->transactions();
    MILLRACE_TRY(found, wait_for<Result<void>>(what, left_until(until),
                                               [&](auto done) { transactions.ensure(std::move(done)); }));
    if (!found) return std::unexpected(Error{found.error()}.in(what));
    const auto answer = wait_for<TransactionAnswer>(what, left_until(until), [&](auto done) {
      transactions.init(steps_.id(), {.timeout = settings_.transaction_timeout}, std::move(done));
    });
    lock.lock();
    if (!answer) return std::unexpected(answer.error());
    if (answer->error == ErrorCode::kNone) {
      identity_ = answer->producer;
      steps_.done();
      return {};
    }
    if (transaction_passes(answer->error) && pause(lock, until)) continue;
    auto error = transaction_error("begin the transactions", steps_.id(), answer->error);
    steps_.failed(error);
    return std::unexpected(std::move(error));
  }
}

Result<void> ProducerCore::begin_transaction() {
  const TransactionTurn turn{transaction_call_};
  MILLRACE_CHECK(turn.check());
  const Lock lock{mutex_};
  if (closed_) return closed_producer();
  return steps_.begin();
}

// --- parts -----------------------------------------------------------------------------------------------------------

bool ProducerCore::is_part(ProducerPartition& partition) {
  if (!settings_.is_transactional() || partition.is_part || partition.failed) return true;
  if (!asked_.contains(&partition)) wanted_.insert(&partition);
  return false;
}

void ProducerCore::ask_for_parts(Lock& lock) {
  if (is_asking_ || wanted_.empty() || is_detached_) return;
  asked_ = std::exchange(wanted_, {});
  is_asking_ = true;
  has_parts_ = true;
  if (!ask_until_) ask_until_ = context_.clock.now() + settings_.delivery_timeout;
  AddToTransaction call{.producer = *identity_, .partitions = {}, .version = kEpochPerTransaction};
  for (const auto* partition : asked_) call.partitions.insert(partition->name);
  ++outside_;
  lock.unlock();
  context_.broker->transactions().add(
      settings_.transactional_id, std::move(call),
      [self = shared_from_this()](const TransactionAnswer& answer) { self->got_parts(answer.error); });
  lock.lock();
  --outside_;
  changed_.notify_all();
}

void ProducerCore::got_parts(ErrorCode code) {
  Lock lock{mutex_};
  is_asking_ = false;
  const auto asked = std::exchange(asked_, {});
  changed_.notify_all();
  if (is_detached_) return;
  const bool is_wanted = steps_.phase() != TransactionPhase::kAborting;
  if (is_wanted && transaction_passes(code) && context_.clock.now() < *ask_until_) {
    wanted_.insert(asked.begin(), asked.end());
    timers_->add(context_.clock.now() + kCoordinatorBackoff, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      Lock again{self->mutex_};
      self->ask_for_parts(again);
    });
    return;
  }
  ask_until_.reset();
  const auto refused = transaction_error("go on with the transaction", steps_.id(), code);
  if (code != ErrorCode::kNone) steps_.failed(refused);
  for (auto* partition : asked) {
    if (code == ErrorCode::kNone) {
      partition->is_part = true;
    } else if (!partition->failed) {
      partition->failed = refused;
    }
    drain_soon(*partition);
  }
  ask_for_parts(lock);
}

// --- offsets ---------------------------------------------------------------------------------------------------------

Result<void> ProducerCore::send_offsets(std::span<const PartitionOffset> offsets, const GroupMetadata& group,
                                        Duration timeout) {
  const TransactionTurn turn{transaction_call_};
  MILLRACE_CHECK(turn.check());
  const auto until = deadline_in(timeout);
  Lock lock{mutex_};
  if (closed_) return closed_producer();
  MILLRACE_CHECK(steps_.may_send_offsets());
  MILLRACE_CHECK(check_group_metadata(group));
  if (offsets.empty()) return {};
  CommitOffsets call{.group = group.group,
                     .member = {.id = group.member, .instance = group.instance},
                     .generation = group.generation,
                     .offsets = {},
                     .transaction = OffsetsTransaction{.producer = *identity_}};
  for (const auto& offset : offsets) {
    call.offsets.push_back({.topic = {.name = offset.partition.topic},
                            .partition = offset.partition.partition,
                            .offset = offset.offset,
                            .leader_epoch = offset.leader_epoch,
                            .metadata = offset.metadata});
  }
  has_parts_ = true;
  const auto what = fmt::format("send_offsets of group \"{}\" in a transaction of \"{}\"", group.group, steps_.id());
  for (;;) {
    lock.unlock();
    const auto code = commit_offsets(call, what, until);
    lock.lock();
    if (!code) return std::unexpected(code.error());
    if (*code == ErrorCode::kNone) return {};
    if (transaction_passes(*code) && pause(lock, until)) continue;
    auto error = transaction_error("send offsets within the transaction", steps_.id(), *code);
    if (!transaction_passes(*code)) steps_.failed(error);
    return std::unexpected(std::move(error));
  }
}

Result<ErrorCode> ProducerCore::commit_offsets(const CommitOffsets& call, const std::string& what, TimePoint until) {
  auto& groups = context_.broker->groups();
  MILLRACE_TRY(found,
               wait_for<Result<void>>(what, left_until(until), [&](auto done) { groups.ensure(std::move(done)); }));
  if (!found) return std::unexpected(Error{found.error()}.in(what));
  MILLRACE_TRY(partition, groups.partition_of(call.group));
  // First, as for batches: it waits for the markers of the transaction before, which would end what is begun here.
  AddToTransaction add{.producer = call.transaction->producer, .partitions = {}, .version = kEpochPerTransaction};
  add.partitions.emplace(std::string{kConsumerOffsetsTopic}, partition);
  MILLRACE_TRY(added, wait_for<TransactionAnswer>(what, left_until(until), [&](auto done) {
                 context_.broker->transactions().add(steps_.id(), add, std::move(done));
               }));
  if (added.error != ErrorCode::kNone) return added.error;
  MILLRACE_TRY(codes, wait_for<std::vector<ErrorCode>>(what, left_until(until), [&](auto done) {
                 context_.broker->commit_offsets_in_transaction(steps_.id(), call, TransactionSupport::kVerifyOrAbort,
                                                                std::move(done));
               }));
  const auto refused = std::ranges::find_if(codes, [](ErrorCode code) { return code != ErrorCode::kNone; });
  return refused == codes.end() ? ErrorCode::kNone : *refused;
}

// --- the end ---------------------------------------------------------------------------------------------------------

Result<void> ProducerCore::end_transaction(TransactionEnd end, Duration timeout) {
  const TransactionTurn turn{transaction_call_};
  MILLRACE_CHECK(turn.check());
  const auto until = deadline_in(timeout);
  Lock lock{mutex_};
  if (closed_) return closed_producer();
  const auto may_end = [&] { return end == TransactionEnd::kCommit ? steps_.commit() : steps_.abort(); };
  MILLRACE_CHECK(may_end());
  if (end == TransactionEnd::kAbort) drop_unwritten();
  seal_all();
  // A batch may be reported before whoever wrote it has counted its sequences.
  const auto is_settled = [&] { return unreported_.empty() && !is_asking_ && outside_ == 0; };
  if (!changed_.wait_until(lock, until, is_settled)) {
    return fail(
        ErrorCode::kTimedOut,
        fmt::format("cannot end the transaction of \"{}\" yet: not all batches are reported in time", steps_.id()));
  }
  // What became of the batches may have decided otherwise.
  MILLRACE_CHECK(may_end());
  if (has_parts_) MILLRACE_CHECK(tell_end(lock, end, until));
  forget_transaction();
  steps_.done();
  return {};
}

Result<void> ProducerCore::tell_end(Lock& lock, TransactionEnd end, TimePoint until) {
  const bool is_commit = end == TransactionEnd::kCommit;
  const auto* const doing = is_commit ? "commit the transaction" : "abort the transaction";
  const EndTransaction call{.producer = *identity_, .end = end, .version = kEpochPerTransaction};
  for (;;) {
    lock.unlock();
    const auto answer = wait_for<TransactionAnswer>(
        fmt::format("cannot {} of \"{}\"", doing, steps_.id()), left_until(until),
        [&](auto done) { context_.broker->transactions().end(steps_.id(), call, std::move(done)); });
    lock.lock();
    if (!answer) return std::unexpected(answer.error());
    if (answer->error == ErrorCode::kNone) {
      identity_ = answer->producer;
      return {};
    }
    auto error = transaction_error(doing, steps_.id(), answer->error);
    if (transaction_passes(answer->error)) {
      if (pause(lock, until)) continue;
    } else if (answer->error == ErrorCode::kTransactionAbortable && is_commit) {
      steps_.must_abort(error);
    } else if (answer->error != ErrorCode::kCoordinatorNotAvailable) {
      steps_.fatal(error);
    }
    return std::unexpected(std::move(error));
  }
}

void ProducerCore::drop_unwritten() {
  wanted_.clear();
  for (auto& [name, topic] : topics_) {
    for (auto& partition : topic->partitions) {
      if (!partition.failed) partition.failed = dropped_by_abort();
      if (!partition.sealed.empty()) drain_soon(partition);
    }
  }
}

void ProducerCore::forget_transaction() {
  // The end has given the producer its next epoch, whose sequences begin anew.
  for (auto& [name, topic] : topics_) {
    for (auto& partition : topic->partitions) {
      partition.failed.reset();
      partition.is_part = false;
      if (has_parts_) partition.next_sequence = 0;
    }
  }
  first_error_.reset();
  ask_until_.reset();
  has_parts_ = false;
}

}  // namespace millrace
