// The groups of the consumer protocol of a shard.

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/uuid.h"
#include "coordinator/group_shard.h"

namespace millrace {

ConsumerGroupTimes GroupShard::times_of_group(const std::string& group, const MetadataImage& image) const {
  const auto own = image.group_configs.find(group);
  return own == image.group_configs.end() ? context_->consumer_groups.times
                                          : times_of(own->second, context_->consumer_groups);
}

std::optional<ConsumerGroup> GroupShard::taken_on(const std::string& group, const Entry* entry) const {
  const auto& config = context_->consumer_groups;
  if (entry == nullptr || entry->state() == GroupState::kEmpty) return ConsumerGroup{group, config};
  const auto& classic = *entry->classic();
  const bool is_allowed = config.migration == Migration::kUpgrade || config.migration == Migration::kBidirectional;
  if (!is_allowed || !classic.is_consumer_group() || classic.size() > config.max_size) return std::nullopt;
  auto upgraded = ConsumerGroup::upgrade(classic, config, *metadata_(), time());
  if (upgraded) return *std::move(upgraded);
  context_->logger.warn("the group \"{}\" cannot take on the consumer protocol: {}", group, upgraded.error().message());
  return std::nullopt;
}

void GroupShard::consumer_heartbeat(const std::string& group, ConsumerHeartbeat call, ConsumerHeartbeatDone done) {
  Outbox out;
  {
    const std::lock_guard lock{mutex_};
    auto* entry = find(group);
    // A group that changes its protocol for a member does so when that is let in.
    std::optional<ConsumerGroup> fresh;
    const bool may_change = (entry == nullptr || entry->classic() != nullptr) && call.epoch == kJoinsGroup;
    if (is_active() && may_change) fresh = taken_on(group, entry);
    auto* consumer = fresh ? &*fresh : entry == nullptr ? nullptr : entry->consumer();
    ConsumerGroup::Answered answered;
    if (const auto error = unavailable(); error != ErrorCode::kNone) {
      answered.answer.error = error;
    } else if (consumer == nullptr) {
      answered.answer.error = ErrorCode::kGroupIdNotFound;
      answered.answer.message = entry == nullptr ? fmt::format("Group {} not found.", group)
                                                 : fmt::format("Group {} is not a consumer group.", group);
    } else {
      const auto image = metadata_();
      consumer->keep_to(times_of_group(group, *image));
      answered = consumer->heartbeat(std::move(call), random_uuid(random_), *image, time());
    }
    if (answered.answer.error == ErrorCode::kNone && fresh) {
      if (entry != nullptr) {
        perform(group, *entry, entry->classic()->end_waits(ErrorCode::kRebalanceInProgress), out);
        auto end = end_of(group, *entry);
        answered.records.insert(answered.records.begin(), end.begin(), end.end());
      }
      entry = &groups_.insert_or_assign(group, Entry{.group = *std::move(fresh)}).first->second;
    }
    Then tell = [done = std::move(done), answer = std::move(answered.answer)](ErrorCode code, Outbox& later) mutable {
      if (code != ErrorCode::kNone) answer = {.error = code, .member_id = answer.member_id};
      later.add([done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
    };
    if (entry != nullptr && entry->consumer() != nullptr) {
      store(group, *entry, std::move(answered.records), std::move(tell), out);
    } else {
      tell(ErrorCode::kNone, out);
    }
  }
  out.send();
}

void GroupShard::join_consumer_group(const std::string& id, Entry& entry, GroupRequestId request, JoinGroup call,
                                     Outbox& out) {
  const auto& limits = context_->groups;
  if (call.session_timeout < limits.min_session_timeout || call.session_timeout > limits.max_session_timeout) {
    JoinedGroup refused;
    refused.error = ErrorCode::kInvalidSessionTimeout;
    refused.member_id = call.member.id;
    return tell_joined(request, std::move(refused), out);
  }
  auto joined = entry.consumer()->join(std::move(call), random_uuid(random_), *metadata_(), time());
  auto tell = [this, request, answer = std::move(joined.answer)](ErrorCode code, Outbox& later) mutable {
    if (code != ErrorCode::kNone) {
      JoinedGroup failed;
      failed.error = code;
      failed.member_id = answer.member_id;
      answer = std::move(failed);
    }
    tell_joined(request, std::move(answer), later);
  };
  store(id, entry, std::move(joined.records), std::move(tell), out);
}

void GroupShard::tell_joined(GroupRequestId request, JoinedGroup answer, Outbox& out) {
  auto found = joins_.extract(request);
  if (!found) return;
  out.add([done = std::move(found.mapped()), answer = std::move(answer)]() mutable { done(std::move(answer)); });
}

void GroupShard::downgrade(const std::string& id, Entry& entry, GroupRecords& records, Outbox& out) {
  std::ranges::move(entry.consumer()->tombstones(), std::back_inserter(records));
  protocol::GroupMetadataRecord stays;
  stays.key.group = id;
  stays.value = entry.consumer()->downgraded(*metadata_(), time());
  entry.group = ClassicGroup::restore(id, context_->groups, *stays.value, time());
  records.emplace_back(std::move(stays));
  perform(id, entry, entry.classic()->rebalance(time()), out);
}

void GroupShard::store(const std::string& id, Entry& entry, GroupRecords records, Then then, Outbox& out) {
  const auto migration = context_->consumer_groups.migration;
  const bool may_downgrade = migration == Migration::kDowngrade || migration == Migration::kBidirectional;
  if (may_downgrade && !records.empty() && entry.consumer()->has_only_classic_members()) {
    downgrade(id, entry, records, out);
  }
  arm(entry.armed, id, entry.next_timer());
  if (!records.empty()) return persist(std::move(records), std::move(then), out);
  // What was not written now may stand on what is being written.
  if (writes_waiting() > 0) return then_after_last_write(std::move(then));
  then(ErrorCode::kNone, out);
}

Result<ConsumerGroupView> GroupShard::describe_consumer_group(const std::string& group) {
  const std::lock_guard lock{mutex_};
  if (const auto error = unavailable(); error != ErrorCode::kNone) {
    return fail(error, fmt::format("cannot describe the group \"{}\"", group));
  }
  const auto* entry = find(group);
  if (entry == nullptr) return fail(ErrorCode::kGroupIdNotFound, fmt::format("Group {} not found.", group));
  if (entry->consumer() != nullptr) return entry->consumer()->view();
  return fail(ErrorCode::kGroupIdNotFound, fmt::format("Group {} is not a consumer group.", group));
}

ErrorCode GroupShard::may_fetch(const std::string& group, const std::optional<std::string>& member,
                                std::int32_t epoch) {
  const std::lock_guard lock{mutex_};
  if (const auto error = unavailable(); error != ErrorCode::kNone) return error;
  const auto* entry = find(group);
  if (entry == nullptr || entry->consumer() == nullptr) return ErrorCode::kNone;
  return entry->consumer()->may_fetch(member, epoch);
}

}  // namespace millrace
