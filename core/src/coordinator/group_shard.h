#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/buffers.h"
#include "base/clock.h"
#include "base/deadline_queue.h"
#include "base/executor.h"
#include "base/logger.h"
#include "base/random.h"
#include "coordinator/classic_group.h"
#include "coordinator/coordinator_log.h"
#include "coordinator/group_replay.h"
#include "coordinator/offset_calls.h"

namespace millrace {

/// The broker's `offsets.*` keys.
struct OffsetsConfig {
  std::size_t max_metadata_bytes = 4096;
  std::chrono::milliseconds retention = std::chrono::hours{24 * 7};
};

/// What the shards of a coordinator stand on.
struct GroupContext {
  std::shared_ptr<CoordinatorLog> log;
  std::shared_ptr<DeadlineQueue> deadlines;
  Executor& executor;
  const Clock& clock;
  Logger& logger;
  GroupConfig groups;
  OffsetsConfig offsets;
  /// Records are small: little memory is worth keeping.
  BufferPool buffers{1U << 20};
};

/// Calls that wait until no lock is held.
class Outbox {
 public:
  void add(Work call) { calls_.push_back(std::move(call)); }
  void send() {
    for (auto& call : calls_) call();
  }

 private:
  std::vector<Work> calls_;
};

/// The groups of one partition of `__consumer_offsets`: their state machines, their offsets, and the log that both are
/// restored from.
///
/// What Kafka writes down is appended while the lock is held, so the log has the order in which things happened. A
/// group goes on at once in memory, but nobody is told before the record is durable; an offset is shown only then.
///
/// Threading: any thread may call any function; `done` is called exactly once, with no lock held, on any thread.
class GroupShard : public std::enable_shared_from_this<GroupShard> {
 public:
  GroupShard(PartitionIndex partition, std::shared_ptr<GroupContext> context, std::uint64_t seed);

  /// Reads the partition, on the executor. Until that is done calls are answered `kCoordinatorLoadInProgress`.
  void load();
  /// Answers whatever waits; the groups stay.
  void end_waits();
  /// The same, and every later call is answered `kCoordinatorNotAvailable`; so are writes that nothing has been heard
  /// of. After the log was closed.
  void close();

  void join(const std::string& group, JoinGroup call, JoinDone done);
  void sync(const std::string& group, SyncGroup call, SyncDone done);
  [[nodiscard]] ErrorCode heartbeat(const std::string& group, const MemberName& member, std::int32_t generation);
  void leave(const std::string& group, const std::vector<MemberName>& members, LeaveDone done);

  /// The topics' names are known to exist. An answer for each offset.
  void commit(const CommitOffsets& call, ErrorCodesDone done);
  [[nodiscard]] Result<std::vector<CommittedOffset>> fetch(const std::string& group,
                                                           std::span<const TopicPartition> partitions);
  [[nodiscard]] Result<CommittedOffsets::OfGroup> fetch_all(const std::string& group);
  /// Partitions with an offset of the group that a transaction has written and not decided.
  [[nodiscard]] Result<std::set<TopicPartition>> undecided(const std::string& group);
  void forget_offsets(const std::string& group, const std::vector<TopicPartition>& partitions, DeleteOffsetsDone done);

  /// What a commit within a transaction is to be given, once the coordinator has agreed. As of a partition's log.
  [[nodiscard]] Result<TransactionGuard> begin_transaction(const ProducerIdentity& producer);
  /// Writes the marker, and lets the offsets of the transaction count or be forgotten once it is durable.
  void end_transaction(const TransactionMarker& marker, std::int16_t transaction_version, CoordinatorLog::Done done);

  [[nodiscard]] Result<std::vector<ListedGroup>> list();
  /// A group that does not exist is shown as dead.
  [[nodiscard]] Result<DescribedGroup> describe(const std::string& group);
  void forget_group(const std::string& group, std::move_only_function<void(ErrorCode)> done);

  /// Forgets offsets that nobody has needed for `offsets.retention.minutes`, and groups that are left with none.
  void expire();
  /// Forgets the offsets of topics that are deleted.
  void forget_topics(const std::set<std::string>& topics);

 private:
  enum class State : std::uint8_t { kLoading, kActive, kFailed, kClosed };
  struct Entry {
    ClassicGroup group;
    /// The timer that will look at the group.
    std::optional<TimePoint> armed;
  };
  using Then = std::move_only_function<void(ErrorCode, Outbox&)>;
  /// Written and not yet durable.
  struct Write {
    Offset end;
    std::vector<protocol::GroupRecord> records;
    Then then;
    /// Whose end decides on the records.
    std::optional<OffsetsTransaction> transaction = std::nullopt;
  };

  // All of these with the mutex held.
  [[nodiscard]] ErrorCode unavailable() const;
  [[nodiscard]] Entry* find(const std::string& group);
  Entry& find_or_make(const std::string& group);
  void perform(Entry& entry, GroupActions actions, Outbox& out);
  void arm(Entry& entry);
  void persist(std::vector<protocol::GroupRecord> records, Then then, Outbox& out,
               const std::optional<OffsetsTransaction>& transaction = std::nullopt);
  void await(Write write, Outbox& out);
  [[nodiscard]] Result<Offset> write(std::span<const protocol::GroupRecord> records,
                                     const std::optional<OffsetsTransaction>& transaction);
  void note_pending(const protocol::GroupRecord& record, const std::optional<OffsetsTransaction>& transaction,
                    Offset end);
  void settle(const TransactionMarker& marker, Offset end);
  /// Partitions with an offset, written ones included.
  [[nodiscard]] std::set<TopicPartition> partitions_of(const std::string& group) const;
  [[nodiscard]] std::set<std::string> written_groups() const;
  void expire_group(const std::string& id, GroupTime time, Outbox& out);
  [[nodiscard]] bool is_expired(const ClassicGroup& group, const TopicPartition& partition,
                                const CommittedOffset& offset, Timestamp now) const;

  void durable(Offset end, const Result<void>& result);
  void timer(const std::string& group, TimePoint when);
  void read_on(const std::shared_ptr<GroupReplay>& replay, Offset from);
  void loaded(GroupReplay& replay);
  void load_failed(const Error& error);
  [[nodiscard]] GroupTime time() const { return {.now = context_->clock.now(), .wall = context_->clock.wall()}; }

  const PartitionIndex partition_;
  const std::shared_ptr<GroupContext> context_;

  std::mutex mutex_;
  State state_ = State::kLoading;
  Random random_;
  std::uint64_t last_request_ = 0;
  std::unordered_map<std::string, Entry> groups_;
  CommittedOffsets offsets_;
  PendingOffsets pending_;
  std::unordered_map<GroupRequestId, JoinDone> joins_;
  std::unordered_map<GroupRequestId, SyncDone> syncs_;
  std::deque<Write> writes_;
  bool write_failed_ = false;
};

}  // namespace millrace
