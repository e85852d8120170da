#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "coordinator/coordinator_shard.h"
#include "coordinator/transaction.h"

namespace millrace {

/// Where transactions write: the partitions of topics, and those of `__consumer_offsets`. The broker implements it.
///
/// Threading: any thread may call any function.
class TransactionPartitions {
 public:
  using Done = std::move_only_function<void(Result<void>)>;

  virtual ~TransactionPartitions() = default;
  /// `done`, on any thread, also inside the call, when the marker is durable. Errors: `kUnknownTopicOrPartition`: there
  /// is no such partition any more.
  virtual void write_marker(const TopicPartition& partition, const TransactionMarker& marker,
                            std::int16_t transaction_version, Done done) = 0;
};

/// The broker's `transaction*` keys.
struct TransactionConfig {
  std::chrono::milliseconds max_timeout = std::chrono::minutes{15};
  std::chrono::milliseconds expiration = std::chrono::hours{24 * 7};
};

/// What the shards of a coordinator stand on.
struct TransactionContext : CoordinatorContext {
  using IdDone = std::move_only_function<void(Result<ProducerId>)>;

  std::shared_ptr<TransactionPartitions> partitions;
  /// Gives an id that nobody has had.
  std::function<void(IdDone)> next_producer_id;
  TransactionConfig transactions;
};

/// The transactions of one partition of `__transaction_state`, and the log that they are restored from.
///
/// A change is appended while the lock is held, so the log has the order in which things happened; it counts, and is
/// told, when it is durable. What was being ended when the broker died is brought to its end after it has loaded.
///
/// Threading: any thread may call any function; `done` is called exactly once, with no lock held, on any thread.
class TransactionShard final : public CoordinatorShard {
 public:
  TransactionShard(PartitionIndex partition, std::shared_ptr<TransactionContext> context);

  /// As of `Transaction`; all but `init` answer `kInvalidProducerIdMapping` for an id that is not known.
  void init(const std::string& id, InitTransactions call, TransactionDone done);
  void add(const std::string& id, AddToTransaction call, TransactionDone done);
  void end(const std::string& id, EndTransaction call, TransactionDone done);
  [[nodiscard]] ErrorCode verify(const std::string& id, const ProducerIdentity& producer,
                                 const TopicPartition& partition);

  [[nodiscard]] Result<std::vector<ListedTransaction>> list();
  /// Errors: `kTransactionalIdNotFound`.
  [[nodiscard]] Result<DescribedTransaction> describe(const std::string& id);

  /// Forgets ids that nobody has used for `transactional.id.expiration.ms`.
  void expire() override;

 private:
  enum class Make : std::uint8_t { kNo, kYes };
  struct Entry {
    Transaction transaction;
    /// The timer that will look at it.
    std::optional<TimePoint> armed;
    bool marker_failed = false;
  };
  using Event = std::move_only_function<TransactionActions(Transaction&, TransactionRequestId, CoordinatorTime)>;

  [[nodiscard]] Result<Offset> replay(Bytes batches) override;
  void restart_replay() override { found_.clear(); }
  void loaded(Outbox& out) override;
  void answer_waiting(Outbox& out) override;
  [[nodiscard]] ErrorCode told(const Error& error) const override;
  void wake(const std::string& id, TimePoint when, Outbox& out) override;

  void call(const std::string& id, Make make, TransactionDone done, Event event);
  /// Lets something happen to a transaction, if it is still there.
  void happens(const std::string& id, std::move_only_function<TransactionActions(Transaction&, CoordinatorTime)> event);

  // All of these with the mutex held.
  [[nodiscard]] Entry* find(const std::string& id);
  void perform(Entry& entry, TransactionActions actions, Outbox& out);
  void persist(const protocol::TransactionRecord& record, Then then, Outbox& out);
  [[nodiscard]] Result<Offset> write(const protocol::TransactionRecord& record);
  void write_marker(Entry& entry, const TopicPartition& partition, Outbox& out);

  void marker_written(const std::string& id, const TopicPartition& partition, const Result<void>& result);
  [[nodiscard]] std::shared_ptr<TransactionShard> shared() {
    return std::static_pointer_cast<TransactionShard>(shared_from_this());
  }

  const std::shared_ptr<TransactionContext> context_;
  /// What is read, until all is.
  std::unordered_map<std::string, protocol::TransactionLogValue> found_;

  std::uint64_t last_request_ = 0;
  std::unordered_map<std::string, Entry> transactions_;
  std::unordered_map<TransactionRequestId, TransactionDone> waiting_;
};

}  // namespace millrace
