#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/duration_histogram.h"
#include "base/executor.h"
#include "base/logger.h"
#include "base/random.h"
#include "base/result.h"
#include "broker/broker_calls.h"
#include "broker/broker_config.h"
#include "coordinator/group_coordinator.h"
#include "coordinator/transaction_coordinator.h"
#include "metadata/metadata_image.h"
#include "millrace/client.h"

namespace millrace {

class ClusterAdmin;
class FetchSessions;
class FileSystem;

/// What a broker stands on. All of it outlives the broker; the simulator passes its own.
struct BrokerEnvironment {
  Executor& executor;
  const Clock& clock;
  FileSystem& files;
  Logger& logger;
  /// For topic ids.
  std::uint64_t seed;
  /// How many syncs may run at once. 0: each round is work for `executor`, so that a simulator decides when it happens.
  std::size_t flush_threads = 4;
};

/// What each API means, without a network: topics and partitions in data folders, requests that wait, the
/// controller. The handlers of `server` map wire structs to these methods; the embedded client calls the same ones.
///
/// Threading: any thread may call any function, none waits for a disk but those that say so. A `done` callback is
/// called exactly once: inside the call when the answer is there at once, else later from a thread of the executor or
/// of a flush; it must not wait. No lock is held while it runs.
///
/// Errors are Kafka's codes and go to the wire unchanged. A partition that cannot be trusted any more (damage, a failed
/// sync) answers `kStorageError`, says why in the log once, and leaves the others alone.
///
/// Durability: `produce` with `kAcksAll` and every change of metadata call `done` when the bytes are on stable storage.
class BrokerCore {
 public:
  /// Opens the metadata's folder `directory` (made if absent) and those of `log.dirs`, where partitions lie; without
  /// that key they lie in `directory`. Replays the metadata log and opens every partition. Waits for the disk. A folder
  /// that cannot be opened takes its partitions offline, unless it is the metadata's. Errors, of that one: `kInUse`
  /// (another process owns it), `kIo`, `kCorruptLog` (the metadata log only: a damaged partition goes offline); of any:
  /// `kInvalidConfig`, `kUnsupported` (a newer version wrote it).
  static Result<std::shared_ptr<BrokerCore>> open(BrokerEnvironment environment, std::string_view directory,
                                                  BrokerConfig config);

  virtual ~BrokerCore() = default;

  /// Answers every waiting request with `kClosed`, syncs and closes every log. Waits for the disk, `timeout` at most.
  /// Idempotent; afterwards every call answers `kClosed`.
  virtual Result<void> close(Duration timeout) = 0;

  // --- records ---

  /// Checks, stamps and appends; `done` when as many replicas have the records as `acks` asks for, or `timeout` is
  /// over. Per partition: `kUnknownTopicOrPartition`, `kUnknownTopicId`, `kCorruptMessage`, `kMessageTooLarge`,
  /// `kInvalidRecord`, `kInvalidTimestamp`, `kOutOfOrderSequenceNumber`, `kInvalidProducerEpoch`,
  /// `kInvalidRequiredAcks`, `kRequestTimedOut`, `kStorageError`, `kClosed`; of batches of a transaction also
  /// `kInvalidTxnState`, `kTransactionAbortable` (the partition is not in it), `kInvalidProducerIdMapping`,
  /// `kTransactionalIdAuthorizationFailed`, `kNotEnoughReplicas` (its coordinator is not ready). A retry of a batch
  /// that is stored is no error: the answer has its first offset.
  virtual void produce(ProduceCall call, ProduceDone done) = 0;

  /// Reads below the high watermark; when there are less than `min_bytes`, waits for progress on any of the partitions.
  /// Per partition: `kOffsetOutOfRange`, `kUnknownTopicOrPartition`, `kUnknownTopicId`, `kFencedLeaderEpoch`,
  /// `kUnknownLeaderEpoch`, `kStorageError`, `kClosed`. The id is for `end_wait`; it names nothing any more once `done`
  /// was called.
  virtual FetchId fetch(FetchCall call, FetchDone done) = 0;

  /// Answers a fetch that waits at once, with what there is. Nothing happens when it has been answered.
  virtual void end_wait(FetchId fetch) = 0;
  /// The same for every fetch that waits now: before a server closes its connections.
  virtual void end_all_waits() = 0;

  /// What the readers of `fetch` have been told.
  [[nodiscard]] virtual FetchSessions& fetch_sessions() = 0;

  /// The offset that `query` asks for, `kNoOffset` if there is no such record. May read the disk. Errors as of `fetch`.
  [[nodiscard]] virtual Result<OffsetAnswer> list_offset(const TopicRef& topic, PartitionIndex partition,
                                                         OffsetQuery query, Isolation isolation,
                                                         LeaderEpoch current_leader_epoch = kNoLeaderEpoch) = 0;

