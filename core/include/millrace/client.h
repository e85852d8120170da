#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/config.h"
#include "millrace/result.h"
#include "millrace/types.h"

namespace millrace {

class Logger;

/// One header of a record, as a view.
struct Header {
  std::string_view name;
  NullableBytes value;
};

/// A record to be sent. A view: what it points to is copied before `send` returns.
struct ProducerRecord {
  std::string_view topic;
  /// Where to; absent: as the producer's `Partitioner`, or its `partitioner` property, says.
  std::optional<PartitionIndex> partition = std::nullopt;
  NullableBytes key = nullptr;
  NullableBytes value = nullptr;
  /// Absent: the time of the call.
  std::optional<Timestamp> timestamp = std::nullopt;
  std::span<const Header> headers = {};
  /// Handed back in the `DeliveryReport`; means nothing to the producer.
  std::uint64_t token = 0;
};

/// What became of consecutive records of one partition: one call for a batch, not for a record.
struct DeliveryReport {
  const TopicPartition& partition;
  /// The offset of the first of them, or why none was stored.
  const Result<Offset>& base_offset;
  /// The records' tokens, in the order they were sent.
  std::span<const std::uint64_t> tokens;
};

/// Chooses the partition, of `partitions` that the record's topic has, of each record that names none; nothing leaves
/// the choice to the `partitioner` property. Records that should keep their order need the same answer.
///
/// Called once a record, on the thread that sends it, with no lock held: by several threads at once when several send.
/// It must not call the producer. A partition that the topic does not have, and an exception, are that record's error
/// (`kInvalidArgument`) and nobody else's: the record is not sent, a transaction goes on.
using Partitioner = std::function<std::optional<PartitionIndex>(const ProducerRecord& record, std::int32_t partitions)>;

/// Where a group goes on in a partition: the offset of the next record, and what a member noted with it.
struct PartitionOffset {
  TopicPartition partition;
  Offset offset = kNoOffset;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::string metadata = {};
};

/// A consumer's place in its group (`Consumer::group_metadata`), which is shown with offsets: whose place is somebody
/// else's by now is refused. Without a member nobody is: that is for consumers whose partitions are assigned by hand.
struct GroupMetadata {
  std::string group;
  /// Or the member's epoch.
  std::int32_t generation = -1;
  std::string member = {};
  std::optional<std::string> instance = std::nullopt;
};

/// Where a producer is with its transactions: the picture at `Producer`. `kNone`: it has no `transactional.id`.
enum class TransactionPhase : std::uint8_t {
  kNone,
  kNew,
  kReady,
  kOpen,
  kCommitting,
  kMustAbort,
  kAborting,
  kFatal,
};

/// Appends records to topics.
///
/// Threading: any thread may call any function; the calls of transactions come one after the other. Records that one
/// thread sends to one partition keep their order. Durability: a report without error means what the `acks` property
/// says; with the default, `all`, the records are on stable storage of every in-sync replica. Idempotent: a batch that
/// is retried is stored once.
///
/// With `transactional.id` records go out in transactions: those in any partitions, and the offsets of groups, count
/// together from the commit on, or never. Who reads `read_committed`, the default, sees nothing else.
///
///              init             begin               commit
///     kNew ----------> kReady ---------> kOpen ---------------> kCommitting
///                       ^  ^              |  | it fails    it fails |  | done
///                       |  |        abort |  +----> kMustAbort <----+  |
///                       |  |              v              | abort       |
///                       |  +---------- kAborting <-------+             |
///                       +----------------------------------------------+
///
/// After an error of any call `transaction_phase` says what is possible:
/// `kMustAbort`: the transaction is lost; abort it, and do it again if you like.
/// `kFatal`: this producer cannot go on, only `close` is left: `kProducerFenced` (another producer began with the same
/// id, or the transaction was open for longer than `transaction.timeout.ms`), `kInvalidTransactionTimeout`.
/// Any other: nothing has changed; `kTimedOut` and a coordinator's own errors pass, so make the same call again. In
/// `kCommitting` and `kAborting` nothing else is left: what is under way may be decided already.
/// A call out of its turn is refused with `kInvalidTxnState` and changes nothing.
///
/// A transaction that is open when its producer is closed or destroyed is aborted. What cannot be in time, and what a
/// crash leaves, is aborted by the next `init_transactions` with the same id, else after `transaction.timeout.ms`.
class Producer {
 public:
  virtual ~Producer() = default;

