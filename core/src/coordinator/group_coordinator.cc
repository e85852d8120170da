#include "coordinator/group_coordinator.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

namespace millrace {
namespace {

constexpr std::string_view kNoTopic = "there is no __consumer_offsets here; ask for the group's coordinator first";

/// Collects one code for each of several calls and tells when the last has come.
class Tally {
 public:
  Tally(std::size_t count, ErrorCodesDone done)
      : codes_(count, ErrorCode::kNone), left_(count), done_(std::move(done)) {}
  void settle(std::size_t index, ErrorCode code) {
    codes_[index] = code;
    if (left_.fetch_sub(1) == 1) done_(std::exchange(codes_, {}));
  }

 private:
  std::vector<ErrorCode> codes_;
  std::atomic<std::size_t> left_;
  ErrorCodesDone done_;
};

}  // namespace

GroupCoordinator::GroupCoordinator(std::shared_ptr<GroupContext> context, Metadata metadata,
                                   std::chrono::milliseconds retention_check, std::uint64_t seed)
    : metadata_(std::move(metadata)),
      shards_(std::make_shared<CoordinatorShards<GroupShard>>(
          context, retention_check, [context, metadata = metadata_, seed](PartitionIndex partition) {
            return std::make_shared<GroupShard>(partition, context, metadata,
                                                seed + static_cast<std::uint64_t>(partition.value()));
          })) {}

GroupCoordinator::~GroupCoordinator() { close(); }

void GroupCoordinator::start() { shards_->open(); }

void GroupCoordinator::load_again() { shards_->load_again(); }

void GroupCoordinator::end_waits() { shards_->end_waits(); }

void GroupCoordinator::close() { shards_->close(); }

void GroupCoordinator::ensure(CoordinatorLog::Done done) { shards_->ensure(std::move(done)); }

Result<std::shared_ptr<GroupShard>> GroupCoordinator::named_shard(const std::string& group) {
  if (group.empty()) return fail(ErrorCode::kInvalidGroupId, "a group's id must not be empty");
  auto shard = shards_->of(group);
  if (!shard) return fail(ErrorCode::kNotCoordinator, std::string{kNoTopic});
  return shard;
}

// --- groups ----------------------------------------------------------------------------------------------------------

void GroupCoordinator::join(const std::string& group, JoinGroup call, JoinDone done) {
  const auto shard = named_shard(group);
  if (shard) return (*shard)->join(group, std::move(call), std::move(done));
  JoinedGroup refused;
  refused.error = shard.error().code();
  refused.member_id = call.member.id;
  done(std::move(refused));
}

void GroupCoordinator::sync(const std::string& group, SyncGroup call, SyncDone done) {
  const auto shard = named_shard(group);
  if (shard) return (*shard)->sync(group, std::move(call), std::move(done));
  SyncedGroup refused;
  refused.error = shard.error().code();
  done(std::move(refused));
}

ErrorCode GroupCoordinator::heartbeat(const std::string& group, const MemberName& member, std::int32_t generation) {
  const auto shard = named_shard(group);
  return shard ? (*shard)->heartbeat(group, member, generation) : shard.error().code();
}

void GroupCoordinator::leave(const std::string& group, const std::vector<MemberName>& members, LeaveDone done) {
  const auto shard = named_shard(group);
  if (!shard) return done(std::unexpected(shard.error()));
  (*shard)->leave(group, members, std::move(done));
}

Result<std::vector<ListedGroup>> GroupCoordinator::list() {
  std::vector<ListedGroup> all;
  for (const auto& shard : shards_->all()) {
    auto groups = shard->list();
    if (!groups && groups.error().code() == ErrorCode::kNotCoordinator) continue;
    if (!groups) return groups;
    std::ranges::move(*groups, std::back_inserter(all));
  }
  std::ranges::sort(all, {}, &ListedGroup::id);
  return all;
}

Result<DescribedGroup> GroupCoordinator::describe(const std::string& group) {
  const auto shard = shards_->of(group);
  if (!shard) return fail(ErrorCode::kNotCoordinator, std::string{kNoTopic});
  return shard->describe(group);
}

void GroupCoordinator::delete_groups(const std::vector<std::string>& groups, ErrorCodesDone done) {
  if (groups.empty()) return done({});
  const auto tally = std::make_shared<Tally>(groups.size(), std::move(done));
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto shard = shards_->of(groups[i]);
    if (!shard) {
      tally->settle(i, ErrorCode::kNotCoordinator);
    } else {
      shard->forget_group(groups[i], [tally, i](ErrorCode code) { tally->settle(i, code); });
    }
  }
}

void GroupCoordinator::consumer_heartbeat(const std::string& group, ConsumerHeartbeat call,
                                          ConsumerHeartbeatDone done) {
  const auto shard = named_shard(group);
  if (shard) return (*shard)->consumer_heartbeat(group, std::move(call), std::move(done));
  done({.error = shard.error().code(), .message = shard.error().message(), .member_id = call.member.id});
}

