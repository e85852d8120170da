#include "coordinator/group_coordinator.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>
#include <utility>

namespace millrace {
namespace {

constexpr std::string_view kNoTopic = "there is no __consumer_offsets here; ask for the group's coordinator first";

/// Java's String.hashCode, over the UTF-16 units that the text's UTF-8 stands for.
std::int32_t java_hash(std::string_view text) {
  std::uint32_t hash = 0;
  const auto add = [&](std::uint32_t unit) { hash = 31 * hash + unit; };
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    std::uint32_t code = size == 1 ? lead : lead & (0xffU >> (size + 1));
    for (std::size_t k = 1; k < size && i + k < text.size(); ++k) {
      code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fU);
    }
    i += size;
    if (code >= 0x10000) {
      add(0xd800 + ((code - 0x10000) >> 10));
      add(0xdc00 + ((code - 0x10000) & 0x3ff));
    } else {
      add(code);
    }
  }
  return static_cast<std::int32_t>(hash);
}

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

PartitionIndex partition_of_group(std::string_view group, std::int32_t partitions) {
  const auto hash = java_hash(group);
  const auto positive = hash == std::numeric_limits<std::int32_t>::min() ? 0 : std::abs(hash);
  return PartitionIndex{positive % partitions};
}

/// Looks for old offsets from time to time.
///
/// Threading: any thread.
class GroupCoordinator::RetentionTimer : public std::enable_shared_from_this<RetentionTimer> {
 public:
  RetentionTimer(std::shared_ptr<GroupContext> context, std::chrono::milliseconds interval)
      : context_(std::move(context)), interval_(interval) {}

  void watch(Shards shards) {
    {
      const std::lock_guard lock{mutex_};
      shards_ = std::move(shards);
    }
    schedule();
  }
  void stop() {
    Shards dropped;
    const std::lock_guard lock{mutex_};
    dropped.swap(shards_);
  }

 private:
  void schedule() {
    context_->deadlines->add(context_->clock.now() + interval_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->look();
    });
  }
  void look() {
    Shards shards;
    {
      const std::lock_guard lock{mutex_};
      shards = shards_;
    }
    if (shards.empty()) return;
    for (const auto& shard : shards) shard->expire();
    schedule();
  }

  const std::shared_ptr<GroupContext> context_;
  const std::chrono::milliseconds interval_;
  std::mutex mutex_;
  Shards shards_;
};

GroupCoordinator::GroupCoordinator(std::shared_ptr<GroupContext> context, Metadata metadata,
                                   std::chrono::milliseconds retention_check, std::uint64_t seed)
    : context_(std::move(context)),
      metadata_(std::move(metadata)),
      seed_(seed),
      retention_(std::make_shared<RetentionTimer>(context_, retention_check)) {}

GroupCoordinator::~GroupCoordinator() { close(); }

void GroupCoordinator::start() { open_shards(); }

void GroupCoordinator::open_shards() {
  Shards made;
  {
    const std::unique_lock lock{mutex_};
    const auto count = context_->log->partition_count();
    if (closed_ || count == 0 || !shards_.empty()) return;
    for (std::int32_t i = 0; i < count; ++i) {
      shards_.push_back(
          std::make_shared<GroupShard>(PartitionIndex{i}, context_, seed_ + static_cast<std::uint64_t>(i)));
    }
    made = shards_;
  }
  for (const auto& shard : made) shard->load();
  retention_->watch(std::move(made));
}

GroupCoordinator::Shards GroupCoordinator::shards() {
  const std::shared_lock lock{mutex_};
  return shards_;
}

std::shared_ptr<GroupShard> GroupCoordinator::shard_of(const std::string& group) {
  const std::shared_lock lock{mutex_};
  if (shards_.empty()) return nullptr;
  const auto index = partition_of_group(group, static_cast<std::int32_t>(shards_.size()));
  return shards_[static_cast<std::size_t>(index.value())];
}

Result<std::shared_ptr<GroupShard>> GroupCoordinator::named_shard(const std::string& group) {
  if (group.empty()) return fail(ErrorCode::kInvalidGroupId, "a group's id must not be empty");
  auto shard = shard_of(group);
  if (!shard) return fail(ErrorCode::kNotCoordinator, std::string{kNoTopic});
  return shard;
}