  /// Puts the record in a batch; it goes out when the batch is full or `linger.ms` has passed. Waits for room while
  /// `buffer.memory` is spent. Errors: `kInvalidArgument` (the partitioner's), `kMessageTooLarge`,
  /// `kUnknownTopicOrPartition`, `kClosed`, `kTimedOut` (no room within `max.block.ms`), and the error that ended an
  /// earlier batch of the partition for good.
  [[nodiscard]] virtual Result<void> send(const ProducerRecord& record) = 0;

  /// The same for many records: cheaper for each. Stops at the first error.
  [[nodiscard]] virtual Result<void> send_all(std::span<const ProducerRecord> records) {
    for (const auto& record : records) MILLRACE_CHECK(send(record));
    return {};
  }

  /// Sends what waits and waits until all of it is reported. Errors: the first delivery error since the last flush;
  /// `kTimedOut`.
  [[nodiscard]] virtual Result<void> flush(Duration timeout) = 0;

  /// Flushes within `timeout` and ends; idempotent. Aborts a transaction that is open instead. Later calls give
  /// `kClosed`.
  [[nodiscard]] virtual Result<void> close(Duration timeout) = 0;

  /// Takes the `transactional.id` from whoever has it, whose transaction is aborted. Once, before anything is sent.
  [[nodiscard]] virtual Result<void> init_transactions(Duration timeout);
  /// From now on `send` belongs to a transaction. Waits for nothing.
  [[nodiscard]] virtual Result<void> begin_transaction();
  /// The group goes on here if the transaction is committed. Errors, all of which lose the transaction:
  /// `kIllegalGeneration`, `kUnknownMemberId`, `kFencedInstanceId` (the partitions may be somebody else's now).
  [[nodiscard]] virtual Result<void> send_offsets(std::span<const PartitionOffset> offsets, const GroupMetadata& group,
                                                  Duration timeout);
  /// Sends what waits; when it returns all of the transaction is durable, and its end is decided. Errors: what ended a
  /// batch of the transaction for good.
  [[nodiscard]] virtual Result<void> commit_transaction(Duration timeout);
  /// Records that were not written yet are reported with `kTransactionAbortable`.
  [[nodiscard]] virtual Result<void> abort_transaction(Duration timeout);
  [[nodiscard]] virtual TransactionPhase transaction_phase() const;
};

using DeliveryListener = std::function<void(const DeliveryReport&)>;

/// A record that was read. A view into its batch: valid as long as the `PolledBatch` or a copy of it.
struct RecordView {
  Offset offset;
  Timestamp timestamp;
  NullableBytes key;
  NullableBytes value;
  /// The headers' wire form; `headers_of` reads it. Empty when there are none.
  Bytes raw_headers;
};

/// The headers of a record.
[[nodiscard]] std::vector<Header> headers_of(const RecordView& record);

/// Consecutive records of one partition. Copies share the bytes.
class PolledBatch {
 public:
  PolledBatch(std::shared_ptr<const TopicPartition> partition, std::vector<RecordView> records,
              std::shared_ptr<const void> owner)
      : partition_(std::move(partition)), records_(std::move(records)), owner_(std::move(owner)) {}

  [[nodiscard]] const TopicPartition& partition() const { return *partition_; }
  [[nodiscard]] std::span<const RecordView> records() const { return records_; }
  /// Keeps the bytes that the records point into.
  [[nodiscard]] const std::shared_ptr<const void>& owner() const { return owner_; }

 private:
  std::shared_ptr<const TopicPartition> partition_;
  std::vector<RecordView> records_;
  std::shared_ptr<const void> owner_;
};

enum class StartAt : std::uint8_t { kEarliest, kLatest };

/// Told what the group gave to this member and took from it, inside `poll` (and `close`), on the caller's thread; any
/// of them may be empty. They may commit, seek and pause, and must not throw.
struct RebalanceListener {
  using Partitions = std::span<const TopicPartition>;
  /// After every rebalance: what is new, perhaps nothing. Positions are not looked up yet: `seek` is free.
  std::function<void(Partitions)> assigned = {};
  /// Before they go to somebody else: the last moment to commit.
  std::function<void(Partitions)> revoked = {};
  /// They are somebody else's already; commits would be refused.
  std::function<void(Partitions)> lost = {};
};

/// Gets what became of an asynchronous commit, inside a later `poll` or `close`, on the caller's thread. Must not
/// throw.
using CommitListener = std::function<void(const Result<void>&)>;

/// Reads records from partitions that its group gives it, or that are assigned by hand.
///
/// With `group.id` and `subscribe` it is a member of a consumer group: members divide the partitions of their topics
/// by `partition.assignment.strategy`, with whatever other Kafka clients are in the group. It joins, and learns of
/// changes, inside `poll`; heartbeats are sent in between. Who does not poll for `max.poll.interval.ms` is out, and its
/// partitions are lost.
///
/// Positions of new partitions: what the group committed (with `group.id`), else what `auto.offset.reset` says. With
/// `enable.auto.commit` a poll commits, from time to time, what the polls before it gave; so does a rebalance, and
/// `close`.
///
/// Threading: one thread at a time, but `wakeup` from any. Reads never pass the high watermark: nothing that is read
/// can be taken back by a power cut; with `isolation.level=read_committed`, the default, nor those of a transaction
/// that is open or aborted. Control records are not shown; offsets may have gaps.
class Consumer {
 public:
  virtual ~Consumer() = default;