Result<ConsumerGroupView> GroupCoordinator::describe_consumer_group(const std::string& group) {
  MILLRACE_TRY(shard, named_shard(group));
  return shard->describe_consumer_group(group);
}

ErrorCode GroupCoordinator::may_fetch(const std::string& group, const std::optional<std::string>& member,
                                      std::int32_t epoch) {
  const auto shard = shards_->of(group);
  return shard ? shard->may_fetch(group, member, epoch) : ErrorCode::kNotCoordinator;
}

// --- offsets ---------------------------------------------------------------------------------------------------------

void GroupCoordinator::commit_offsets(CommitOffsets call, ErrorCodesDone done) {
  const auto shard = shards_->of(call.group);
  if (!shard) return done(std::vector<ErrorCode>(call.offsets.size(), ErrorCode::kNotCoordinator));
  // Offsets of topics that there are go to the shard; the others keep their error.
  std::vector<ErrorCode> answers(call.offsets.size(), ErrorCode::kNone);
  std::vector<std::size_t> places;
  CommitOffsets known = std::move(call);
  const auto offered = std::exchange(known.offsets, {});
  const auto image = metadata_();
  for (std::size_t i = 0; i < offered.size(); ++i) {
    const auto topic = find_topic(*image, offered[i].topic);
    if (!topic) {
      answers[i] = topic.error().code();
      continue;
    }
    known.offsets.push_back(offered[i]);
    known.offsets.back().topic = {(*topic)->name, (*topic)->id};
    places.push_back(i);
  }
  shard->commit(known, [answers = std::move(answers), places = std::move(places),
                        done = std::move(done)](std::vector<ErrorCode> codes) mutable {
    for (std::size_t i = 0; i < places.size(); ++i) answers[places[i]] = codes[i];
    done(std::move(answers));
  });
}

Result<std::vector<FetchedOffset>> GroupCoordinator::fetch_offsets(const std::string& group,
                                                                   std::span<const PartitionRef> partitions) {
  const auto shard = shards_->of(group);
  if (!shard) return fail(ErrorCode::kNotCoordinator, std::string{kNoTopic});
  const auto image = metadata_();
  std::vector<FetchedOffset> answers(partitions.size());
  std::vector<TopicPartition> names;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    auto& name = names.emplace_back(partitions[i].topic.name, partitions[i].partition);
    if (partitions[i].topic.id.is_nil()) continue;
    const auto topic = find_topic(*image, partitions[i].topic);
    if (topic) {
      name.topic = (*topic)->name;
    } else {
      answers[i].error = topic.error().code();
    }
  }
  MILLRACE_TRY(found, shard->fetch(group, names));
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    if (answers[i].error == ErrorCode::kNone) answers[i].offset = std::move(found[i]);
  }
  return answers;
}

Result<CommittedOffsets::OfGroup> GroupCoordinator::fetch_all_offsets(const std::string& group) {
  const auto shard = shards_->of(group);
  if (!shard) return fail(ErrorCode::kNotCoordinator, std::string{kNoTopic});
  return shard->fetch_all(group);
}

Result<std::set<TopicPartition>> GroupCoordinator::undecided_offsets(const std::string& group) {
  const auto shard = shards_->of(group);
  if (!shard) return fail(ErrorCode::kNotCoordinator, std::string{kNoTopic});
  return shard->undecided(group);
}

Result<PartitionIndex> GroupCoordinator::partition_of(const std::string& group) {
  MILLRACE_CHECK(named_shard(group));
  return partition_of_group(group, static_cast<std::int32_t>(shards_->all().size()));
}

Result<TransactionGuard> GroupCoordinator::begin_transaction(const std::string& group,
                                                             const ProducerIdentity& producer) {
  MILLRACE_TRY(shard, named_shard(group));
  return shard->begin_transaction(producer);
}

void GroupCoordinator::end_transaction(PartitionIndex partition, const TransactionMarker& marker,
                                       std::int16_t transaction_version, CoordinatorLog::Done done) {
  const auto all = shards_->all();
  const auto index = static_cast<std::size_t>(partition.value());
  if (partition.value() < 0 || index >= all.size()) {
    return done(fail(ErrorCode::kUnknownTopicOrPartition, std::string{kNoTopic}));
  }
  all[index]->end_transaction(marker, transaction_version, std::move(done));
}

void GroupCoordinator::delete_offsets(const std::string& group, const std::vector<TopicPartition>& partitions,
                                      DeleteOffsetsDone done) {
  const auto shard = shards_->of(group);
  if (!shard) return done(fail(ErrorCode::kNotCoordinator, std::string{kNoTopic}));
  shard->forget_offsets(group, partitions, std::move(done));
}

void GroupCoordinator::topics_deleted(const std::set<std::string>& topics) {
  for (const auto& shard : shards_->all()) shard->forget_topics(topics);
}

}  // namespace millrace
