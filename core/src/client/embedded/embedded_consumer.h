#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/deadline_queue.h"
#include "client/assignment.h"
#include "client/embedded/consumer_waiter.h"
#include "client/embedded/embedded_client.h"
#include "client/embedded/embedded_group_member.h"

namespace millrace {

/// Reads from the broker of this process, alone or as a member of a group.
///
/// Threading: as `Consumer`.
class EmbeddedConsumer final : public Consumer {
 public:
  /// Errors: `kInvalidConfig` for an unknown assignment strategy.
  static Result<std::unique_ptr<EmbeddedConsumer>> make(std::shared_ptr<EmbeddedContext> context,
                                                        const Properties& properties);
  ~EmbeddedConsumer() override;

  Result<void> assign(std::vector<TopicPartition> partitions) override;
  Result<void> subscribe(std::vector<std::string> topics, RebalanceListener listener) override;
  std::vector<TopicPartition> assignment() const override;
  Result<void> seek(const TopicPartition& partition, Offset offset) override;
  Result<void> seek(const TopicPartition& partition, StartAt start) override;
  Result<void> seek_to_time(const TopicPartition& partition, Timestamp time) override;
  Result<Offset> position(const TopicPartition& partition) const override;
  Result<void> pause(std::span<const TopicPartition> partitions) override;
  Result<void> resume(std::span<const TopicPartition> partitions) override;
  Result<std::vector<PolledBatch>> poll(Duration max_wait) override;
  Result<void> commit(Duration timeout) override;
  Result<void> commit(std::span<const PartitionOffset> offsets, Duration timeout) override;
  Result<void> commit_async(CommitListener done) override;
  Result<void> commit_async(std::span<const PartitionOffset> offsets, CommitListener done) override;
  Result<std::vector<PartitionOffset>> committed(std::span<const TopicPartition> partitions, Duration timeout) override;
  Result<GroupMetadata> group_metadata() const override;
  void wakeup() override;
  Result<void> close(Duration timeout) override;

 private:
  struct Settings {
    std::optional<StartAt> reset_to;
    std::size_t max_bytes;
    std::size_t max_partition_bytes;
    std::size_t min_bytes;
    Isolation isolation;
    bool check_crcs;
    /// None: it commits only when told.
    std::optional<Duration> auto_commit;
    static Settings of(const Properties& properties);
  };
  using Fetching = AssignedPartition::Fetching;

  EmbeddedConsumer(std::shared_ptr<EmbeddedContext> context, const Properties& properties);

  [[nodiscard]] BrokerCore& broker() const { return *context_->broker; }
  [[nodiscard]] TimePoint now() const { return context_->clock.now(); }
  [[nodiscard]] bool is_closed() const;
  [[nodiscard]] Result<void> set_fetching(std::span<const TopicPartition> partitions, Fetching fetching);
  [[nodiscard]] Result<Offset> start_of(const TopicPartition& partition, StartAt start) const;
  [[nodiscard]] Result<Offset> first_position(const TopicPartition& partition) const;

  // The group.
  [[nodiscard]] Result<EmbeddedGroupMember*> member() const;
  [[nodiscard]] Result<void> follow_group();
  void tell(const GroupMembership::Notice& notice);
  void auto_commit();

  // One poll.
  /// The partitions that take part in this poll, the one whose turn it is first.
  [[nodiscard]] Result<std::vector<AssignedPartition*>> turn();
  /// The fetch's answer; nothing for each when something else came first.
  [[nodiscard]] FetchAnswer fetch(const std::vector<AssignedPartition*>& partitions, Duration max_wait);
  /// For news of the group, a wakeup, or the end of the time.
  void wait_for_event(TimePoint until);
  [[nodiscard]] bool take_wakeup();
  [[nodiscard]] Result<void> take_slice(AssignedPartition& from, const LogSlice& slice,
                                        std::vector<PolledBatch>& batches) const;
  [[nodiscard]] Result<void> take_error(AssignedPartition& from, const Error& error) const;

  const std::shared_ptr<EmbeddedContext> context_;
  const Settings settings_;
  const std::shared_ptr<ConsumerWaiter> waiter_ = std::make_shared<ConsumerWaiter>();
  const std::shared_ptr<DeadlineQueue> timers_;
  /// Null without `group.id`.
  std::shared_ptr<EmbeddedGroupMember> member_;
  RebalanceListener listener_;
  Assignment assigned_;
  std::size_t next_turn_ = 0;
  TimePoint next_auto_commit_{};
};

}  // namespace millrace
