#include "coordinator/transaction_coordinator.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "coordinator/group_coordinator.h"

namespace millrace {

/// Looks for ids that nobody uses from time to time.
///
/// Threading: any thread.
class TransactionCoordinator::ExpiryTimer : public std::enable_shared_from_this<ExpiryTimer> {
 public:
  ExpiryTimer(std::shared_ptr<TransactionContext> context, std::chrono::milliseconds interval)
      : context_(std::move(context)), interval_(interval) {}

  void watch(Shards shards) {
    {
      const std::lock_guard lock{mutex_};
      shards_ = std::move(shards);
    }
    schedule();
  }
  void stop() {
    Shards dropped;
    const std::lock_guard lock{mutex_};
    dropped.swap(shards_);
  }

 private:
  void schedule() {
    context_->deadlines->add(context_->clock.now() + interval_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->look();
    });
  }
  void look() {
    Shards shards;
    {
      const std::lock_guard lock{mutex_};
      shards = shards_;
    }
    if (shards.empty()) return;
    for (const auto& shard : shards) shard->expire();
    schedule();
  }

  const std::shared_ptr<TransactionContext> context_;
  const std::chrono::milliseconds interval_;
  std::mutex mutex_;
  Shards shards_;
};

TransactionCoordinator::TransactionCoordinator(std::shared_ptr<TransactionContext> context,
                                               std::chrono::milliseconds expiry_check)
    : context_(std::move(context)), expiry_(std::make_shared<ExpiryTimer>(context_, expiry_check)) {}

TransactionCoordinator::~TransactionCoordinator() { close(); }

void TransactionCoordinator::start() { open_shards(); }

void TransactionCoordinator::open_shards() {
  Shards made;
  {
    const std::unique_lock lock{mutex_};
    const auto count = context_->log->partition_count();
    if (closed_ || count == 0 || !shards_.empty()) return;
    for (std::int32_t i = 0; i < count; ++i) {
      shards_.push_back(std::make_shared<TransactionShard>(PartitionIndex{i}, context_));
    }
    made = shards_;
  }
  for (const auto& shard : made) shard->load();
  expiry_->watch(std::move(made));
}

TransactionCoordinator::Shards TransactionCoordinator::shards() {
  const std::shared_lock lock{mutex_};
  return shards_;
}

Result<std::shared_ptr<TransactionShard>> TransactionCoordinator::shard_of(const std::string& id) {
  if (id.empty()) return fail(ErrorCode::kInvalidRequest, "a transactional id must not be empty");
  const std::shared_lock lock{mutex_};
  if (shards_.empty()) {
    return fail(ErrorCode::kNotCoordinator,
                "there is no __transaction_state here; ask for the transaction's coordinator first");
  }
  // Ids are spread over partitions as groups are.
  const auto index = partition_of_group(id, static_cast<std::int32_t>(shards_.size()));
  return shards_[static_cast<std::size_t>(index.value())];
}

void TransactionCoordinator::end_waits() {
  for (const auto& shard : shards()) shard->end_waits();
}

void TransactionCoordinator::close() {
  expiry_->stop();
  {
    const std::unique_lock lock{mutex_};
    closed_ = true;
  }
  for (const auto& shard : shards()) shard->close();
}

void TransactionCoordinator::ensure(CoordinatorLog::Done done) {
  if (!shards().empty()) return done({});
  bool first = false;
  {
    const std::unique_lock lock{mutex_};
    first = ensuring_.empty();
    ensuring_.push_back(std::move(done));
  }
  // When the topic was made just now, this finds it and does no more.
  if (first) context_->log->create([this](const Result<void>& result) { ensured(result); });
}

void TransactionCoordinator::ensured(const Result<void>& result) {
  if (result) open_shards();
  std::vector<CoordinatorLog::Done> waiting;
  {
    const std::unique_lock lock{mutex_};
    waiting.swap(ensuring_);
  }
  for (auto& done : waiting) done(result);
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
  for (const auto& shard : shards()) {
    MILLRACE_TRY(some, shard->list());
    std::ranges::copy_if(some, std::back_inserter(all), wanted);
  }
  std::ranges::sort(all, {}, &ListedTransaction::id);
  return all;
}

Result<DescribedTransaction> TransactionCoordinator::describe(const std::string& id) {
  MILLRACE_TRY(shard, shard_of(id));
  return shard->describe(id);
}

}  // namespace millrace
