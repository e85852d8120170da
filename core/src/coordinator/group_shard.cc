#include "coordinator/group_shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/uuid.h"
#include "record/record_batch_builder.h"

namespace millrace {
namespace {

// Larger than any group; a segment holds several.
constexpr std::size_t kMaxBatchBytes = 16U << 20;

/// The log is well, but the transaction that the records are of has ended.
bool is_about_producer(ErrorCode code) {
  return code == ErrorCode::kInvalidTxnState || code == ErrorCode::kInvalidProducerEpoch;
}

NullableBytes view(const std::optional<std::vector<std::byte>>& bytes) {
  return bytes ? NullableBytes{Bytes{*bytes}} : NullableBytes{};
}

template <class Waiting, class Answer>
void answer(Waiting& waiting, GroupRequestId request, Answer given, Outbox& out) {
  auto found = waiting.extract(request);
  if (!found) return;
  out.add([done = std::move(found.mapped()), given = std::move(given)]() mutable { done(std::move(given)); });
}

const std::string& group_of(const protocol::GroupRecord& record) {
  return std::visit([](const auto& said) -> const std::string& { return said.key.group; }, record);
}

bool is_offset(const protocol::GroupRecord& record) {
  return std::holds_alternative<protocol::CommittedOffsetRecord>(record);
}

}  // namespace

GroupShard::GroupShard(PartitionIndex partition, std::shared_ptr<GroupContext> context, Metadata metadata,
                       std::uint64_t seed)
    : CoordinatorShard(partition, context, "__consumer_offsets"),
      context_(std::move(context)),
      metadata_(std::move(metadata)),
      replay_(std::make_unique<GroupReplay>(context_->buffers)),
      random_(seed) {}

// --- loading ---------------------------------------------------------------------------------------------------------

void GroupShard::restart_replay() { replay_ = std::make_unique<GroupReplay>(context_->buffers); }

void GroupShard::loaded(Outbox&) {
  const auto replay = std::move(replay_);
  if (replay->unknown() > 0) {
    context_->logger.warn("__consumer_offsets-{}: {} of {} records were left alone: {}", partition_.value(),
                          replay->unknown(), replay->records(), replay->first_unknown());
  }
  const auto now = time();
  for (const auto& [id, value] : replay->groups()) {
    groups_.emplace(id, Entry{.group = ClassicGroup::restore(id, context_->groups, value, now)});
  }
  const auto image = metadata_();
  for (const auto& [id, stored] : replay->consumer_groups()) {
    auto config = context_->consumer_groups;
    config.times = times_of_group(id, *image);
    auto group = ConsumerGroup::restore(id, std::move(config), stored, now);
    groups_.insert_or_assign(id, Entry{.group = std::move(group)});
  }
  offsets_ = std::move(replay->offsets());
  pending_ = std::move(replay->pending());
  for (const auto& [id, offsets] : offsets_.groups()) find_or_make(id);
  for (const auto& id : pending_.groups()) find_or_make(id);
  for (auto& [id, entry] : groups_) arm(entry.armed, id, entry.next_timer());
}

void GroupShard::answer_waiting(Outbox& out) {
  for (auto& [id, entry] : groups_) {
    auto* classic = entry.classic();
    if (classic != nullptr) perform(id, entry, classic->end_waits(ErrorCode::kCoordinatorNotAvailable), out);
  }
}

ErrorCode GroupShard::told(const Error& error) const {
  switch (error.code()) {
    case ErrorCode::kStorageError:
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kRequestTimedOut:
    case ErrorCode::kClosed:
    case ErrorCode::kIo:
    case ErrorCode::kNoSpace:
      return ErrorCode::kCoordinatorNotAvailable;
    case ErrorCode::kInvalidTxnState:
    case ErrorCode::kInvalidProducerEpoch:
      return error.code();
    default:
      return ErrorCode::kUnknownServerError;
  }
}

// --- groups ----------------------------------------------------------------------------------------------------------

GroupShard::Entry* GroupShard::find(const std::string& group) {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : &found->second;
}

GroupShard::Entry& GroupShard::find_or_make(const std::string& group) {
  if (auto* known = find(group)) return *known;
  return groups_.emplace(group, Entry{.group = ClassicGroup{group, context_->groups, time()}}).first->second;
}

GroupShard::Entry* GroupShard::find_classic(const std::string& group) {
  auto* entry = find(group);
  return entry != nullptr && entry->classic() != nullptr ? entry : nullptr;
}

GroupShard::Entry& GroupShard::open_classic(const std::string& group, Outbox& out) {
  auto& entry = find_or_make(group);
  if (entry.classic() != nullptr) return entry;
  auto end = entry.consumer()->tombstones();
  entry.group = ClassicGroup{group, context_->groups, time()};
  persist(std::move(end), [](ErrorCode, Outbox&) {}, out);
  return entry;
}

void GroupShard::join(const std::string& group, JoinGroup call, JoinDone done) {
  Outbox out;
  {
    const std::lock_guard lock{mutex_};
    const GroupRequestId request{++last_request_};
    joins_.emplace(request, std::move(done));
    auto error = unavailable();
    auto* entry = find(group);
    const bool is_joined_otherwise =
        entry != nullptr && entry->consumer() != nullptr && entry->state() != GroupState::kEmpty;
    if (error == ErrorCode::kNone && !is_joined_otherwise && find_classic(group) == nullptr) {
      entry = call.member.id.empty() ? &open_classic(group, out) : nullptr;
      if (entry == nullptr) error = ErrorCode::kUnknownMemberId;
    }
    if (error != ErrorCode::kNone) {
      JoinedGroup refused;
      refused.error = error;
      refused.member_id = call.member.id;
      answer(joins_, request, std::move(refused), out);
    } else if (is_joined_otherwise) {
      join_consumer_group(group, *entry, request, std::move(call), out);
    } else {
      perform(group, *entry, entry->classic()->join(request, std::move(call), random_uuid(random_), time()), out);
    }
  }
  out.send();
}

void GroupShard::sync(const std::string& group, SyncGroup call, SyncDone done) {
  Outbox out;
  {
    const std::lock_guard lock{mutex_};
    const GroupRequestId request{++last_request_};
    syncs_.emplace(request, std::move(done));
    auto error = unavailable();
    auto* entry = find(group);
    if (error == ErrorCode::kNone && entry == nullptr) error = ErrorCode::kUnknownMemberId;
    if (error != ErrorCode::kNone) {
      SyncedGroup refused;
      refused.error = error;
      answer(syncs_, request, std::move(refused), out);
    } else if (auto* consumer = entry->consumer()) {
      answer(syncs_, request, consumer->sync(call, *metadata_(), time()), out);
      arm(entry->armed, group, entry->next_timer());
    } else {
      perform(group, *entry, entry->classic()->sync(request, std::move(call), time()), out);
    }
  }
  out.send();
}

ErrorCode GroupShard::heartbeat(const std::string& group, const MemberName& member, std::int32_t generation) {
  const std::lock_guard lock{mutex_};
  if (const auto error = unavailable(); error != ErrorCode::kNone) return error;
  auto* entry = find(group);
  if (entry == nullptr) return ErrorCode::kUnknownMemberId;
  if (auto* classic = entry->classic()) return classic->heartbeat(member, generation, time());
  const auto error = entry->consumer()->classic_heartbeat(member, generation, time());
  arm(entry->armed, group, entry->next_timer());
  return error;
}

void GroupShard::leave(const std::string& group, const std::vector<MemberName>& members, LeaveDone done) {
  Outbox out;
  {
    const std::lock_guard lock{mutex_};
    const auto error = unavailable();
    auto* entry = find(group);
    auto* consumer = entry == nullptr ? nullptr : entry->consumer();
    if (error != ErrorCode::kNone) {
      out.add([done = std::move(done), error]() mutable { done(fail(error, "the group's coordinator is not ready")); });
    } else if (consumer != nullptr) {
      auto left = consumer->leave(members);
      Then tell = [done = std::move(done), answers = std::move(left.members)](ErrorCode code, Outbox& later) mutable {
        Result<std::vector<LeftGroup>> answer = std::move(answers);
        if (code != ErrorCode::kNone) answer = fail(code, "that the members have left could not be written down");
        later.add([done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
      };
      store(group, *entry, std::move(left.records), std::move(tell), out);
    } else {
      std::vector<LeftGroup> answers;
      const auto writes_before = writes_waiting();
      if (entry == nullptr) {
        for (const auto& member : members) answers.push_back({.member = member, .error = ErrorCode::kUnknownMemberId});
      } else {
        auto left = entry->classic()->leave(members, time());
        answers = std::move(left.members);
        perform(group, *entry, std::move(left.actions), out);
      }
      Work tell = [done = std::move(done), answers = std::move(answers)]() mutable { done(std::move(answers)); };
      if (writes_waiting() == writes_before) {
        out.add(std::move(tell));
      } else {
        // The group's end is told when it is written down.
        then_after_last_write(
            [tell = std::move(tell)](ErrorCode, Outbox& later) mutable { later.add(std::move(tell)); });
      }
    }
  }
  out.send();
}

void GroupShard::perform(const std::string& id, Entry& entry, GroupActions actions, Outbox& out) {
  for (auto& [request, given] : actions.joins) answer(joins_, request, std::move(given), out);
  for (auto& [request, given] : actions.syncs) answer(syncs_, request, std::move(given), out);
  arm(entry.armed, id, entry.next_timer());
  for (auto& store : actions.stores) {
    protocol::GroupMetadataRecord record;
    record.key.group = id;
    record.value = store.value;
    std::vector<protocol::GroupRecord> records;
    records.emplace_back(std::move(record));
    persist(
        std::move(records),
        [this, id, store = std::move(store)](ErrorCode error, Outbox& later) {
          if (auto* group = find_classic(id))
            perform(id, *group, group->classic()->stored(store, error, time()), later);
        },
        out);
  }
}

void GroupShard::wake(const std::string& id, TimePoint when, Outbox& out) {
  auto* entry = find(id);
  if (entry == nullptr || entry->armed != when) return;
  entry->armed.reset();
  if (auto* classic = entry->classic()) return perform(id, *entry, classic->on_timer(time()), out);
  store(id, *entry, entry->consumer()->on_timer(time()), [](ErrorCode, Outbox&) {}, out);
}

// --- the log ---------------------------------------------------------------------------------------------------------

void GroupShard::persist(std::vector<protocol::GroupRecord> records, Then then, Outbox& out,
                         const std::optional<OffsetsTransaction>& transaction) {
  add_owed(records);
  const auto end = write(records, transaction);
  if (!end) {
    const auto code = told(end.error());
    if (!is_about_producer(code)) append_failed(end.error());
    note_lost(records);
    return then(code, out);
  }
  append_succeeded();
  for (const auto& record : records) note_pending(record, transaction, *end);
  written_.push_back({.end = *end, .records = std::move(records), .transaction = transaction});
  await(
      *end,
      [this, then = std::move(then)](ErrorCode error, Outbox& later) mutable {
        settle_written(error);
        then(error, later);
      },
      out);
}

void GroupShard::note_pending(const protocol::GroupRecord& record, const std::optional<OffsetsTransaction>& transaction,
                              Offset end) {
  const auto* offset = std::get_if<protocol::CommittedOffsetRecord>(&record);
  if (offset == nullptr) return;
  if (transaction) {
    pending_.add(transaction->producer.id, *offset, end);
  } else if (!offset->value) {
    pending_.forget(offset->key.group, {offset->key.topic, offset->key.partition});
  }
}

Result<Offset> GroupShard::write(std::span<const protocol::GroupRecord> records,
                                 const std::optional<OffsetsTransaction>& transaction) {
  RecordBatchBuilder builder{context_->buffers, kMaxBatchBytes, {.transactional = transaction.has_value()}};
  const auto now = context_->clock.wall();
  for (const auto& record : records) {
    const auto encoded = protocol::encode_group_record(record);
    if (!builder.try_append(now, Bytes{encoded.key}, view(encoded.value))) {
      return fail(ErrorCode::kRecordListTooLarge, fmt::format("{} records of group \"{}\" do not fit into one batch",
                                                              records.size(), group_of(records.front())));
    }
  }
  BatchProducer producer;
  AppendOptions options{.origin = AppendOrigin::kCoordinator};
  if (transaction) {
    producer = {.id = transaction->producer.id, .epoch = transaction->producer.epoch};
    options.guard = transaction->guard;
  }
  MILLRACE_TRY(batch, builder.finish(producer));
  return context_->log->append(partition_, batch.bytes, options);
}

void GroupShard::settle_written(ErrorCode error) {
  const auto written = std::move(written_.front());
  written_.pop_front();
  if (error != ErrorCode::kNone) return note_lost(written.records);
  if (written.transaction) return;
  for (const auto& record : written.records) {
    const auto* offset = std::get_if<protocol::CommittedOffsetRecord>(&record);
    if (offset != nullptr) offsets_.apply(*offset, written.end);
  }
}

void GroupShard::note_lost(const GroupRecords& records) {
  if (std::ranges::all_of(records, is_offset)) return;
  const auto& id = group_of(records.front());
  auto* entry = find(id);
  const bool is_consumer = entry != nullptr && entry->consumer() != nullptr;
  if (is_consumer) {
    entry->consumer()->write_failed(records, time());
    arm(entry->armed, id, entry->next_timer());
  }
  // A group knows what it is, not what it was.
  for (const auto& record : records) {
    const bool is_classics = std::holds_alternative<protocol::GroupMetadataRecord>(record);
    if (is_offset(record) || is_classics != is_consumer) continue;
    if (!std::visit([](const auto& said) { return said.value.has_value(); }, record)) owed_[id].push_back(record);
  }
}

void GroupShard::add_owed(GroupRecords& records) {
  if (owed_.empty() || std::ranges::all_of(records, is_offset)) return;
  const auto owed = owed_.extract(group_of(records.front()));
  if (owed) records.insert(records.begin(), owed.mapped().begin(), owed.mapped().end());
}

GroupRecords GroupShard::end_of(const std::string& id, const Entry& entry) {
  if (const auto* consumer = entry.consumer()) return consumer->tombstones();
  protocol::GroupMetadataRecord gone;
  gone.key.group = id;
  GroupRecords records;
  records.emplace_back(std::move(gone));
  return records;
}

std::set<TopicPartition> GroupShard::partitions_of(const std::string& group) const {
  auto partitions = pending_.of_group(group);
  if (const auto* offsets = offsets_.of_group(group)) {
    for (const auto& [partition, offset] : *offsets) partitions.insert(partition);
  }
  for (const auto& write : written_) {
    for (const auto& record : write.records) {
      const auto* offset = std::get_if<protocol::CommittedOffsetRecord>(&record);
      if (offset != nullptr && offset->key.group == group)
        partitions.insert({offset->key.topic, offset->key.partition});
    }
  }
  return partitions;
}

std::set<std::string> GroupShard::written_groups() const {
  auto groups = pending_.groups();
  for (const auto& write : written_) {
    for (const auto& record : write.records) groups.insert(group_of(record));
  }
  return groups;
}

// --- what is there ---------------------------------------------------------------------------------------------------

Result<std::vector<ListedGroup>> GroupShard::list() {
  const std::lock_guard lock{mutex_};
  if (const auto error = unavailable(); error != ErrorCode::kNone) return fail(error, "cannot list the groups");
  std::vector<ListedGroup> all;
  all.reserve(groups_.size());
  for (const auto& [id, entry] : groups_) {
    const auto* classic = entry.classic();
    if (classic != nullptr) {
      all.push_back(classic->list());
    } else {
      all.push_back(
          {.id = id, .protocol_type = kConsumerProtocol, .state = entry.state(), .type = GroupType::kConsumer});
    }
  }
  return all;
}

Result<DescribedGroup> GroupShard::describe(const std::string& group) {
  const std::lock_guard lock{mutex_};
  if (const auto error = unavailable(); error != ErrorCode::kNone) {
    return fail(error, fmt::format("cannot describe the group \"{}\"", group));
  }
  if (const auto* entry = find_classic(group)) return entry->classic()->describe();
  DescribedGroup none;
  none.id = group;
  return none;
}

void GroupShard::forget_group(const std::string& group, std::move_only_function<void(ErrorCode)> done) {
  Outbox out;
  {
    const std::lock_guard lock{mutex_};
    auto error = unavailable();
    const auto* entry = find(group);
    if (error == ErrorCode::kNone && entry == nullptr) error = ErrorCode::kGroupIdNotFound;
    if (error == ErrorCode::kNone && entry->state() != GroupState::kEmpty) error = ErrorCode::kNonEmptyGroup;
    if (error != ErrorCode::kNone) {
      out.add([done = std::move(done), error]() mutable { done(error); });
    } else {
      std::vector<protocol::GroupRecord> records;
      for (const auto& partition : partitions_of(group)) records.emplace_back(offset_tombstone(group, partition));
      std::ranges::move(end_of(group, *entry), std::back_inserter(records));
      groups_.erase(group);
      persist(
          std::move(records),
          [done = std::move(done)](ErrorCode code, Outbox& later) mutable {
            later.add([done = std::move(done), code]() mutable { done(code); });
          },
          out);
    }
  }
  out.send();
}

}  // namespace millrace