  /// Reads these from now on, and no others. A partition that was assigned before keeps its position; one that is
  /// named twice is read once. Errors: `kUnknownTopicOrPartition`; `kInvalidArgument` while it is subscribed.
  [[nodiscard]] virtual Result<void> assign(std::vector<TopicPartition> partitions) = 0;
  /// Reads, with its group, these topics from now on: joins in the next `poll`. None: leaves the group. A topic that
  /// does not exist is read once it does. Errors: `kInvalidGroupId` (no `group.id`); `kInvalidArgument` while
  /// partitions are assigned by hand.
  [[nodiscard]] virtual Result<void> subscribe(std::vector<std::string> topics, RebalanceListener listener = {});
  /// What it reads now.
  [[nodiscard]] virtual std::vector<TopicPartition> assignment() const;

  [[nodiscard]] virtual Result<void> seek(const TopicPartition& partition, Offset offset) = 0;
  [[nodiscard]] virtual Result<void> seek(const TopicPartition& partition, StartAt start) = 0;
  /// To the first record at or after `time`; to the end when there is none.
  [[nodiscard]] virtual Result<void> seek_to_time(const TopicPartition& partition, Timestamp time);
  /// The offset of the next record that `poll` gives.
  [[nodiscard]] virtual Result<Offset> position(const TopicPartition& partition) const = 0;
  [[nodiscard]] virtual Result<void> pause(std::span<const TopicPartition> partitions) = 0;
  [[nodiscard]] virtual Result<void> resume(std::span<const TopicPartition> partitions) = 0;

  /// Up to `fetch.max.bytes` of records, as soon as there are any; nothing after `max_wait` or `wakeup`. Partitions
  /// take turns. Errors: `kOffsetOutOfRange` (and `auto.offset.reset` is `none`), `kStorageError` (the partition is
  /// offline), `kClosed`; those of joining a group, after which the next poll tries again: `kInconsistentGroupProtocol`
  /// (the members know no common strategy), `kInvalidSessionTimeout`, `kGroupMaxSizeReached`, `kFencedInstanceId`
  /// (another member has taken this one's `group.instance.id`; this one stays out).
  [[nodiscard]] virtual Result<std::vector<PolledBatch>> poll(Duration max_wait) = 0;

  /// Writes down, for the group, the positions behind all that `poll` gave; durable when it returns. Errors:
  /// `kInvalidGroupId` (no `group.id`); `kRebalanceInProgress`, `kIllegalGeneration`, `kUnknownMemberId` (the
  /// partitions may be somebody else's now; poll on); `kTimedOut`.
  [[nodiscard]] virtual Result<void> commit(Duration timeout);
  /// The same for the given offsets.
  [[nodiscard]] virtual Result<void> commit(std::span<const PartitionOffset> offsets, Duration timeout);
  /// Commits without waiting. Commits keep their order. Errors: `kInvalidGroupId`, `kClosed`.
  [[nodiscard]] virtual Result<void> commit_async(CommitListener done = {});
  [[nodiscard]] virtual Result<void> commit_async(std::span<const PartitionOffset> offsets, CommitListener done = {});
  /// What the group committed for each of the partitions, in their order; `offset` is `kNoOffset` where nothing was.
  /// Waits for a transaction that has sent one of these offsets. Errors: `kUnstableOffsetCommit` (it is still open).
  [[nodiscard]] virtual Result<std::vector<PartitionOffset>> committed(std::span<const TopicPartition> partitions,
                                                                       Duration timeout);

  /// As whom a producer commits what this consumer has read (`Producer::send_offsets`). Errors: `kInvalidGroupId` (no
  /// `group.id`); `kUnknownMemberId` (it is subscribed, and not in its group just now; poll on).
  [[nodiscard]] virtual Result<GroupMetadata> group_metadata() const;

