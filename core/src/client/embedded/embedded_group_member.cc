#include "client/embedded/embedded_group_member.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/deadline.h"
#include "client/assignment.h"
#include "client/embedded/wait_for.h"

namespace millrace {
namespace {

constexpr std::chrono::milliseconds kUndecidedBackoff{20};

Result<void> first_of(std::string_view group, const std::vector<ErrorCode>& codes,
                      const std::vector<PartitionOffset>& offsets) {
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] == ErrorCode::kNone) continue;
    return fail(codes[i], fmt::format("group \"{}\" cannot commit offset {} of {}: {}", group,
                                      offsets[i].offset.value(), offsets[i].partition.to_string(), name_of(codes[i])));
  }
  return {};
}

}  // namespace

EmbeddedGroupMember::EmbeddedGroupMember(EmbeddedContext& context, std::shared_ptr<ConsumerWaiter> waiter,
                                         GroupMembership::Settings settings)
    : context_(context),
      waiter_(std::move(waiter)),
      group_(settings.group),
      timers_(std::make_shared<DeadlineQueue>(context.executor, context.clock)),
      membership_(std::move(settings)) {}

PartitionCounts EmbeddedGroupMember::count(const std::set<std::string>& topics) const {
  const auto image = context_.broker->metadata();
  PartitionCounts counts;
  for (const auto& name : topics) {
    if (const auto topic = image->topic(name)) counts[name] = static_cast<std::int32_t>(topic->partitions.size());
  }
  return counts;
}

// --- membership ------------------------------------------------------------------------------------------------------

void EmbeddedGroupMember::subscribe(std::vector<std::string> topics) {
  const std::lock_guard lock{waiter_->mutex};
  membership_.subscribe(std::move(topics), context_.clock.now());
}

bool EmbeddedGroupMember::is_subscribed() const {
  const std::lock_guard lock{waiter_->mutex};
  return membership_.is_subscribed();
}

void EmbeddedGroupMember::polled() {
  const std::lock_guard lock{waiter_->mutex};
  membership_.polled(context_.clock.now());
  membership_.look_at_topics([this](const auto& topics) { return count(topics); });
}

std::optional<GroupMembership::Notice> EmbeddedGroupMember::next_notice() {
  const std::lock_guard lock{waiter_->mutex};
  return membership_.next_notice();
}

std::optional<Error> EmbeddedGroupMember::take_error() {
  const std::lock_guard lock{waiter_->mutex};
  return membership_.take_error();
}

std::optional<TimePoint> EmbeddedGroupMember::retry_at() const {
  const std::lock_guard lock{waiter_->mutex};
  return membership_.retry_at(context_.clock.now());
}

bool EmbeddedGroupMember::call_next() {
  std::optional<GroupMembership::Call> call;
  GroupMembership::CallNumber number = 0;
  {
    const std::lock_guard lock{waiter_->mutex};
    call = membership_.next_call(context_.clock.now(), [this](const auto& topics) { return count(topics); });
    number = membership_.call_number();
  }
  if (!call) return false;
  make(number, *std::move(call));
  return true;
}

void EmbeddedGroupMember::make(GroupMembership::CallNumber number, GroupMembership::Call call) {
  // An answer may come inside the call, so none is made with the mutex held.
  const auto answer = [self = shared_from_this()](auto&& take) {
    const std::lock_guard lock{self->waiter_->mutex};
    if (self->is_detached_) return;
    take(self->membership_, self->context_.clock.now());
    self->arm_timer();
    self->waiter_->tell_event();
  };
  if (std::holds_alternative<GroupMembership::FindCoordinator>(call)) {
    groups().ensure([answer, number](const Result<void>& result) {
      answer([&](auto& membership, TimePoint now) { membership.found(number, result, now); });
    });
  } else if (auto* join = std::get_if<JoinGroup>(&call)) {
    groups().join(group_, std::move(*join), [answer, number](JoinedGroup joined) {
      answer([&](auto& membership, TimePoint now) { membership.joined(number, std::move(joined), now); });
    });
  } else {
    groups().sync(group_, std::get<SyncGroup>(std::move(call)), [answer, number](const SyncedGroup& synced) {
      answer([&](auto& membership, TimePoint now) { membership.synced(number, synced, now); });
    });
  }
}

