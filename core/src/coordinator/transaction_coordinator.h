#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/coordinator_shards.h"
#include "coordinator/transaction_shard.h"

namespace millrace {

/// Which transactions are listed; an empty filter lets all pass.
struct TransactionFilter {
  std::vector<TransactionState> states;
  std::vector<ProducerId> producers;
  /// Open for longer than this.
  std::optional<std::chrono::milliseconds> longer_than;
  /// An expression of RE2 that the whole id matches.
  std::string id_pattern;
};

/// Transactions: what the transaction APIs mean. Each transactional id belongs to a shard; a shard has a partition of
/// `__transaction_state`, from which it is restored when the broker starts.
///
/// Threading: any thread may call any function; none waits, but on a shard's lock. `done` is called exactly once, on
/// any thread, inside the call or later; what is answered is durable.
///
/// Errors, of every call: `kNotCoordinator` (there is no `__transaction_state`: ask for the coordinator first),
/// `kCoordinatorLoadInProgress`, `kCoordinatorNotAvailable` (closed, or the log cannot be written), `kInvalidRequest`
/// for an empty id; and those of `Transaction`.
class TransactionCoordinator {
 public:
  /// `expiry_check`: how often ids that nobody uses are looked for.
  TransactionCoordinator(std::shared_ptr<TransactionContext> context, std::chrono::milliseconds expiry_check);
  ~TransactionCoordinator();

  /// Begins to read what was written before, if anything was; what was being ended is brought to its end.
  void start();
  /// Reads what could not be read before, as far as it can be now.
  void load_again();
  /// Answers whatever waits.
  void end_waits();
  /// Ends it, after its log was closed; idempotent.
  void close();

  /// `done` when this broker coordinates transactions: makes the topic when there is none.
  void ensure(CoordinatorLog::Done done);

  /// Also `kInvalidTransactionTimeout`.
  void init(const std::string& id, InitTransactions call, TransactionDone done);
  void add(const std::string& id, AddToTransaction call, TransactionDone done);
  void end(const std::string& id, EndTransaction call, TransactionDone done);
  [[nodiscard]] ErrorCode verify(const std::string& id, const ProducerIdentity& producer,
                                 const TopicPartition& partition);

  /// Without those of partitions that cannot be read, as if another broker led them. Also `kInvalidRegularExpression`.
  [[nodiscard]] Result<std::vector<ListedTransaction>> list(const TransactionFilter& filter);
  /// Also `kTransactionalIdNotFound`.
  [[nodiscard]] Result<DescribedTransaction> describe(const std::string& id);

 private:
  [[nodiscard]] Result<std::shared_ptr<TransactionShard>> shard_of(const std::string& id);

  const std::shared_ptr<TransactionContext> context_;
  const std::shared_ptr<CoordinatorShards<TransactionShard>> shards_;
};

}  // namespace millrace