  /// Ends the `poll` under way, or the next one, at once.
  virtual void wakeup() = 0;
  /// Commits where it does so by itself, leaves its group (a static member stays in it) and ends, within `timeout`.
  /// Idempotent. Later calls give `kClosed`. Errors: those of the commit.
  virtual Result<void> close(Duration timeout) = 0;
};

struct NewTopic {
  std::string name;
  /// Absent: the broker's `num.partitions`.
  std::optional<std::int32_t> partitions = std::nullopt;
  Properties configs = {};
  std::int16_t replication_factor = -1;
};

struct PartitionDescription {
  PartitionIndex index;
  BrokerId leader;
  LeaderEpoch leader_epoch;
  std::vector<BrokerId> replicas;
  std::vector<BrokerId> in_sync;
};

struct TopicDescription {
  std::string name;
  TopicId id;
  bool internal = false;
  std::vector<PartitionDescription> partitions;
};

enum class OffsetKind : std::uint8_t { kEarliest, kLatest, kMaxTimestamp, kByTime };

/// Which offset `list_offset` should find; `time` only with `kByTime`: the first record at or after it.
struct OffsetQuery {
  OffsetKind kind = OffsetKind::kLatest;
  Timestamp time = kNoTimestamp;
};

/// `offset` is `kNoOffset` when there is no such record.
struct OffsetAnswer {
  Offset offset = kNoOffset;
  Timestamp timestamp = kNoTimestamp;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
};

/// A consumer group in a list. `state` is Kafka's word: "Stable", "Empty", "PreparingRebalance", ...
struct GroupListing {
  std::string id;
  std::string protocol_type;
  std::string state;
};

struct GroupMemberDescription {
  std::string id;
  std::optional<std::string> instance_id;
  std::string client_id;
  std::string client_host;
  std::vector<TopicPartition> assignment;
};

struct GroupDescription {
  std::string id;
  std::string state;
  std::string protocol_type;
  /// The assignment strategy that the members agreed on.
  std::string protocol;
  std::vector<GroupMemberDescription> members;
};

/// A transactional id in a list. `state` is Kafka's word: "Empty", "Ongoing", "PrepareCommit", "CompleteAbort", ...
struct TransactionListing {
  std::string id;
  ProducerId producer = kNoProducerId;
  std::string state;
};

struct TransactionDescription {
  std::string id;
  std::string state;
  ProducerId producer = kNoProducerId;
  ProducerEpoch epoch = kNoProducerEpoch;
  /// `transaction.timeout.ms` of its producer.
  Duration timeout{};
  /// Absent when no transaction is under way.
  std::optional<Timestamp> started;
  /// What the transaction has written to, offsets of groups included; in their order.
  std::vector<TopicPartition> partitions;
};

/// An idempotent or transactional producer as a partition knows it.
struct PartitionProducer {
  ProducerId producer = kNoProducerId;
  ProducerEpoch epoch = kNoProducerEpoch;
  std::int32_t last_sequence = -1;
  Timestamp last_timestamp = kNoTimestamp;
  /// Of the coordinator that ended its last transaction; -1 when none is known.
  std::int32_t coordinator_epoch = -1;
  /// Where its open transaction begins, `kNoOffset` when none is open: who reads committed records gets no further.
  Offset open_from = kNoOffset;
};

/// Topics, their settings and offsets; consumer groups; transactions.
///
/// Threading: any thread. Calls block until done or until `request.timeout.ms`.
class Admin {
 public:
  virtual ~Admin() = default;

  /// Errors: `kTopicAlreadyExists`, `kInvalidTopic`, `kInvalidPartitions`, `kInvalidConfig`.
  [[nodiscard]] virtual Result<TopicId> create_topic(const NewTopic& topic) = 0;
  [[nodiscard]] virtual Result<void> delete_topic(std::string_view name) = 0;
  [[nodiscard]] virtual Result<std::vector<std::string>> list_topics() = 0;
  [[nodiscard]] virtual Result<TopicDescription> describe_topic(std::string_view name) = 0;
  /// Every setting of the topic with its value, defaults included.
  [[nodiscard]] virtual Result<Properties> topic_configs(std::string_view name) = 0;
  /// Sets the given keys and leaves the others; an empty optional goes back to the default.
  [[nodiscard]] virtual Result<void> alter_topic_configs(
      std::string_view name, std::span<const std::pair<std::string, std::optional<std::string>>> changes) = 0;
  [[nodiscard]] virtual Result<OffsetAnswer> list_offset(const TopicPartition& partition, OffsetQuery query) = 0;
  /// Deletes the records before `before`; gives the new log start. Errors: `kOffsetOutOfRange`, `kPolicyViolation`.
  [[nodiscard]] virtual Result<Offset> delete_records(const TopicPartition& partition, Offset before) = 0;
  /// Bytes of the partition's segments on disk.
  [[nodiscard]] virtual Result<std::uint64_t> partition_size(const TopicPartition& partition) = 0;
  /// Gives the topic `total` partitions, more than it has. Errors: `kUnknownTopicOrPartition`, `kInvalidPartitions`.
  [[nodiscard]] virtual Result<void> create_partitions(std::string_view topic, std::int32_t total);

