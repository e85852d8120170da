#include "sim/record_story.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace millrace::test {
namespace {

constexpr std::size_t kWriters = 2;
constexpr std::int64_t kMostInFlight = 5;  // as a Kafka producer has them, and a broker remembers them
// Retention may have counted what a power cut has taken back since.
constexpr std::int64_t kMostUnsynced = 3000;
constexpr std::int16_t kAnyAcks[] = {kAcksNone, kAcksLeader, kAcksAll};
const std::string kPlain = "plain";

/// "NAME NUMBER ....", of a length that is the same when it is sent again.
std::string numbered(const std::string& name, std::int64_t number) {
  return name + ' ' + std::to_string(number) + ' ' + std::string(static_cast<std::size_t>(number * 7919 % 500), '.');
}

/// The numbers of a producer's records, in the partition's order.
std::map<Offset, std::int64_t> numbers_of(const std::string& name, const Reading& reading) {
  std::map<Offset, std::int64_t> numbers;
  for (const auto& [offset, value] : reading.values) {
    if (value.starts_with(name + ' ')) numbers.emplace(offset, std::atoll(value.c_str() + name.size() + 1));
  }
  return numbers;
}

}  // namespace

RecordStory::RecordStory(Machine& machine, std::string topic, std::int32_t partitions,
                         std::optional<std::int64_t> kept_bytes)
    : machine_(machine), topic_(std::move(topic)), kept_bytes_(kept_bytes) {
  for (std::int32_t i = 0; i < partitions; ++i) {
    const TopicPartition where{topic_, PartitionIndex{i}};
    auto& partition = partitions_.emplace_back(Partition{
        .where = where, .writers = {}, .plain = {}, .watcher = Watcher{machine, where, Isolation::kHighWatermark}});
    for (std::size_t w = 0; w < kWriters; ++w) partition.writers.push_back({.name = "writer" + std::to_string(w)});
  }
}

void RecordStory::prepare() {
  machine_.create_topic(topic_, static_cast<std::int32_t>(partitions_.size()),
                        {{"retention.ms", "-1"}, {"retention.bytes", std::to_string(kept_bytes_.value_or(-1))}});
}

RecordStory::Partition& RecordStory::any_partition() {
  return partitions_[machine_.random().below(partitions_.size())];
}

void RecordStory::use() {
  auto& partition = any_partition();
  const auto what = machine_.random().below(12);
  if (what < 3) return partition.watcher.look();
  if (what == 3) {
    if (!kept_bytes_ && machine_.random().one_in(4)) trim(partition);
    return;
  }
  write();
}

void RecordStory::write() {
  auto& partition = any_partition();
  const auto who = machine_.random().below(kWriters + 1);
  if (who == kWriters) return write_plain(partition);
  write_idempotent(partition, partition.writers[who]);
}

// --- producers -------------------------------------------------------------------------------------------------------

void RecordStory::ask_for_identity(Writer& writer) {
  const auto owner = topic_ + " " + writer.name + " " + std::to_string(++identities_);
  machine_.core().init_producer_id(machine_.in_this_life([this, &writer, owner](const Result<ProducerIdentity>& given) {
    if (!given) return machine_.expect_failed_power("asking for a producer id", given.error().message());
    machine_.expect_owner(given->id, owner);
    if (writer.identity) return;
    writer.identity = *given;
    writer.first_number = writer.next_number;
  }));
}

void RecordStory::write_idempotent(Partition& partition, Writer& writer) {
  // Now and then it is another process, which has nothing to send again.
  if (writer.unacknowledged.empty() && machine_.random().one_in(40)) writer.identity.reset();
  if (!writer.identity) return ask_for_identity(writer);
  send_waiting(partition, writer);
  const auto& unacknowledged = writer.unacknowledged;
  const bool is_full = !unacknowledged.empty() && writer.next_batch - unacknowledged.front().batch >= kMostInFlight;
  if (!machine_.is_on() || is_full) return;
  const auto count = static_cast<std::int32_t>(1 + machine_.random().below(3));
  writer.unacknowledged.push_back({writer.next_number, count, writer.next_batch++, false});
  writer.next_number += count;
  send_waiting(partition, writer);
}

void RecordStory::send_waiting(Partition& partition, Writer& writer) {
  std::vector<Sent> waiting;  // an answer that comes at once takes from the writer's own list
  for (auto& sent : writer.unacknowledged) {
    if (!std::exchange(sent.in_flight, true)) waiting.push_back(sent);
  }
  for (const auto& sent : waiting) send(partition, writer, sent);
}