void EmbeddedGroupMember::leave() {
  std::optional<MemberName> member;
  {
    const std::lock_guard lock{waiter_->mutex};
    member = membership_.leave();
  }
  // Nobody needs the answer: a group that did not hear of it misses the member soon.
  if (member) groups().leave(group_, {*member}, [](auto&&) {});
}

// --- heartbeats ------------------------------------------------------------------------------------------------------

void EmbeddedGroupMember::arm_timer() {
  const auto when = membership_.next_timer();
  if (!when || (armed_ && *armed_ <= *when)) return;
  armed_ = when;
  timers_->add(*when, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_timer();
  });
}

void EmbeddedGroupMember::on_timer() {
  std::unique_lock lock{waiter_->mutex};
  armed_.reset();
  if (is_detached_) return;
  const auto call = membership_.on_timer(context_.clock.now());
  ++outside_;
  lock.unlock();
  auto answer = ErrorCode::kNone;
  const auto* beat = std::get_if<GroupMembership::Heartbeat>(&call);
  if (beat != nullptr) answer = groups().heartbeat(group_, beat->member, beat->generation);
  if (const auto* gone = std::get_if<GroupMembership::Leave>(&call))
    groups().leave(group_, {gone->member}, [](auto&&) {});
  lock.lock();
  if (beat != nullptr) {
    membership_.beat(*beat, answer);
    membership_.look_at_topics([this](const auto& topics) { return count(topics); });
  }
  --outside_;
  arm_timer();
  waiter_->tell_event();
}

// --- offsets ---------------------------------------------------------------------------------------------------------

void EmbeddedGroupMember::start_commit(std::vector<PartitionOffset> offsets, Answered answered) {
  CommitOffsets call;
  call.group = group_;
  {
    const std::lock_guard lock{waiter_->mutex};
    call.generation = membership_.generation();
    // Without a generation it is somebody outside of the group who commits.
    if (call.generation >= 0) call.member = membership_.name();
  }
  for (const auto& offset : offsets) {
    call.offsets.push_back({.topic = {.name = offset.partition.topic},
                            .partition = offset.partition.partition,
                            .offset = offset.offset,
                            .leader_epoch = offset.leader_epoch,
                            .metadata = offset.metadata});
  }
  // The coordinator's topic may not be there yet: a commit may be the first that is heard of any group.
  groups().ensure([self = shared_from_this(), call = std::move(call), offsets = std::move(offsets),
                   answered = std::move(answered)](const Result<void>& found) mutable {
    if (!found) return answered(found);
    bool is_detached = false;
    {
      const std::lock_guard lock{self->waiter_->mutex};
      is_detached = self->is_detached_;
      if (!is_detached) ++self->outside_;
    }
    if (is_detached) return answered(closed_consumer());
    self->groups().commit_offsets(std::move(call),
                                  [group = self->group_, offsets = std::move(offsets), answered = std::move(answered)](
                                      const auto& codes) mutable { answered(first_of(group, codes, offsets)); });
    const std::lock_guard lock{self->waiter_->mutex};
    --self->outside_;
    self->waiter_->changed.notify_all();
  });
}

void EmbeddedGroupMember::commit_async(std::vector<PartitionOffset> offsets, CommitListener done) {
  {
    const std::lock_guard lock{waiter_->mutex};
    ++commits_under_way_;
  }
  start_commit(std::move(offsets), [self = shared_from_this(), done = std::move(done)](Result<void> result) mutable {
    const std::lock_guard lock{self->waiter_->mutex};
    --self->commits_under_way_;
    self->answered_.push_back({std::move(result), std::move(done)});
    self->waiter_->changed.notify_all();
  });
}

