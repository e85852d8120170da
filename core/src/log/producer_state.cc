#include "log/producer_state.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/bytes_io.h"
#include "base/crc32c.h"

namespace millrace {
namespace {

constexpr std::int16_t kVersion = 1;
constexpr std::size_t kCrcAt = 2;
constexpr std::size_t kEntriesAt = 6;
constexpr std::size_t kEntryBytes = 8 + 2 + 4 + 8 + 4 + 8 + 4 + 8;

std::int32_t sequence_before(std::int32_t sequence, std::int32_t distance) {
  return static_cast<std::int32_t>((static_cast<std::int64_t>(sequence) - distance) & INT32_MAX);
}
std::int32_t sequence_after(std::int32_t sequence) { return sequence == INT32_MAX ? 0 : sequence + 1; }

}  // namespace

void ProducerState::Producer::add(Batch batch) {
  if (batch_count == kRemembered) {
    std::shift_left(batches.begin(), batches.end(), 1);
    --batch_count;
  }
  batches[batch_count++] = batch;
}

Result<ProducerState::Verdict> ProducerState::check(const RecordBatchView& batch) const {
  const auto id = batch.producer_id().value();
  const auto found = producers_.find(id);
  if (found == producers_.end()) return Verdict{};
  const auto& producer = found->second;
  const auto epoch = batch.producer_epoch().value();
  if (epoch < producer.epoch) {
    return fail(ErrorCode::kInvalidProducerEpoch,
                fmt::format("producer {} wrote with epoch {}, which is older than its current one, {}", id, epoch,
                            producer.epoch));
  }
  const auto first = batch.base_sequence();
  if (epoch > producer.epoch) {
    if (first == 0 || producer.epoch < 0) return Verdict{};
    return fail(ErrorCode::kOutOfOrderSequenceNumber,
                fmt::format("producer {} began epoch {} with sequence {} instead of 0", id, epoch, first));
  }
  if (producer.batch_count == 0) return Verdict{};
  for (std::size_t i = 0; i < producer.batch_count; ++i) {
    const auto& known = producer.batches[i];
    if (known.first_sequence == first && known.last_sequence == batch.last_sequence()) {
      return Verdict{.duplicate_of = Offset{known.last_offset - known.offset_delta}};
    }
  }
  const auto expected = sequence_after(producer.last().last_sequence);
  if (first == expected) return Verdict{};
  const auto oldest = producer.batches[0].first_sequence;
  if (batch.last_sequence() < oldest && first < oldest && oldest - first < INT32_MAX / 2) {
    return fail(ErrorCode::kDuplicateSequenceNumber,
                fmt::format("producer {} repeated sequence {}, which is in the log already but no longer remembered",
                            id, first));
  }
  return fail(ErrorCode::kOutOfOrderSequenceNumber,
              fmt::format("producer {} wrote sequence {} where {} was expected", id, first, expected));
}

void ProducerState::end_transaction(Producer& producer, const RecordBatchView& batch) {
  producer.open_transaction = -1;
  // The marker's value is version and coordinator epoch; a marker is one record and never packed.
  BufferPool none{0};
  auto cursor = batch.records(none);
  if (!cursor || !cursor->next()) return;
  ByteReader value{cursor->record().value.bytes()};
  value.skip(2);
  const auto coordinator_epoch = value.read<std::int32_t>();
  if (value.ok()) producer.coordinator_epoch = coordinator_epoch;
}

void ProducerState::update(const RecordBatchView& batch) {
  if (!batch.has_producer_id()) return;
  auto& producer = producers_[batch.producer_id().value()];
  if (producer.epoch != batch.producer_epoch().value()) {
    producer.epoch = batch.producer_epoch().value();
    producer.batch_count = 0;
  }
  producer.last_timestamp = batch.max_timestamp().time_since_epoch().count();
  if (batch.is_control()) return end_transaction(producer, batch);
  producer.add({batch.base_sequence(), batch.last_sequence(), batch.last_offset().value(), batch.last_offset_delta()});
  if (batch.is_transactional() && producer.open_transaction < 0) {
    producer.open_transaction = batch.base_offset().value();
  }
}

std::vector<std::pair<ProducerId, Offset>> ProducerState::open_transactions() const {
  std::vector<std::pair<ProducerId, Offset>> open;
  for (const auto& [id, producer] : producers_) {
    if (producer.open_transaction >= 0) open.emplace_back(ProducerId{id}, Offset{producer.open_transaction});
  }
  std::ranges::sort(open, {}, &std::pair<ProducerId, Offset>::second);
  return open;
}

ProducerState::LastRecords ProducerState::last_records() const {
  LastRecords records;
  records.reserve(producers_.size());
  for (const auto& [id, producer] : producers_) {
    LastRecord last{std::nullopt, ProducerEpoch{producer.epoch}};
    if (producer.batch_count > 0) last.data_offset = Offset{producer.last().last_offset};
    records.emplace(id, last);
  }
  return records;
}

void ProducerState::expire(Timestamp before) {
  std::erase_if(producers_, [before](const auto& entry) {
    return entry.second.open_transaction < 0 && entry.second.last_timestamp < before.time_since_epoch().count();
  });
}

std::vector<std::byte> ProducerState::encode() const {
  ByteWriter writer;
  writer.reserve(kEntriesAt + 4 + producers_.size() * kEntryBytes);
  writer.write<std::int16_t>(kVersion);
  writer.write<std::uint32_t>(0);
  writer.write<std::int32_t>(static_cast<std::int32_t>(producers_.size()));
  for (const auto& [id, producer] : producers_) {
    const auto last = producer.batch_count > 0 ? producer.last() : Batch{-1, -1, -1, 0};
    writer.write<std::int64_t>(id);
    writer.write<std::int16_t>(producer.epoch);
    writer.write<std::int32_t>(last.last_sequence);
    writer.write<std::int64_t>(last.last_offset);
    writer.write<std::int32_t>(last.offset_delta);
    writer.write<std::int64_t>(producer.last_timestamp);
    writer.write<std::int32_t>(producer.coordinator_epoch);
    writer.write<std::int64_t>(producer.open_transaction);
  }
  writer.patch<std::uint32_t>(kCrcAt, crc32c(writer.bytes().subspan(kEntriesAt)));
  return writer.take();
}

Result<void> ProducerState::decode(Bytes bytes) {
  ByteReader reader{bytes};
  const auto version = reader.read<std::int16_t>();
  const auto crc = reader.read<std::uint32_t>();
  if (!reader.ok() || version != kVersion || crc != crc32c(bytes.subspan(kEntriesAt))) {
    return fail(ErrorCode::kMalformed, "the producer snapshot is damaged or of an unknown version");
  }
  const auto count = reader.read<std::int32_t>();
  if (count < 0 || reader.left() != static_cast<std::size_t>(count) * kEntryBytes) {
    return fail(ErrorCode::kMalformed, "the producer snapshot has the wrong length");
  }
  producers_.clear();
  for (std::int32_t i = 0; i < count; ++i) {
    auto& producer = producers_[reader.read<std::int64_t>()];
    producer = {};
    producer.epoch = reader.read<std::int16_t>();
    Batch last{};
    last.last_sequence = reader.read<std::int32_t>();
    last.last_offset = reader.read<std::int64_t>();
    last.offset_delta = reader.read<std::int32_t>();
    last.first_sequence = sequence_before(last.last_sequence, last.offset_delta);
    producer.last_timestamp = reader.read<std::int64_t>();
    producer.coordinator_epoch = reader.read<std::int32_t>();
    producer.open_transaction = reader.read<std::int64_t>();
    if (last.last_sequence >= 0) producer.add(last);
  }
  return {};
}

}  // namespace millrace
