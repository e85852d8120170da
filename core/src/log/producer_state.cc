#include "log/producer_state.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/bytes_io.h"
#include "base/crc32c.h"

namespace millrace {
namespace {

constexpr std::int16_t kVersion = 1;
constexpr std::size_t kCrcAt = 2;
constexpr std::size_t kEntriesAt = 6;
constexpr std::size_t kEntryBytes = 8 + 2 + 4 + 8 + 4 + 8 + 4 + 8;
/// Of transactions: from this on the end of one bumps its producer's epoch (KIP-890).
constexpr std::int8_t kBumpsEpoch = 2;

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

Result<void> ProducerState::check_beginning(const RecordBatchView& batch, TransactionGuard guard) const {
  const auto id = batch.producer_id().value();
  const auto found = beginnings_.find(id);
  if (found == beginnings_.end() || found->second.guard != guard) {
    return fail(ErrorCode::kInvalidTxnState,
                fmt::format("the transaction of producer {} that the records are of has ended", id));
  }
  if (batch.base_sequence() > found->second.lowest_sequence) {
    return fail(ErrorCode::kOutOfOrderSequenceNumber,
                fmt::format("producer {} wrote sequence {}, and {} is still on its way", id, batch.base_sequence(),
                            found->second.lowest_sequence));
  }
  return {};
}

TransactionGuard ProducerState::begin_transaction(const RecordBatchView& batch, Timestamp now) {
  const auto id = batch.producer_id().value();
  const auto epoch = batch.producer_epoch().value();
  const auto known = producers_.find(id);
  if (known != producers_.end() && known->second.epoch == epoch && known->second.open_transaction >= 0) {
    return kAlreadyOpen;
  }
  auto& beginning = beginnings_[id];
  if (beginning.guard == kAlreadyOpen || beginning.epoch < epoch) {
    beginning = {.guard = TransactionGuard{++last_guard_},
                 .epoch = epoch,
                 .lowest_sequence = batch.base_sequence(),
                 .asked = now};
  }
  if (beginning.epoch == epoch) {
    beginning.lowest_sequence = std::min(beginning.lowest_sequence, batch.base_sequence());
    return beginning.guard;
  }
  // An older epoch: its batch is refused for that.
  return kAlreadyOpen;
}

Result<bool> ProducerState::has_marker(const RecordBatchView& marker, std::int8_t transaction_version) const {
  const auto found = producers_.find(marker.producer_id().value());
  if (found == producers_.end()) return false;
  const auto& producer = found->second;
  const auto epoch = marker.producer_epoch().value();
  const auto coordinator_epoch = read_marker(marker).coordinator_epoch;
  if (coordinator_epoch < producer.coordinator_epoch) {
    return fail(ErrorCode::kTransactionCoordinatorFenced,
                fmt::format("a coordinator of epoch {} ended a transaction of producer {}; the current epoch is {}",
                            coordinator_epoch, found->first, producer.coordinator_epoch));
  }
  const bool is_open = producer.open_transaction >= 0;
  if (transaction_version >= kBumpsEpoch && epoch == producer.epoch && !is_open) return true;
  if (epoch < producer.epoch || (transaction_version >= kBumpsEpoch && epoch == producer.epoch)) {
    return fail(ErrorCode::kInvalidProducerEpoch,
                fmt::format("a marker for producer {} has epoch {}, and the producer writes with {}", found->first,
                            epoch, producer.epoch));
  }
  return false;
}

Result<ProducerState::Verdict> ProducerState::check(const RecordBatchView& batch, const AppendOptions& options) const {
  const auto id = batch.producer_id().value();
  const auto found = producers_.find(id);
  const auto epoch = batch.producer_epoch().value();
  const bool is_open = found != producers_.end() && found->second.open_transaction >= 0 && found->second.epoch == epoch;
  const bool must_begin = options.guard && batch.is_transactional() && !is_open;
  if (found == producers_.end()) {
    if (must_begin) MILLRACE_CHECK(check_beginning(batch, *options.guard));
    return Verdict{};
  }
  const auto& producer = found->second;
  if (epoch < producer.epoch) {
    return fail(ErrorCode::kInvalidProducerEpoch,
                fmt::format("producer {} wrote with epoch {}, which is older than its current one, {}", id, epoch,
                            producer.epoch));
  }
  if (is_open && !batch.is_transactional()) {
    return fail(ErrorCode::kInvalidTxnState,
                fmt::format("producer {} has a transaction open here, and wrote outside of it", id));
  }
  if (options.origin == AppendOrigin::kCoordinator) {
    if (must_begin) MILLRACE_CHECK(check_beginning(batch, *options.guard));
    return Verdict{};
  }
  const auto first = batch.base_sequence();
  for (std::size_t i = 0; epoch == producer.epoch && i < producer.batch_count; ++i) {
    const auto& known = producer.batches[i];
    if (known.first_sequence == first && known.last_sequence == batch.last_sequence()) {
      return Verdict{.duplicate_of = Offset{known.last_offset - known.offset_delta}};
    }
  }
  if (must_begin) MILLRACE_CHECK(check_beginning(batch, *options.guard));
  if (epoch > producer.epoch || producer.batch_count == 0) {
    if (first == 0 || producer.epoch < 0) return Verdict{};
    return fail(ErrorCode::kOutOfOrderSequenceNumber,
                fmt::format("producer {} began epoch {} with sequence {} instead of 0", id, epoch, first));
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

std::optional<ProducerState::Ended> ProducerState::end_transaction(Producer& producer, const RecordBatchView& batch,
                                                                   std::int8_t transaction_version) {
  const auto marker = read_marker(batch);
  if (marker.end != TransactionEnd::kUnknown) producer.coordinator_epoch = marker.coordinator_epoch;
  const auto beginning = beginnings_.find(batch.producer_id().value());
  // A marker that bumps the epoch has that of the next transaction, which may be on its way here already.
  const bool is_next = beginning != beginnings_.end() && transaction_version >= kBumpsEpoch &&
                       beginning->second.epoch >= batch.producer_epoch().value();
  if (beginning != beginnings_.end() && !is_next) beginnings_.erase(beginning);
  const auto first = std::exchange(producer.open_transaction, -1);
  if (first < 0) return std::nullopt;
  return Ended{.producer = batch.producer_id(), .first = Offset{first}, .end = marker.end};
}

std::optional<ProducerState::Ended> ProducerState::update(const RecordBatchView& batch,
                                                          std::int8_t transaction_version) {
  if (!batch.has_producer_id()) return std::nullopt;
  auto& producer = producers_[batch.producer_id().value()];
  if (producer.epoch != batch.producer_epoch().value()) {
    producer.epoch = batch.producer_epoch().value();
    producer.batch_count = 0;
  }
  producer.last_timestamp = batch.max_timestamp().time_since_epoch().count();
  if (batch.is_control()) return end_transaction(producer, batch, transaction_version);
  // A coordinator's batches have no sequence numbers, and yet the last one of them stays in the log.
  const bool numbered = batch.base_sequence() >= 0;
  producer.add({numbered ? batch.base_sequence() : -1, numbered ? batch.last_sequence() : -1,
                batch.last_offset().value(), batch.last_offset_delta()});
  if (batch.is_transactional()) {
    beginnings_.erase(batch.producer_id().value());
    if (producer.open_transaction < 0) producer.open_transaction = batch.base_offset().value();
  }
  return std::nullopt;
}

std::vector<ActiveProducer> ProducerState::active() const {
  std::vector<ActiveProducer> all;
  all.reserve(producers_.size());
  for (const auto& [id, producer] : producers_) {
    all.push_back({.id = ProducerId{id},
                   .epoch = ProducerEpoch{producer.epoch},
                   .last_sequence = producer.batch_count > 0 ? producer.last().last_sequence : -1,
                   .last_timestamp = Timestamp{std::chrono::milliseconds{producer.last_timestamp}},
                   .coordinator_epoch = producer.coordinator_epoch,
                   .open_transaction = Offset{producer.open_transaction}});
  }
  std::ranges::sort(all, {}, &ActiveProducer::id);
  return all;
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
  std::erase_if(beginnings_, [before](const auto& entry) { return entry.second.asked < before; });
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
  clear();
  for (std::int32_t i = 0; i < count; ++i) {
    auto& producer = producers_[reader.read<std::int64_t>()];
    producer = {};
    producer.epoch = reader.read<std::int16_t>();
    Batch last{};
    last.last_sequence = reader.read<std::int32_t>();
    last.last_offset = reader.read<std::int64_t>();
    last.offset_delta = reader.read<std::int32_t>();
    last.first_sequence = last.last_sequence < 0 ? -1 : sequence_before(last.last_sequence, last.offset_delta);
    producer.last_timestamp = reader.read<std::int64_t>();
    producer.coordinator_epoch = reader.read<std::int32_t>();
    producer.open_transaction = reader.read<std::int64_t>();
    if (last.last_offset >= 0) producer.add(last);
  }
  return {};
}

}  // namespace millrace
