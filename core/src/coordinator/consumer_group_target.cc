// How a group of the consumer protocol divides its topics, and how a member comes from what it has to what it is to
// have.

#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "coordinator/consumer_group.h"

namespace millrace {
namespace {

/// Tells one state of topics from another (FNV-1a); what it is nobody else relies on.
class TopicsHash {
 public:
  void add(Bytes bytes) {
    for (const auto byte : bytes) value_ = (value_ ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3U;
  }
  [[nodiscard]] std::int64_t value() const { return static_cast<std::int64_t>(value_); }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325U;
};

std::int64_t hash_of(const std::set<std::string>& names, const MetadataImage& topics) {
  TopicsHash hash;
  bool any = false;
  for (const auto& name : names) {
    const auto topic = topics.topic(name);
    if (!topic) continue;
    any = true;
    const auto count = topic->partitions.size();
    hash.add(std::as_bytes(std::span{topic->id.bytes}));
    hash.add(as_bytes(name));
    hash.add(std::as_bytes(std::span{&count, 1}));
  }
  return any ? hash.value() : 0;
}

/// Whether `owned` has any of `lost`; a member that does not say has all.
bool has_any(const std::optional<TopicPartitions>& owned, const auto& lost) {
  if (!owned) return true;
  return std::ranges::any_of(*owned, [&](const auto& entry) {
    const auto some = lost.find(entry.first);
    return some != lost.end() && std::ranges::any_of(entry.second, [&](PartitionIndex partition) {
             return some->second.contains(partition);
           });
  });
}

}  // namespace

// --- topics ----------------------------------------------------------------------------------------------------------

void ConsumerGroup::look_at_topics(const MetadataImage& topics, bool is_changed, CoordinatorTime time,
                                   GroupRecords& records) {
  if (!is_changed && seen_ == topics.last_offset) return;
  seen_ = topics.last_offset;
  resolve_patterns(topics, time, records);
  const auto hash = hash_of(all_topics(), topics);
  const bool has_new_hash = hash != topics_hash_;
  // A group that has gone on since it last divided its topics need not go on for the same once more.
  if (is_changed || (has_new_hash && epoch_ == target_epoch_)) ++epoch_;
  topics_hash_ = hash;
  if (is_changed || has_new_hash) records.push_back(group_record());
}

void ConsumerGroup::resolve_patterns(const MetadataImage& topics, CoordinatorTime time, GroupRecords& records) {
  std::map<std::string, std::set<std::string>> resolved;
  for (const auto& reads : subscriptions()) {
    if (reads->pattern) resolved.try_emplace(*reads->pattern);
  }
  for (auto& [pattern, names] : resolved) {
    const RE2 matcher{pattern, RE2::Quiet};
    for (const auto& [name, topic] : topics.topics) {
      if (matcher.ok() && RE2::FullMatch(name, matcher)) names.insert(name);
    }
    const auto before = patterns_.find(pattern);
    if (before != patterns_.end() && before->second == names) continue;
    protocol::ConsumerGroupRegularExpressionRecord record;
    record.key = {.group = id_, .regular_expression = pattern};
    record.value = {.topics = {names.begin(), names.end()},
                    .version = topics.last_offset.value(),
                    .timestamp = time.wall.time_since_epoch().count()};
    records.emplace_back(std::move(record));
  }
  for (const auto& [pattern, names] : patterns_) {
    if (resolved.contains(pattern)) continue;
    protocol::ConsumerGroupRegularExpressionRecord gone;
    gone.key = {.group = id_, .regular_expression = pattern};
    records.emplace_back(std::move(gone));
  }
  patterns_ = std::move(resolved);
}

ConsumerGroup::Subscription ConsumerGroup::subscription_of(const Member& member) {
  return {.names = member.said.subscribed_topic_names, .pattern = member.said.subscribed_topic_regex};
}

std::set<ConsumerGroup::SubscriptionPtr> ConsumerGroup::subscriptions() const {
  std::set<SubscriptionPtr> different;
  const Subscription* before = nullptr;
  for (const auto& [id, member] : members_) {
    if (std::exchange(before, member.reads.get()) != member.reads.get()) different.insert(member.reads);
  }
  return different;
}

void ConsumerGroup::share_subscription(Member& member) const {
  auto wanted = subscription_of(member);
  const auto all = subscriptions();
  const auto known = std::ranges::find_if(all, [&](const auto& reads) { return *reads == wanted; });
  member.reads = known != all.end() ? *known : std::make_shared<const Subscription>(std::move(wanted));
}

void ConsumerGroup::share_subscriptions() {
  std::map<Subscription, SubscriptionPtr> known;
  for (auto& [id, member] : members_) {
    auto& shared = known[subscription_of(member)];
    if (!shared) shared = std::make_shared<const Subscription>(subscription_of(member));
    member.reads = shared;
  }
}

std::set<std::string> ConsumerGroup::topics_of(const Subscription& reads) const {
  std::set<std::string> names{reads.names.begin(), reads.names.end()};
  if (!reads.pattern) return names;
  const auto resolved = patterns_.find(*reads.pattern);
  if (resolved != patterns_.end()) names.insert(resolved->second.begin(), resolved->second.end());
  return names;
}

std::set<std::string> ConsumerGroup::all_topics() const {
  std::set<std::string> names;
  for (const auto& reads : subscriptions()) names.merge(topics_of(*reads));
  return names;
}

// --- the target ------------------------------------------------------------------------------------------------------

ServerAssignor ConsumerGroup::preferred_assignor() const {
  std::map<std::string_view, int> votes;
  for (const auto& [id, member] : members_) {
    if (member.said.server_assignor) ++votes[*member.said.server_assignor];
  }
  const auto winner = std::ranges::max_element(votes, {}, [](const auto& entry) { return entry.second; });
  const auto wanted = winner == votes.end() ? std::nullopt : assignor_of(winner->first);
  return wanted.value_or(config_.assignors.front());
}

void ConsumerGroup::divide(const MetadataImage& topics, CoordinatorTime time, GroupRecords& records) {
  std::map<SubscriptionPtr, std::shared_ptr<const std::set<TopicId>>> ids;
  TopicPartitionCounts counts;
  for (const auto& reads : subscriptions()) {
    std::set<TopicId> read;
    for (const auto& name : topics_of(*reads)) {
      const auto topic = topics.topic(name);
      if (!topic) continue;
      read.insert(topic->id);
      counts[topic->id] = static_cast<std::int32_t>(topic->partitions.size());
    }
    ids.emplace(reads, std::make_shared<const std::set<TopicId>>(std::move(read)));
  }
  std::vector<TargetMember> asking;
  asking.reserve(members_.size());
  for (auto& [id, member] : members_) {
    asking.push_back({.id = id,
                      .instance = member.said.instance_id,
                      .topics = ids.at(member.reads),
                      .target = std::move(member.target)});
  }
  auto target = assign(preferred_assignor(), asking, counts);
  std::size_t place = 0;
  for (auto& [id, member] : members_) {
    member.target = std::move(target[place]);
    if (member.target != asking[place].target) records.push_back(target_record(member));
    ++place;
  }
  target_epoch_ = epoch_;
  records.push_back(target_epoch_record(time));
}

// --- from what a member has to what it is to have --------------------------------------------------------------------

void ConsumerGroup::reconcile(Member& member, bool reads_others, const std::optional<TopicPartitions>& owned,
                              const MetadataImage& topics, CoordinatorTime time, GroupRecords& records) {
  if (member.stage == Stage::kStable && member.epoch == target_epoch_) return;
  const bool has_to_give_back = member.stage == Stage::kUnrevoked && has_any(owned, member.revoking);
  if (has_to_give_back && !reads_others) return;
  const auto before = current_record(member);
  if (has_to_give_back) {
    revoke_unread(member, topics);
  } else {
    forget_owner(member);
    go_on(member, owned);
    note_owner(member);
  }
  auto after = current_record(member);
  const auto value_of = [](const protocol::GroupRecord& record) {
    return std::get<protocol::ConsumerGroupCurrentMemberAssignmentRecord>(record).value;
  };
  if (value_of(before) == value_of(after)) return;
  member.revoke_deadline.reset();
  if (member.stage == Stage::kUnrevoked && !member.said.classic_member_metadata) {
    member.revoke_deadline = timed(time.now + std::chrono::milliseconds{member.said.rebalance_timeout_ms});
  }
  records.push_back(std::move(after));
}

void ConsumerGroup::go_on(Member& member, const std::optional<TopicPartitions>& owned) {
  Owned kept;
  Owned lost;
  for (const auto& [topic, partitions] : member.assigned) {
    const auto wanted = member.target.find(topic);
    for (const auto& [partition, since] : partitions) {
      const bool stays = wanted != member.target.end() && wanted->second.contains(partition);
      (stays ? kept : lost)[topic].emplace(partition, since);
    }
  }
  Owned gained;
  bool somebody_has_one = false;
  for (const auto& [topic, partitions] : member.target) {
    const auto held = kept.find(topic);
    for (const auto partition : partitions) {
      if (held != kept.end() && held->second.contains(partition)) continue;
      if (is_free(topic, partition, member)) {
        gained[topic].emplace(partition, target_epoch_);
      } else {
        somebody_has_one = true;
      }
    }
  }
  member.previous_epoch = member.epoch;
  member.assigned = std::move(kept);
  if (!lost.empty() && has_any(owned, lost)) {
    // It stays at its epoch until it says that it has given them back.
    member.stage = Stage::kUnrevoked;
    member.revoking = std::move(lost);
    return;
  }
  member.epoch = target_epoch_;
  member.stage = somebody_has_one ? Stage::kUnreleased : Stage::kStable;
  member.revoking.clear();
  for (auto& [topic, partitions] : gained) member.assigned[topic].merge(partitions);
}

void ConsumerGroup::revoke_unread(Member& member, const MetadataImage& topics) {
  const auto names = topics_of(*member.reads);
  for (auto at = member.assigned.begin(); at != member.assigned.end();) {
    const auto topic = topics.topic(at->first);
    const bool is_read = topic && names.contains(topic->name);
    if (!is_read) member.revoking[at->first].merge(at->second);
    at = is_read ? std::next(at) : member.assigned.erase(at);
  }
}

bool ConsumerGroup::is_free(const TopicId& topic, PartitionIndex partition, const Member& asker) const {
  const auto owner = owners_.find({topic, partition});
  return owner == owners_.end() || owner->second == asker.id;
}

void ConsumerGroup::note_owner(const Member& member) {
  for (const auto* owned : {&member.assigned, &member.revoking}) {
    for (const auto& [topic, partitions] : *owned) {
      for (const auto& [partition, since] : partitions) owners_.insert_or_assign({topic, partition}, member.id);
    }
  }
}

void ConsumerGroup::forget_owner(const Member& member) {
  for (const auto* owned : {&member.assigned, &member.revoking}) {
    for (const auto& [topic, partitions] : *owned) {
      for (const auto& [partition, since] : partitions) {
        const auto owner = owners_.find({topic, partition});
        if (owner != owners_.end() && owner->second == member.id) owners_.erase(owner);
      }
    }
  }
}

}  // namespace millrace
