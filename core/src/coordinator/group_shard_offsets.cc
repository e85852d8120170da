// The committed offsets of a shard: commit, fetch, forget, expire.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "coordinator/group_shard.h"

namespace millrace {

void GroupShard::commit(const CommitOffsets& call, ErrorCodesDone done) {
  Outbox out;
  {
    const std::lock_guard lock{mutex_};
    const auto now = time();
    auto error = unavailable();
    if (error == ErrorCode::kNone) {
      auto* entry = find(call.group);
      // Whoever commits without being a member makes a group that has none.
      if (entry == nullptr && call.generation < 0) entry = &find_or_make(call.group);
      auto* consumer = entry == nullptr ? nullptr : entry->consumer();
      // A transaction that says nothing of a member need not be one's: clients of old have no words for it.
      const bool is_anyones =
          call.transaction && call.generation < 0 && call.member.id.empty() && !call.member.instance;
      if (entry == nullptr) {
        const bool knows_groups = !call.transaction && call.speaks == GroupType::kConsumer;
        error = knows_groups ? ErrorCode::kGroupIdNotFound : ErrorCode::kIllegalGeneration;
      } else if (is_anyones) {
        error = ErrorCode::kNone;
      } else if (consumer != nullptr) {
        error = consumer->may_commit(call);
        // A producer knows the older word only.
        if (call.transaction && error == ErrorCode::kStaleMemberEpoch) error = ErrorCode::kIllegalGeneration;
      } else {
        error = entry->classic()->may_commit(call.member, call.generation, now);
        // What a producer would take for the end of it; its member is of this generation all the same.
        if (call.transaction && error == ErrorCode::kRebalanceInProgress) error = ErrorCode::kNone;
      }
    }
    std::vector<ErrorCode> answers(call.offsets.size(), error);
    std::vector<protocol::GroupRecord> records;
    for (std::size_t i = 0; error == ErrorCode::kNone && i < call.offsets.size(); ++i) {
      const auto& offset = call.offsets[i];
      if (offset.metadata.size() > context_->offsets.max_metadata_bytes) {
        answers[i] = ErrorCode::kOffsetMetadataTooLarge;
        continue;
      }
      CommittedOffset committed;
      committed.offset = offset.offset;
      committed.leader_epoch = offset.leader_epoch;
      committed.metadata = offset.metadata;
      committed.committed = now.wall;
      if (call.retention) committed.expires = now.wall + *call.retention;
      records.emplace_back(offset_record(call.group, {offset.topic.name, offset.partition}, committed));
    }
    const auto tell = [](ErrorCodesDone to, std::vector<ErrorCode> codes, Outbox& box) {
      box.add([to = std::move(to), codes = std::move(codes)]() mutable { to(std::move(codes)); });
    };
    if (records.empty()) {
      tell(std::move(done), std::move(answers), out);
    } else {
      persist(
          std::move(records),
          [done = std::move(done), answers = std::move(answers), tell](ErrorCode code, Outbox& later) mutable {
            for (auto& one : answers) {
              if (one == ErrorCode::kNone) one = code;
            }
            tell(std::move(done), std::move(answers), later);
          },
          out, call.transaction);
    }
  }
  out.send();
}

Result<std::vector<CommittedOffset>> GroupShard::fetch(const std::string& group,
                                                       std::span<const TopicPartition> partitions) {
  const std::lock_guard lock{mutex_};
  if (const auto error = unavailable(); error != ErrorCode::kNone) {
    return fail(error, fmt::format("cannot fetch the offsets of the group \"{}\"", group));
  }
  std::vector<CommittedOffset> found;
  found.reserve(partitions.size());
  for (const auto& partition : partitions) {
    const auto* offset = offsets_.find(group, partition);
    found.push_back(offset == nullptr ? CommittedOffset{} : *offset);
  }
  return found;
}

Result<CommittedOffsets::OfGroup> GroupShard::fetch_all(const std::string& group) {
  const std::lock_guard lock{mutex_};
  if (const auto error = unavailable(); error != ErrorCode::kNone) {
    return fail(error, fmt::format("cannot fetch the offsets of the group \"{}\"", group));
  }
  const auto* offsets = offsets_.of_group(group);
  return offsets == nullptr ? CommittedOffsets::OfGroup{} : *offsets;
}

void GroupShard::forget_offsets(const std::string& group, const std::vector<TopicPartition>& partitions,
                                DeleteOffsetsDone done) {
  Outbox out;
  {
    const std::lock_guard lock{mutex_};
    auto error = unavailable();
    const auto* entry = find(group);
    if (error == ErrorCode::kNone && entry == nullptr) error = ErrorCode::kGroupIdNotFound;
    // What members of other kinds have subscribed to cannot be told.
    const bool has_members = entry != nullptr && entry->state() != GroupState::kEmpty;
    const auto* classic = entry == nullptr ? nullptr : entry->classic();
    if (error == ErrorCode::kNone && has_members && classic != nullptr && !classic->is_consumer_group()) {
      error = ErrorCode::kNonEmptyGroup;
    }
    if (error != ErrorCode::kNone) {
      out.add([done = std::move(done), error, group]() mutable {
        done(fail(error, fmt::format("cannot delete offsets of the group \"{}\"", group)));
      });
    } else {
      std::vector<ErrorCode> answers;
      std::vector<protocol::GroupRecord> records;
      const auto known = partitions_of(group);
      const auto reads = [&](const std::string& topic) {
        if (classic == nullptr) return entry->consumer()->is_subscribed_to(topic);
        const auto& subscribed = classic->subscribed_topics();
        return !subscribed || subscribed->contains(topic);
      };
      for (const auto& partition : partitions) {
        const bool is_read = has_members && reads(partition.topic);
        answers.push_back(is_read ? ErrorCode::kGroupSubscribedToTopic : ErrorCode::kNone);
        if (!is_read && known.contains(partition)) records.emplace_back(offset_tombstone(group, partition));
      }
      if (records.empty()) {
        out.add([done = std::move(done), answers = std::move(answers)]() mutable { done(std::move(answers)); });
      } else {
        persist(
            std::move(records),
            [done = std::move(done), answers = std::move(answers)](ErrorCode code, Outbox& later) mutable {
              later.add([done = std::move(done), answers = std::move(answers), code]() mutable {
                if (code != ErrorCode::kNone) return done(fail(code, "the offsets' records cannot be written"));
                done(std::move(answers));
              });
            },
            out);
      }
    }
  }
  out.send();
}

void GroupShard::forget_topics(const std::set<std::string>& topics) {
  Outbox out;
  {
    const std::lock_guard lock{mutex_};
    if (!is_active()) return;
    for (const auto& [id, entry] : groups_) {
      std::vector<protocol::GroupRecord> records;
      for (const auto& partition : partitions_of(id)) {
        if (topics.contains(partition.topic)) records.emplace_back(offset_tombstone(id, partition));
      }
      if (!records.empty()) persist(std::move(records), [](ErrorCode, Outbox&) {}, out);
    }
  }
  out.send();
}

bool GroupShard::is_expired(const Entry& entry, const TopicPartition& partition, const CommittedOffset& offset,
                            Timestamp now) const {
  auto since = offset.committed;
  const auto* group = entry.classic();
  if (group == nullptr) {
    // A group that reads keeps what it reads.
    if (entry.consumer()->is_subscribed_to(partition.topic)) return false;
  } else if (group->protocol_type()) {
    if (group->state() == GroupState::kEmpty) {
      since = group->state_since().value_or(offset.committed);
    } else {
      const auto& subscribed = group->subscribed_topics();
      const bool is_unread = group->state() == GroupState::kStable && group->is_consumer_group() && subscribed &&
                             !subscribed->contains(partition.topic);
      if (!is_unread) return false;
    }
  }
  return offset.expires ? now >= *offset.expires : now - since >= context_->offsets.retention;
}

void GroupShard::expire_group(const std::string& id, CoordinatorTime time, Outbox& out) {
  auto* entry = find(id);
  std::vector<protocol::GroupRecord> records;
  std::size_t kept = 0;
  if (const auto* offsets = offsets_.of_group(id)) {
    for (const auto& [partition, offset] : *offsets) {
      if (is_expired(*entry, partition, offset, time.wall)) {
        records.emplace_back(offset_tombstone(id, partition));
      } else {
        ++kept;
      }
    }
  }
  const auto* classic = entry->classic();
  const bool is_abandoned = classic != nullptr ? classic->is_abandoned() : entry->state() == GroupState::kEmpty;
  if (kept == 0 && is_abandoned) {
    std::ranges::move(end_of(id, *entry), std::back_inserter(records));
    groups_.erase(id);
  }
  if (!records.empty()) persist(std::move(records), [](ErrorCode, Outbox&) {}, out);
}

void GroupShard::expire() {
  Outbox out;
  {
    const std::lock_guard lock{mutex_};
    if (!is_active()) return;
    // What is being written may be what keeps a group.
    const auto busy = written_groups();
    std::vector<std::string> ids;
    for (const auto& [id, entry] : groups_) {
      if (!busy.contains(id)) ids.push_back(id);
    }
    for (const auto& id : ids) expire_group(id, time(), out);
  }
  out.send();
}

}  // namespace millrace
