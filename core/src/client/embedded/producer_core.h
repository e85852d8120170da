#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>

#include "base/deadline_queue.h"
#include "client/embedded/embedded_client.h"
#include "client/embedded/producer_batches.h"
#include "client/transaction_steps.h"

namespace millrace {

/// A producer's properties, read once.
struct ProducerSettings {
  explicit ProducerSettings(const Properties& properties);
  [[nodiscard]] bool is_transactional() const { return !transactional_id.empty(); }

  std::int16_t acks;
  bool idempotent;
  std::size_t batch_bytes;
  Duration linger;
  BatchAttributes attributes;
  std::size_t buffer_bytes;
  Duration max_block;
  std::size_t max_record_bytes;
  std::size_t max_in_flight;
  Duration delivery_timeout;
  bool round_robin;
  /// Empty for a producer without transactions.
  std::string transactional_id;
  std::chrono::milliseconds transaction_timeout;
};

/// Puts records into batches and hands those to the broker, on the executor's threads.
///
/// Threading: any thread. One mutex guards all; it is not held while a batch is packed, written or reported.
/// Callbacks of the broker keep this object but not the broker, so that none of its own threads is ever the one to end
/// it: after `detach` nothing here touches the context.
class ProducerCore : public std::enable_shared_from_this<ProducerCore> {
 public:
  ProducerCore(EmbeddedContext& context, const Properties& properties, DeliveryListener listener,
               Partitioner partitioner)
      : context_(context),
        settings_(properties),
        listener_(std::move(listener)),
        partitioner_(std::move(partitioner)),
        timers_(std::make_shared<DeadlineQueue>(context.executor, context.clock)),
        steps_(settings_.transactional_id) {}

  /// Asks for an identity; what is sent before it comes waits for it. One of transactions has its own way to it.
  void start();

  // As `Producer`.
  Result<void> send_all(std::span<const ProducerRecord> records);
  Result<void> flush(Duration timeout);
  Result<void> close(Duration timeout);
  Result<void> init_transactions(Duration timeout);
  Result<void> begin_transaction();
  Result<void> send_offsets(std::span<const PartitionOffset> offsets, const GroupMetadata& group, Duration timeout);
  Result<void> commit_transaction(Duration timeout) { return end_transaction(TransactionEnd::kCommit, timeout); }
  Result<void> abort_transaction(Duration timeout) { return end_transaction(TransactionEnd::kAbort, timeout); }
  [[nodiscard]] TransactionPhase transaction_phase() const;
  /// Waits for what runs just now; afterwards nobody is called and the context may go. The last call.
  void detach();

 private:
  using Lock = std::unique_lock<std::mutex>;

  Result<void> add(Lock& lock, const ProducerRecord& record, Timestamp now);
  /// The same where the program's partitioner is asked first.
  Result<void> add_chosen(Lock& lock, const ProducerRecord& record, Timestamp now);
  /// Whether the producer takes this record now.
  [[nodiscard]] Result<void> may_add(const ProducerRecord& record, std::size_t size) const;
  Result<ProducerTopic*> find_topic(Lock& lock, std::string_view name);
  Result<ProducerTopic*> open_topic(Lock& lock, std::string_view name);
  void note_new_partitions(ProducerTopic& topic);
  Result<ProducerPartition*> choose_partition(ProducerTopic& topic, const ProducerRecord& record);
  void open_batch(ProducerPartition& partition);
  void seal(ProducerPartition& partition);
  void seal_all();
  void seal_due();
  void schedule_linger(TimePoint due);
  Result<void> wait_for_room(Lock& lock, std::size_t size);

  void drain_soon(ProducerPartition& partition);
  void drain(ProducerPartition& partition);
  void write(Lock& lock, ProducerPartition& partition, OutgoingBatch& batch);
  /// Whether the batch's sequence numbers are used up.
  bool append(ProducerPartition& partition, OutgoingBatch& batch, const BatchProducer& producer);
  void written(ProducerPartition& partition, OutgoingBatch& batch, Result<Offset> report);
  void report(Lock& lock, ProducerPartition& partition);
  void got_identity(Result<ProducerIdentity> identity);

  // Transactions: producer_transactions.cc.
  /// Whether a batch may be written to the partition, or be reported as failed; if not, the transaction is asked to go
  /// on there as soon as `ask_for_parts` is called.
  [[nodiscard]] bool is_part(ProducerPartition& partition);
  void ask_for_parts(Lock& lock);
  void got_parts(ErrorCode code);
  /// What became of it, without the lock. Errors: there was no answer.
  [[nodiscard]] Result<ErrorCode> commit_offsets(const CommitOffsets& call, const std::string& what, TimePoint until);
  Result<void> end_transaction(TransactionEnd end, Duration timeout);
  /// The coordinator's decision; the identity is that of the next transaction then.
  [[nodiscard]] Result<void> tell_end(Lock& lock, TransactionEnd end, TimePoint until);
  void drop_unwritten();
  void forget_transaction();
  /// An answer of the coordinator that asks to come again: false when there is no time left.
  [[nodiscard]] bool pause(Lock& lock, TimePoint until);

  EmbeddedContext& context_;
  const ProducerSettings settings_;
  const DeliveryListener listener_;
  const Partitioner partitioner_;
  const std::shared_ptr<DeadlineQueue> timers_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<std::string, std::unique_ptr<ProducerTopic>> topics_;
  /// The topic of the last record: nearly always that of the next.
  ProducerTopic* last_topic_ = nullptr;
  std::size_t buffered_bytes_ = 0;
  /// Batches that are not reported, by generation; no entry is zero.
  std::map<std::uint64_t, std::size_t> unreported_;
  std::uint64_t generation_ = 0;
  std::optional<TimePoint> linger_timer_;
  std::optional<ProducerIdentity> identity_;
  std::optional<Error> identity_error_;
  std::optional<Error> first_error_;
  bool closed_ = false;
  bool is_detached_ = false;
  /// Threads that are in the broker or in the listener on our behalf.
  int outside_ = 0;

  /// Somebody is in a call of transactions.
  std::atomic<bool> transaction_call_ = false;
  TransactionSteps steps_;
  /// Partitions that are to become parts of the transaction, and those of which the coordinator is being asked.
  std::set<ProducerPartition*> wanted_;
  std::set<ProducerPartition*> asked_;
  bool is_asking_ = false;
  /// Until when what passes by itself is asked again.
  std::optional<TimePoint> ask_until_;
  /// The coordinator may know of the transaction: it has to hear of the end.
  bool has_parts_ = false;
};

}  // namespace millrace
