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

/// One header of a record, as a view.
struct Header {
  std::string_view name;
  NullableBytes value;
};

/// A record to be sent. A view: what it points to is copied before `send` returns.
struct ProducerRecord {
  std::string_view topic;
  /// Where to; absent: by the key's murmur2 hash as Kafka's clients do, or sticky where there is no key.
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

/// Appends records to topics.
///
/// Threading: any thread may call any function. Records that one thread sends to one partition keep their order.
/// Durability: a report without error means what the `acks` property says; with the default, `all`, the records are on
/// stable storage of every in-sync replica. Idempotent: a batch that is retried is stored once.
class Producer {
 public:
  virtual ~Producer() = default;

  /// Puts the record in a batch; it goes out when the batch is full or `linger.ms` has passed. Waits for room while
  /// `buffer.memory` is spent. Errors: `kInvalidArgument`, `kMessageTooLarge`, `kUnknownTopicOrPartition`, `kClosed`,
  /// `kTimedOut` (no room within `max.block.ms`), and the error that ended an earlier batch of the partition for good.
  [[nodiscard]] virtual Result<void> send(const ProducerRecord& record) = 0;

  /// The same for many records: cheaper for each. Stops at the first error.
  [[nodiscard]] virtual Result<void> send_all(std::span<const ProducerRecord> records) {
    for (const auto& record : records) MILLRACE_CHECK(send(record));
    return {};
  }

  /// Sends what waits and waits until all of it is reported. Errors: the first delivery error since the last flush;
  /// `kTimedOut`.
  [[nodiscard]] virtual Result<void> flush(Duration timeout) = 0;

  /// Flushes within `timeout` and ends; idempotent. Later calls give `kClosed`.
  [[nodiscard]] virtual Result<void> close(Duration timeout) = 0;
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

/// Reads records from partitions assigned by hand.
///
/// Threading: one thread at a time, but `wakeup` from any. Reads never pass the high watermark: nothing that is read
/// can be taken back by a power cut. Control records are not shown; offsets may have gaps.
class Consumer {
 public:
  virtual ~Consumer() = default;

  /// Reads these from now on, and no others. A partition that was assigned before keeps its position; a new one starts
  /// where the property `auto.offset.reset` says, until `seek` says otherwise. Errors: `kUnknownTopicOrPartition`.
  [[nodiscard]] virtual Result<void> assign(std::vector<TopicPartition> partitions) = 0;
  [[nodiscard]] virtual Result<void> seek(const TopicPartition& partition, Offset offset) = 0;
  [[nodiscard]] virtual Result<void> seek(const TopicPartition& partition, StartAt start) = 0;
  /// The offset of the next record that `poll` gives.
  [[nodiscard]] virtual Result<Offset> position(const TopicPartition& partition) const = 0;
  [[nodiscard]] virtual Result<void> pause(std::span<const TopicPartition> partitions) = 0;
  [[nodiscard]] virtual Result<void> resume(std::span<const TopicPartition> partitions) = 0;

  /// Up to `fetch.max.bytes` of records, as soon as there are any; nothing after `max_wait` or `wakeup`. Partitions
  /// take turns. Errors: `kOffsetOutOfRange` (and `auto.offset.reset` is `none`), `kStorageError` (the partition is
  /// offline), `kClosed`.
  [[nodiscard]] virtual Result<std::vector<PolledBatch>> poll(Duration max_wait) = 0;

  /// Ends the `poll` under way, or the next one, at once.
  virtual void wakeup() = 0;
  /// Idempotent.
  virtual void close() = 0;
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

/// Topics, their settings and offsets.
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
};

/// The one seam between a program and a log: embedded in this process, or a cluster.
///
/// Threading: any thread. The handles it gives keep what they need alive and may outlive it.
class Client {
 public:
  virtual ~Client() = default;

  /// `embedded:DIR` opens (or shares) the broker of that data folder in this process. `properties` are defaults for the
  /// handles, named as librdkafka names them. Errors: `kInvalidArgument`, `kInvalidConfig`, and those of
  /// `Broker::open`.
  static Result<std::unique_ptr<Client>> open(std::string_view address, const Properties& properties = {});

  /// `listener` is called from a thread of the client's, in the order of the batches of a partition; it must not wait.
  [[nodiscard]] virtual Result<std::unique_ptr<Producer>> producer(const Properties& properties = {},
                                                                   DeliveryListener listener = {}) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Consumer>> consumer(const Properties& properties = {}) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Admin>> admin(const Properties& properties = {}) = 0;
};

}  // namespace millrace