void RecordStory::send(Partition& partition, Writer& writer, const Sent& sent) {
  Sending sending{.to = partition.where,
                  .records = {},
                  .producer = *writer.identity,
                  .first_sequence = static_cast<std::int32_t>(sent.first - writer.first_number)};
  for (auto number = sent.first; number < sent.first + sent.count; ++number) {
    sending.records.push_back({.key = std::nullopt, .value = numbered(writer.name, number)});
  }
  produce(machine_, sending, [this, &writer, first = sent.first](const Result<AppendInfo>& where) {
    const auto known = std::ranges::find(writer.unacknowledged, first, &Sent::first);
    if (known == writer.unacknowledged.end()) return;
    if (where) {
      writer.last_offset = std::max(writer.last_offset, where->last_offset);
      writer.unacknowledged.erase(known);
    } else if (where.error().code() == ErrorCode::kDuplicateSequenceNumber) {
      // It is there; where, a broker that has read its producers from a snapshot (Kafka's, of one batch each) cannot
      // say.
      writer.unacknowledged.erase(known);
    } else if (where.error().code() == ErrorCode::kRequestTimedOut) {
      known->in_flight = false;
    } else {
      machine_.expect_failed_power(writer.name, where.error().message());
    }
  });
}

void RecordStory::write_plain(Partition& partition) {
  auto& plain = partition.plain;
  const auto number = plain.next_number++;
  const auto acks = kAnyAcks[machine_.random().below(std::size(kAnyAcks))];
  const Sending sending{
      .to = partition.where, .records = {{.key = std::nullopt, .value = numbered(kPlain, number)}}, .acks = acks};
  produce(machine_, sending, [this, &plain, number, acks](const Result<AppendInfo>& where) {
    if (where) {
      if (acks == kAcksAll) plain.told.emplace(where->base_offset, number);
    } else if (where.error().code() != ErrorCode::kRequestTimedOut) {
      machine_.expect_failed_power("a plain producer", where.error().message());
    }
  });
}

void RecordStory::trim(Partition& partition) {
  const auto high = position_of(machine_, partition.where, OffsetKind::kLatest, Isolation::kHighWatermark);
  if (!high || *high < Offset{1}) return;
  const Offset before{static_cast<std::int64_t>(machine_.random().below(static_cast<std::uint64_t>(high->value())))};
  // It may be half done when the power fails.
  partition.trimming = std::max(partition.trimming, before);
  const auto start = machine_.core().delete_records({.name = topic_}, partition.where.partition, before);
  if (start) partition.trimmed = std::max(partition.trimmed, *start);
}

void RecordStory::forget() {
  for (auto& partition : partitions_) {
    partition.watcher.forget();
    for (auto& writer : partition.writers) {
      for (auto& sent : writer.unacknowledged) sent.in_flight = false;
    }
  }
}

bool RecordStory::settle() {
  bool is_settled = true;
  for (auto& partition : partitions_) {
    for (auto& writer : partition.writers) {
      send_waiting(partition, writer);
      is_settled = is_settled && writer.unacknowledged.empty();
    }
  }
  return is_settled;
}

// --- what must hold --------------------------------------------------------------------------------------------------

void RecordStory::check() {
  for (auto& partition : partitions_) {
    SCOPED_TRACE(partition.where.to_string());
    const auto reading = partition.watcher.check();
    check_start(partition, reading.start);
    for (const auto& writer : partition.writers) check_writer(partition, writer, reading);
    check_plain(partition, reading);
    partition.trimmed = std::max(partition.trimmed, reading.start);
  }
}

void RecordStory::check_start(const Partition& partition, Offset start) const {
  EXPECT_GE(start, partition.trimmed) << "what was deleted is back";
  if (!kept_bytes_) {
    EXPECT_LE(start, std::max(partition.trimming, partition.trimmed)) << "more is gone than was asked for";
    return;
  }
  const auto size = machine_.core().partition_size({.name = topic_}, partition.where.partition);
  ASSERT_TRUE(size) << size.error().message();
  EXPECT_TRUE(start == Offset{0} || *size >= static_cast<std::uint64_t>(*kept_bytes_ - kMostUnsynced))
      << "retention has left " << *size << " bytes";
}

void RecordStory::check_writer(const Partition& partition, const Writer& writer, const Reading& reading) const {
  const auto numbers = numbers_of(writer.name, reading);
  std::optional<std::int64_t> last;
  for (const auto& [offset, number] : numbers) {
    if (last) {
      EXPECT_EQ(number, *last + 1) << writer.name << " at offset " << offset.value();
    } else if (reading.start == Offset{0}) {
      EXPECT_EQ(number, 0) << writer.name << " begins in the middle";
    }
    last = number;
  }
  if (writer.next_number == 0 || writer.last_offset < reading.start) return;
  EXPECT_EQ(last.value_or(-1), writer.next_number - 1) << writer.name << " of " << partition.where.to_string();
}

void RecordStory::check_plain(const Partition& partition, const Reading& reading) const {
  const auto numbers = numbers_of(kPlain, reading);
  std::optional<std::int64_t> last;
  for (const auto& [offset, number] : numbers) {
    EXPECT_TRUE(!last || number > *last) << "plain record " << number << " at offset " << offset.value();
    last = number;
  }
  for (const auto& [offset, number] : partition.plain.told) {
    if (offset < reading.start) continue;
    const auto found = numbers.find(offset);
    EXPECT_TRUE(found != numbers.end() && found->second == number)
        << "plain record " << number << ", acknowledged at offset " << offset.value() << ", is not there";
  }
}

}  // namespace millrace::test
