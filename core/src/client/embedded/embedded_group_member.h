#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/deadline_queue.h"
#include "client/embedded/consumer_waiter.h"
#include "client/embedded/embedded_client.h"
#include "client/group/group_membership.h"

namespace millrace {

/// A consumer's place in its group, over the coordinator of this process: makes the calls of `GroupMembership`, sends
/// its heartbeats, and commits.
///
/// Threading: one thread at a time, the consumer's; what the coordinator answers, and timers, come on others and are
/// guarded by the waiter's mutex. They keep this object but not the broker, so that none of the broker's threads is
/// ever the one to end it: after `detach` nothing here touches the context.
class EmbeddedGroupMember : public std::enable_shared_from_this<EmbeddedGroupMember> {
 public:
  EmbeddedGroupMember(EmbeddedContext& context, std::shared_ptr<ConsumerWaiter> waiter,
                      GroupMembership::Settings settings);

  void subscribe(std::vector<std::string> topics);
  [[nodiscard]] bool is_subscribed() const;

  /// The application polls.
  void polled();
  /// What it must be told before the group goes on.
  [[nodiscard]] std::optional<GroupMembership::Notice> next_notice();
  /// Makes the call that is next; false when there is none.
  bool call_next();
  [[nodiscard]] std::optional<Error> take_error();
  /// When something is to be tried again.
  [[nodiscard]] std::optional<TimePoint> retry_at() const;

  /// Leaves: at once, as the coordinator is here. What it had is revoked by `next_notice`.
  void leave();

  /// Commits in the order of the calls. `done` is called by `serve_commits`.
  void commit_async(std::vector<PartitionOffset> offsets, CommitListener done);
  [[nodiscard]] Result<void> commit(std::vector<PartitionOffset> offsets, Duration timeout);
  /// Tells what became of asynchronous commits.
  void serve_commits();
  /// Waits until all of them are answered, and tells.
  void finish_commits(Duration timeout);
  /// Errors: `kCoordinatorLoadInProgress` and its like for a moment after the broker has started;
  /// `kUnstableOffsetCommit` while a transaction has sent one of the offsets.
  [[nodiscard]] Result<std::vector<PartitionOffset>> committed(std::span<const TopicPartition> partitions) const;
  /// The same, after the coordinator can be asked and the transaction has ended; within `timeout`.
  [[nodiscard]] Result<std::vector<PartitionOffset>> committed(std::span<const TopicPartition> partitions,
                                                               Duration timeout) const;
  /// Errors: `kUnknownMemberId`: it is subscribed and not in the group.
  [[nodiscard]] Result<GroupMetadata> metadata() const;

  /// Waits for what runs just now; afterwards the context may go. The last call.
  void detach();

 private:
  struct Commit {
    Result<void> result;
    CommitListener done;
  };
  using Answered = std::move_only_function<void(Result<void>)>;

  [[nodiscard]] GroupCoordinator& groups() const { return context_.broker->groups(); }
  [[nodiscard]] PartitionCounts count(const std::set<std::string>& topics) const;
  void start_commit(std::vector<PartitionOffset> offsets, Answered answered);
  void make(GroupMembership::CallNumber number, GroupMembership::Call call);
  /// With the mutex held.
  void arm_timer();
  void on_timer();

  EmbeddedContext& context_;
  const std::shared_ptr<ConsumerWaiter> waiter_;
  const std::string group_;
  const std::shared_ptr<DeadlineQueue> timers_;

  // Guarded by the waiter's mutex.
  GroupMembership membership_;
  std::optional<TimePoint> armed_;
  std::deque<Commit> answered_;
  std::size_t commits_under_way_ = 0;
  bool is_detached_ = false;
  int outside_ = 0;
};

}  // namespace millrace
