#include "sim/watcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "record/aborted_batches.h"

namespace millrace::test {
namespace {

FetchCall fetch_call(const TopicPartition& where, Isolation isolation, Offset from) {
  FetchCall call;
  call.partitions.push_back(
      {.topic = {.name = where.topic}, .partition = where.partition, .from = from, .max_bytes = 1500});
  call.isolation = isolation;
  return call;
}

/// Shows what a consumer gives its user of a slice; gives the offset behind.
Offset show_records(Machine& machine, const LogSlice& slice, Offset from,
                    const std::function<void(const RecordView&)>& show) {
  AbortedBatches aborted{slice.aborted};
  for (BatchCursor batches{slice.bytes}; batches.next();) {
    const auto& batch = batches.batch();
    const bool is_aborted = aborted.has(batch);
    if (!is_aborted && !batch.is_control()) {
      auto records = batch.records(machine.buffers()).value();
      while (records.next()) {
        if (records.record().offset >= from) show(records.record());
      }
      EXPECT_TRUE(records.status()) << records.status().error().message();
    }
    from = std::max(from, batch.next_offset());
  }
  return from;
}

}  // namespace

Result<Offset> read_on(Machine& machine, const TopicPartition& where, Isolation isolation, Offset from,
                       const std::function<void(const RecordView&)>& show) {
  for (;;) {
    std::optional<FetchAnswer> answer;
    machine.core().fetch(fetch_call(where, isolation, from),
                         [&answer](FetchAnswer given) { answer = std::move(given); });
    if (!answer) return fail(ErrorCode::kUnknownServerError, "a fetch that must not wait was not answered");
    MILLRACE_TRY(slice, answer->front());
    if (slice.bytes.empty()) return from;
    from = show_records(machine, slice, from, show);
  }
}

Result<Offset> position_of(Machine& machine, const TopicPartition& where, OffsetKind kind, Isolation isolation) {
  MILLRACE_TRY(answer, machine.core().list_offset({.name = where.topic}, where.partition, {.kind = kind}, isolation));
  return answer.offset;
}

Reading read_whole(Machine& machine, const TopicPartition& where, Isolation isolation) {
  Reading reading;
  const auto read = [&]() -> Result<void> {
    MILLRACE_TRY(start, position_of(machine, where, OffsetKind::kEarliest, isolation));
    MILLRACE_TRY(end, position_of(machine, where, OffsetKind::kLatest, isolation));
    reading.start = start;
    reading.end = end;
    MILLRACE_TRY(behind, read_on(machine, where, isolation, start, [&](const RecordView& record) {
                   EXPECT_TRUE(reading.values.emplace(record.offset, record.value.text()).second)
                       << where.to_string() << " shows offset " << record.offset.value() << " twice";
                 }));
    EXPECT_EQ(behind, end) << where.to_string() << " cannot be read to its end";
    return {};
  }();
  EXPECT_TRUE(read) << where.to_string() << " cannot be read: " << read.error().message();
  return reading;
}

void Watcher::look() {
  if (std::exchange(asking_, true)) return;
  auto call = fetch_call(where_, isolation_, next_);
  if (!machine_.random().one_in(3)) call.max_wait = std::chrono::seconds{2};
  machine_.core().fetch(std::move(call), machine_.in_this_life([this](const FetchAnswer& answer) {
    asking_ = false;
    const auto& slice = answer.front();
    if (slice) return take(*slice);
    if (slice.error().code() == ErrorCode::kOffsetOutOfRange) return jump_to_start();
    machine_.expect_failed_power("reading " + where_.to_string(), slice.error().message());
  }));
}

void Watcher::take(const LogSlice& slice) {
  end_ = std::max(end_, isolation_ == Isolation::kCommitted ? slice.last_stable : slice.high_watermark);
  next_ = show_records(machine_, slice, next_,
                       [this](const RecordView& record) { see(record.offset, std::string{record.value.text()}); });
}

void Watcher::see(Offset offset, const std::string& value) {
  const auto [known, is_new] = seen_.emplace(offset, value);
  EXPECT_EQ(known->second, value) << "offset " << offset.value() << " of " << where_.to_string() << " has changed";
  if (is_new && on_value_) on_value_(value);
}

void Watcher::jump_to_start() {
  const auto start = position_of(machine_, where_, OffsetKind::kEarliest, isolation_);
  if (!start)
    return machine_.expect_failed_power("finding the start of " + where_.to_string(), start.error().message());
  EXPECT_LT(next_, *start) << where_.to_string() << " ends before what was read of it";
  next_ = std::max(next_, *start);
}

Reading Watcher::check() {
  auto reading = read_whole(machine_, where_, isolation_);
  EXPECT_GE(reading.end, std::max(end_, next_)) << "the end of " << where_.to_string() << " went back";
  end_ = std::max(end_, reading.end);
  seen_.erase(seen_.begin(), seen_.lower_bound(reading.start));
  for (const auto& [offset, value] : seen_) {
    const auto found = reading.values.find(offset);
    if (found == reading.values.end()) {
      ADD_FAILURE() << "offset " << offset.value() << " of " << where_.to_string()
                    << " was read and is gone: " << value;
    } else {
      EXPECT_EQ(found->second, value) << "offset " << offset.value() << " of " << where_.to_string() << " has changed";
    }
  }
  for (const auto& [offset, value] : reading.values) {
    if (!seen_.contains(offset)) see(offset, value);
  }
  return reading;
}

}  // namespace millrace::test
