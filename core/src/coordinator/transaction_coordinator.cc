#include "coordinator/transaction_coordinator.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <utility>

namespace millrace {

TransactionCoordinator::TransactionCoordinator(std::shared_ptr<TransactionContext> context,
                                               std::chrono::milliseconds expiry_check)
    : context_(std::move(context)),
      shards_(std::make_shared<CoordinatorShards<TransactionShard>>(
          context_, expiry_check, [context = context_](PartitionIndex partition) {
            return std::make_shared<TransactionShard>(partition, context);
          })) {}

TransactionCoordinator::~TransactionCoordinator() { close(); }

void TransactionCoordinator::start() { shards_->open(); }

void TransactionCoordinator::load_again() { shards_->load_again(); }

void TransactionCoordinator::end_waits() { shards_->end_waits(); }

void TransactionCoordinator::close() { shards_->close(); }

void TransactionCoordinator::ensure(CoordinatorLog::Done done) { shards_->ensure(std::move(done)); }

Result<std::shared_ptr<TransactionShard>> TransactionCoordinator::shard_of(const std::string& id) {
  if (id.empty()) return fail(ErrorCode::kInvalidRequest, "a transactional id must not be empty");
  // Ids are spread over partitions as groups are.
  auto shard = shards_->of(id);
  if (!shard) {
    return fail(ErrorCode::kNotCoordinator,
                "there is no __transaction_state here; ask for the transaction's coordinator first");
  }
  return shard;
}

// --- calls -----------------------------------------------------------------------------------------------------------

void TransactionCoordinator::init(const std::string& id, InitTransactions call, TransactionDone done) {
  const auto shard = shard_of(id);
  if (!shard) return done({.error = shard.error().code(), .producer = {}});
  const bool is_possible = call.timeout.count() > 0 && call.timeout <= context_->transactions.max_timeout;
  if (!is_possible) return done({.error = ErrorCode::kInvalidTransactionTimeout, .producer = {}});
  (*shard)->init(id, call, std::move(done));
}

void TransactionCoordinator::add(const std::string& id, AddToTransaction call, TransactionDone done) {
  const auto shard = shard_of(id);
  if (!shard) return done({.error = shard.error().code(), .producer = {}});
  (*shard)->add(id, std::move(call), std::move(done));
}

void TransactionCoordinator::end(const std::string& id, EndTransaction call, TransactionDone done) {
  const auto shard = shard_of(id);
  if (!shard) return done({.error = shard.error().code(), .producer = {}});
  (*shard)->end(id, call, std::move(done));
}

ErrorCode TransactionCoordinator::verify(const std::string& id, const ProducerIdentity& producer,
                                         const TopicPartition& partition) {
  const auto shard = shard_of(id);
  return shard ? (*shard)->verify(id, producer, partition) : shard.error().code();
}

Result<std::vector<ListedTransaction>> TransactionCoordinator::list(const TransactionFilter& filter) {
  const RE2 pattern{filter.id_pattern, RE2::Quiet};
  if (!pattern.ok()) {
    return fail(ErrorCode::kInvalidRegularExpression,
                fmt::format("\"{}\" is no regular expression: {}", filter.id_pattern, pattern.error()));
  }
  const auto now = context_->clock.wall();
  const auto among = [](const auto& wanted, const auto& value) {
    return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
  };
  const auto wanted = [&](const ListedTransaction& one) {
    const bool is_open = one.started != kNoTimestamp;
    return one.state != TransactionState::kDead && among(filter.states, one.state) &&
           among(filter.producers, one.producer) &&
           (!filter.longer_than || (is_open && now - one.started > *filter.longer_than)) &&
           (filter.id_pattern.empty() || RE2::FullMatch(one.id, pattern));
  };
  std::vector<ListedTransaction> all;
  for (const auto& shard : shards_->all()) {
    const auto some = shard->list();
    if (!some && some.error().code() == ErrorCode::kNotCoordinator) continue;
    if (!some) return some;
    std::ranges::copy_if(*some, std::back_inserter(all), wanted);
  }
  std::ranges::sort(all, {}, &ListedTransaction::id);
  return all;
}

Result<DescribedTransaction> TransactionCoordinator::describe(const std::string& id) {
  MILLRACE_TRY(shard, shard_of(id));
  return shard->describe(id);
}

}  // namespace millrace