  [[nodiscard]] virtual Result<std::vector<GroupListing>> list_groups();
  /// Errors: `kGroupIdNotFound`.
  [[nodiscard]] virtual Result<GroupDescription> describe_group(std::string_view group);
  /// Everything the group has committed, in the order of the partitions; nothing for a group that does not exist.
  [[nodiscard]] virtual Result<std::vector<PartitionOffset>> group_offsets(std::string_view group);
  /// Says where the group goes on; it must have no members. Errors: `kUnknownMemberId` (it has),
  /// `kUnknownTopicOrPartition`.
  [[nodiscard]] virtual Result<void> alter_group_offsets(std::string_view group,
                                                         std::span<const PartitionOffset> offsets);
  /// Forgets what the group has committed there: it goes on as in a partition that it never read. Its members must not
  /// read the topics. Errors: `kGroupIdNotFound`, `kGroupSubscribedToTopic`.
  [[nodiscard]] virtual Result<void> delete_group_offsets(std::string_view group,
                                                          std::span<const TopicPartition> partitions);
  /// Errors: `kGroupIdNotFound`, `kNonEmptyGroup`.
  [[nodiscard]] virtual Result<void> delete_group(std::string_view group);

  /// Every transactional id that was not forgotten for long disuse, in order.
  [[nodiscard]] virtual Result<std::vector<TransactionListing>> list_transactions();
  /// Errors: `kTransactionalIdNotFound`.
  [[nodiscard]] virtual Result<TransactionDescription> describe_transaction(std::string_view id);
  /// Ends the producer that has the id: its open transaction is aborted, every later call of it gives
  /// `kProducerFenced`. The next `init_transactions` with the id is free. An id that nobody has is taken note of.
  [[nodiscard]] virtual Result<void> fence_producer(std::string_view id);
  /// Errors: `kUnknownTopicOrPartition`.
  [[nodiscard]] virtual Result<std::vector<PartitionProducer>> partition_producers(const TopicPartition& partition);
  /// Ends, as aborted, what `producer` (of `partition_producers`) has open in the partition, whatever its coordinator
  /// knows. Only for a transaction that hangs: one that is open for long and of which `list_transactions` shows
  /// nothing; any other `fence_producer` ends in all its partitions. Errors: `kInvalidTxnState` (nothing is open),
  /// `kUnknownTopicOrPartition`, `kInvalidProducerEpoch` (it has gone on since).
  [[nodiscard]] virtual Result<void> abort_hanging(const TopicPartition& partition, const PartitionProducer& producer);
};

/// The one seam between a program and a log: embedded in this process, or a cluster.
///
/// Threading: any thread. The handles it gives keep what they need alive and may outlive it.
class Client {
 public:
  virtual ~Client() = default;

  /// `embedded:DIR` opens (or shares) the broker of that data folder in this process. `kafka:HOST:PORT,...` is a
  /// cluster, known by some of its brokers; nothing is asked of them yet. It is served by a module that is loaded with
  /// the first such client. `properties` are defaults for the handles, named as librdkafka names them. `logger` hears
  /// what a handle cannot tell anybody else, a last commit that failed; it may be null and must outlive the handles (a
  /// broker that is shared keeps the one it was opened with). Errors: `kInvalidArgument`, `kInvalidConfig`, those of
  /// `Broker::open`, and `kUnsupported` without the module.
  static Result<std::unique_ptr<Client>> open(std::string_view address, const Properties& properties = {},
                                              Logger* logger = nullptr);

  /// `listener` is called from a thread of the client's, in the order of the batches of a partition; it must not wait
  /// nor throw. Without a `partitioner` the property of that name chooses.
  [[nodiscard]] virtual Result<std::unique_ptr<Producer>> producer(const Properties& properties = {},
                                                                   DeliveryListener listener = {},
                                                                   Partitioner partitioner = {}) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Consumer>> consumer(const Properties& properties = {}) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Admin>> admin(const Properties& properties = {}) = 0;
};

}  // namespace millrace
