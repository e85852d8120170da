#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/deadline.h"
#include "client/embedded/embedded_consumer.h"
#include "record/aborted_batches.h"
#include "record/record_batch.h"

namespace millrace {
namespace {

// The group's coordinator is just reading what was committed, or a transaction is about to change it.
constexpr std::chrono::milliseconds kLoadBackoff{20};

bool will_be_known(ErrorCode code) {
  return code == ErrorCode::kCoordinatorLoadInProgress || code == ErrorCode::kUnstableOffsetCommit;
}

}  // namespace

Result<std::vector<PolledBatch>> EmbeddedConsumer::poll(Duration max_wait) {
  const auto until = deadline_after(now(), max_wait);
  for (;;) {
    if (is_closed()) return closed_consumer();
    if (take_wakeup()) return {};
    MILLRACE_CHECK(follow_group());
    auto wait_until = until;
    if (const auto retry = member_ ? member_->retry_at() : std::nullopt) wait_until = std::min(until, *retry);

    auto partitions = turn();
    const bool loading = !partitions && will_be_known(partitions.error().code());
    if (!partitions && !loading) return std::unexpected(partitions.error());
    if (loading || partitions->empty()) {
      if (now() >= until) return {};
      wait_for_event(loading ? std::min(wait_until, now() + kLoadBackoff) : wait_until);
      continue;
    }

    const auto answer = fetch(*partitions, left_until(wait_until, now()));
    std::vector<PolledBatch> batches;
    std::optional<Error> trouble;
    for (std::size_t i = 0; i < answer.size(); ++i) {
      auto& from = *(*partitions)[i];
      const auto taken = answer[i] ? take_slice(from, *answer[i], batches) : take_error(from, answer[i].error());
      if (!taken && !trouble) trouble = taken.error();
    }
    // Records first: what is wrong with one partition is said when the others have nothing.
    if (!batches.empty()) return batches;
    if (trouble) return std::unexpected(*std::move(trouble));
    if (now() >= until) return {};
  }
}

Result<std::vector<AssignedPartition*>> EmbeddedConsumer::turn() {
  std::vector<AssignedPartition*> partitions;
  for (std::size_t i = 0; i < assigned_.size(); ++i) {
    auto& assigned = assigned_[(next_turn_ + i) % assigned_.size()];
    if (assigned.fetching == Fetching::kPaused) continue;
    if (!assigned.position) {
      MILLRACE_TRY(first, first_position(*assigned.name));
      assigned.position = first;
    }
    partitions.push_back(&assigned);
  }
  if (!assigned_.empty()) next_turn_ = (next_turn_ + 1) % assigned_.size();
  return partitions;
}

FetchAnswer EmbeddedConsumer::fetch(const std::vector<AssignedPartition*>& partitions, Duration max_wait) {
  FetchCall call{.partitions = {},
                 .max_bytes = settings_.max_bytes,
                 .min_bytes = settings_.min_bytes,
                 .max_wait = max_wait,
                 .isolation = settings_.isolation};
  call.partitions.reserve(partitions.size());
  for (const auto* assigned : partitions) {
    call.partitions.push_back({.topic = {.name = assigned->name->topic},
                               .partition = assigned->name->partition,
                               .from = *assigned->position,
                               .max_bytes = settings_.max_partition_bytes});
  }
  const auto id = broker().fetch(std::move(call), [waiter = waiter_](FetchAnswer answer) {
    const std::lock_guard lock{waiter->mutex};
    waiter->answer = std::move(answer);
    waiter->changed.notify_all();
  });

  std::unique_lock lock{waiter_->mutex};
  waiter_->changed.wait(lock, [&] { return waiter_->answer || waiter_->wakeup || waiter_->closed || waiter_->event; });
  waiter_->event = false;
  if (!waiter_->answer) {
    lock.unlock();
    broker().end_wait(id);
    lock.lock();
    // Somebody else may be giving the answer just now.
    waiter_->changed.wait(lock, [&] { return waiter_->answer.has_value(); });
  }
  auto answer = *std::move(waiter_->answer);
  waiter_->answer.reset();
  return answer;
}

void EmbeddedConsumer::wait_for_event(TimePoint until) {
  const auto ticket = timers_->add(until, [waiter = waiter_] {
    const std::lock_guard lock{waiter->mutex};
    waiter->time_over = true;
    waiter->changed.notify_all();
  });
  {
    std::unique_lock lock{waiter_->mutex};
    waiter_->changed.wait(lock,
                          [&] { return waiter_->wakeup || waiter_->closed || waiter_->event || waiter_->time_over; });
    waiter_->event = false;
    waiter_->time_over = false;
  }
  timers_->cancel(ticket);
}

bool EmbeddedConsumer::take_wakeup() {
  const std::lock_guard lock{waiter_->mutex};
  return std::exchange(waiter_->wakeup, false);
}

Result<void> EmbeddedConsumer::take_slice(AssignedPartition& from, const LogSlice& slice,
                                          std::vector<PolledBatch>& batches) const {
  const auto broken = [&](const Error& error) {
    return fail(error.code(), fmt::format("cannot read {} at offset {}: {}", from.name->to_string(),
                                          from.position->value(), error.message()));
  };
  BatchCursor cursor{slice.bytes};
  AbortedBatches aborted{slice.aborted};
  while (cursor.next()) {
    const auto& batch = cursor.batch();
    const auto start = *from.position;
    const bool is_aborted = aborted.has(batch);
    if (batch.next_offset() <= start) continue;
    if (batch.is_control() || is_aborted) {
      from.position = batch.next_offset();
      continue;
    }
    if (settings_.check_crcs && !batch.crc_matches()) {
      return broken({ErrorCode::kCorruptMessage, "the checksum of the record batch is wrong"});
    }
    auto walk = batch.records(context_->buffers);
    if (!walk) return broken(walk.error());
    std::vector<RecordView> records;
    records.reserve(static_cast<std::size_t>(batch.record_count()));
    while (walk->next()) {
      if (walk->record().offset >= start) records.push_back(walk->record());
    }
    if (!walk->status()) return broken(walk->status().error());
    from.position = batch.next_offset();
    if (records.empty()) continue;
    batches.emplace_back(from.name, std::move(records),
                         walk->owner() ? std::shared_ptr<const void>{walk->owner()} : slice.owner);
  }
  if (!cursor.status()) return broken(cursor.status().error());
  return {};
}

Result<void> EmbeddedConsumer::take_error(AssignedPartition& from, const Error& error) const {
  if (error.code() != ErrorCode::kOffsetOutOfRange || !settings_.reset_to) return std::unexpected(error);
  MILLRACE_TRY(offset, start_of(*from.name, *settings_.reset_to));
  from.position = offset;
  return {};
}

}  // namespace millrace