Result<void> EmbeddedGroupMember::commit(std::vector<PartitionOffset> offsets, Duration timeout) {
  MILLRACE_TRY(result, wait_for<Result<void>>(fmt::format("committing offsets of group \"{}\"", group_), timeout,
                                              [&](auto done) { start_commit(std::move(offsets), std::move(done)); }));
  return result;
}

void EmbeddedGroupMember::serve_commits() {
  std::deque<Commit> answered;
  {
    const std::lock_guard lock{waiter_->mutex};
    answered.swap(answered_);
  }
  for (const auto& commit : answered) {
    if (commit.done) commit.done(commit.result);
  }
}

void EmbeddedGroupMember::finish_commits(Duration timeout) {
  {
    std::unique_lock lock{waiter_->mutex};
    waiter_->changed.wait_until(lock, deadline_in(timeout), [&] { return commits_under_way_ == 0; });
  }
  serve_commits();
}

Result<std::vector<PartitionOffset>> EmbeddedGroupMember::committed(std::span<const TopicPartition> partitions) const {
  std::vector<PartitionRef> wanted;
  for (const auto& partition : partitions) wanted.push_back({{.name = partition.topic}, partition.partition});
  // First what is undecided: an offset that is looked up later is at least as new as its end.
  MILLRACE_TRY(undecided, groups().undecided_offsets(group_));
  const auto waits =
      std::ranges::find_if(partitions, [&](const auto& partition) { return undecided.contains(partition); });
  if (waits != partitions.end()) {
    return fail(ErrorCode::kUnstableOffsetCommit,
                fmt::format("where group \"{}\" goes on in {} is for a transaction to say that is still open", group_,
                            waits->to_string()));
  }
  MILLRACE_TRY(found, groups().fetch_offsets(group_, wanted));
  std::vector<PartitionOffset> offsets;
  for (std::size_t i = 0; i < found.size(); ++i) {
    offsets.push_back({.partition = partitions[i],
                       .offset = found[i].offset.offset,
                       .leader_epoch = found[i].offset.leader_epoch,
                       .metadata = found[i].offset.metadata});
  }
  return offsets;
}

Result<std::vector<PartitionOffset>> EmbeddedGroupMember::committed(std::span<const TopicPartition> partitions,
                                                                    Duration timeout) const {
  const auto until = deadline_in(timeout);
  MILLRACE_TRY(ready, wait_for<Result<void>>(fmt::format("finding the coordinator of group \"{}\"", group_), timeout,
                                             [&](auto done) { groups().ensure(std::move(done)); }));
  if (!ready) return std::unexpected(ready.error());
  for (;;) {
    auto found = committed(partitions);
    const auto now = std::chrono::steady_clock::now();
    if (found || found.error().code() != ErrorCode::kUnstableOffsetCommit || now >= until) return found;
    // A transaction ends soon, and tells nobody here.
    std::unique_lock lock{waiter_->mutex};
    waiter_->changed.wait_until(lock, std::min(until, now + kUndecidedBackoff), [&] { return waiter_->closed; });
  }
}

Result<GroupMetadata> EmbeddedGroupMember::metadata() const {
  const std::lock_guard lock{waiter_->mutex};
  GroupMetadata metadata{.group = group_};
  if (!membership_.is_subscribed()) return metadata;
  metadata.generation = membership_.generation();
  if (metadata.generation < 0) return not_in_group(group_);
  metadata.member = membership_.name().id;
  metadata.instance = membership_.name().instance;
  return metadata;
}

void EmbeddedGroupMember::detach() {
  std::unique_lock lock{waiter_->mutex};
  is_detached_ = true;
  waiter_->changed.wait(lock, [&] { return outside_ == 0; });
  lock.unlock();
  timers_->close();
}

}  // namespace millrace