void GroupCoordinator::end_waits() {
  for (const auto& shard : shards()) shard->end_waits();
}

void GroupCoordinator::close() {
  retention_->stop();
  {
    const std::unique_lock lock{mutex_};
    closed_ = true;
  }
  for (const auto& shard : shards()) shard->close();
}

void GroupCoordinator::ensure(CoordinatorLog::Done done) {
  if (!shards().empty()) return done({});
  bool first = false;
  {
    const std::unique_lock lock{mutex_};
    first = ensuring_.empty();
    ensuring_.push_back(std::move(done));
  }
  // When the topic was made just now, this finds it and does no more.
  if (first) context_->log->create([this](const Result<void>& result) { ensured(result); });
}

void GroupCoordinator::ensured(const Result<void>& result) {
  if (result) open_shards();
  std::vector<CoordinatorLog::Done> waiting;
  {
    const std::unique_lock lock{mutex_};
    waiting.swap(ensuring_);
  }
  for (auto& done : waiting) done(result);
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
  for (const auto& shard : shards()) {
    MILLRACE_TRY(groups, shard->list());
    std::ranges::move(groups, std::back_inserter(all));
  }
  std::ranges::sort(all, {}, &ListedGroup::id);
  return all;
}

Result<DescribedGroup> GroupCoordinator::describe(const std::string& group) {
  const auto shard = shard_of(group);
  if (!shard) return fail(ErrorCode::kNotCoordinator, std::string{kNoTopic});
  return shard->describe(group);
}

void GroupCoordinator::delete_groups(const std::vector<std::string>& groups, ErrorCodesDone done) {
  if (groups.empty()) return done({});
  const auto tally = std::make_shared<Tally>(groups.size(), std::move(done));
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto shard = shard_of(groups[i]);
    if (!shard) {
      tally->settle(i, ErrorCode::kNotCoordinator);
    } else {
      shard->forget_group(groups[i], [tally, i](ErrorCode code) { tally->settle(i, code); });
    }
  }
}

// --- offsets ---------------------------------------------------------------------------------------------------------

void GroupCoordinator::commit_offsets(CommitOffsets call, ErrorCodesDone done) {
  const auto shard = shard_of(call.group);
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
    known.offsets.back().topic.name = (*topic)->name;
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
  const auto shard = shard_of(group);
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
  const auto shard = shard_of(group);
  if (!shard) return fail(ErrorCode::kNotCoordinator, std::string{kNoTopic});
  return shard->fetch_all(group);
}

Result<std::set<TopicPartition>> GroupCoordinator::undecided_offsets(const std::string& group) {
  const auto shard = shard_of(group);
  if (!shard) return fail(ErrorCode::kNotCoordinator, std::string{kNoTopic});
  return shard->undecided(group);
}

Result<PartitionIndex> GroupCoordinator::partition_of(const std::string& group) {
  MILLRACE_CHECK(named_shard(group));
  return partition_of_group(group, static_cast<std::int32_t>(shards().size()));
}

Result<TransactionGuard> GroupCoordinator::begin_transaction(const std::string& group,
                                                             const ProducerIdentity& producer) {
  MILLRACE_TRY(shard, named_shard(group));
  return shard->begin_transaction(producer);
}

void GroupCoordinator::end_transaction(PartitionIndex partition, const TransactionMarker& marker,
                                       std::int16_t transaction_version, CoordinatorLog::Done done) {
  const auto all = shards();
  const auto index = static_cast<std::size_t>(partition.value());
  if (partition.value() < 0 || index >= all.size()) {
    return done(fail(ErrorCode::kUnknownTopicOrPartition, std::string{kNoTopic}));
  }
  all[index]->end_transaction(marker, transaction_version, std::move(done));
}

void GroupCoordinator::delete_offsets(const std::string& group, const std::vector<TopicPartition>& partitions,
                                      DeleteOffsetsDone done) {
  const auto shard = shard_of(group);
  if (!shard) return done(fail(ErrorCode::kNotCoordinator, std::string{kNoTopic}));
  shard->forget_offsets(group, partitions, std::move(done));
}

void GroupCoordinator::topics_deleted(const std::set<std::string>& topics) {
  for (const auto& shard : shards()) shard->forget_topics(topics);
}

}  // namespace millrace