  /// Deletes what lies before `before` (`kNoOffset`: the high watermark); gives the new log start. Errors:
  /// `kOffsetOutOfRange`, `kPolicyViolation` (cleanup.policy without "delete"), `kUnknownTopicOrPartition`,
  /// `kStorageError`.
  [[nodiscard]] virtual Result<Offset> delete_records(const TopicRef& topic, PartitionIndex partition,
                                                      Offset before) = 0;

  /// Bytes of the partition's segments on disk.
  [[nodiscard]] virtual Result<std::uint64_t> partition_size(const TopicRef& topic, PartitionIndex partition) = 0;

  // --- metadata ---

  /// The cluster as it is now: topics, partitions, brokers, controller, ids.
  [[nodiscard]] virtual std::shared_ptr<const MetadataImage> metadata() const = 0;
  [[nodiscard]] virtual BrokerId id() const = 0;
  [[nodiscard]] virtual const BrokerConfig& config() const = 0;
  /// Whether this broker's replica of the partition answers `kStorageError`.
  [[nodiscard]] virtual bool is_offline(const TopicRef& topic, PartitionIndex partition) const = 0;

  /// Where clients of `endpoint.listener` find this broker: said by whoever listens, shown by `metadata`.
  virtual void advertise(Endpoint endpoint) = 0;
  virtual void withdraw(std::string_view listener) = 0;

  /// Creates those that do not exist, where `auto.create.topics.enable` and their names allow it. `done` when
  /// `metadata` shows them.
  virtual void ensure_topics(std::vector<std::string> names, std::move_only_function<void()> done) = 0;

  /// Errors: `kTopicAlreadyExists`, `kInvalidTopic`, `kInvalidPartitions`, `kInvalidReplicationFactor`,
  /// `kInvalidReplicaAssignment`, `kInvalidConfig`, `kInvalidRequest` (the same name twice).
  virtual void create_topics(std::vector<CreateTopic> topics, ValidateOnly validate_only, CreateTopicsDone done) = 0;
  /// Errors: `kUnknownTopicOrPartition`, `kUnknownTopicId`, `kInvalidTopic` (internal).
  virtual void delete_topics(std::vector<TopicRef> topics, DeleteTopicsDone done) = 0;
  /// Errors: `kUnknownTopicOrPartition`, `kInvalidPartitions` (not more than there are), `kInvalidReplicaAssignment`.
  virtual void create_partitions(std::vector<CreatePartitions> calls, ValidateOnly validate_only,
                                 CreatePartitionsDone done) = 0;

  /// Every key with its value, or only `keys` when it is not empty. Errors: `kUnknownTopicOrPartition`,
  /// `kInvalidRequest`.
  [[nodiscard]] virtual Result<std::vector<ConfigEntry>> describe_configs(const ConfigResource& resource,
                                                                          std::span<const std::string> keys = {}) = 0;
  /// Errors: `kInvalidConfig` (unknown key, with a suggestion; wrong value), `kUnknownTopicOrPartition`,
  /// `kInvalidRequest`.
  virtual void alter_configs(ConfigResource resource, std::vector<ConfigChange> changes, AlterMode mode,
                             ValidateOnly validate_only, DoneVoid done) = 0;

  // --- operators ---

  /// Sizes, leaders, replicas, features, quotas.
  [[nodiscard]] virtual ClusterAdmin& admin() = 0;

  /// How long the rounds of group commit took so far.
  [[nodiscard]] virtual DurationHistogram::Snapshot flush_times() const = 0;

  // --- groups ---

  /// Consumer groups and committed offsets.
  [[nodiscard]] virtual GroupCoordinator& groups() = 0;

  // --- producers ---

  /// Transactions.
  [[nodiscard]] virtual TransactionCoordinator& transactions() = 0;
  /// Commits offsets of a group within the transaction that `call.transaction` names the producer of: they count from
  /// its end. One code for each, as of a commit; and of the transaction: `kInvalidTxnState`, `kTransactionAbortable`,
  /// `kInvalidProducerIdMapping`, `kInvalidProducerEpoch`.
  virtual void commit_offsets_in_transaction(const std::string& transactional_id, CommitOffsets call,
                                             TransactionSupport support, ErrorCodesDone done) = 0;
  /// Writes the marker that ends a producer's transaction in a partition: for whoever mends one that hangs.
  virtual void write_marker(const TopicPartition& partition, const TransactionMarker& marker,
                            std::int16_t transaction_version, DoneVoid done) = 0;
  /// The idempotent and transactional producers of a partition. Errors as of `fetch`.
  [[nodiscard]] virtual Result<std::vector<ActiveProducer>> active_producers(const TopicRef& topic,
                                                                             PartitionIndex partition) = 0;

  /// A fresh identity for an idempotent producer (a producer without transactions gets a new id each time it asks).
  virtual void init_producer_id(InitProducerIdDone done) = 0;
};

}  // namespace millrace
