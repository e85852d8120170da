#include "record/record_batch.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>

#include "base/random.h"
#include "record/record_batch_builder.h"

namespace millrace {
namespace {

Timestamp at(std::int64_t ms) { return Timestamp{std::chrono::milliseconds{ms}}; }

/// A batch in memory that a test may damage.
struct Sample {
  std::unique_ptr<BufferPool> pool = std::make_unique<BufferPool>();
  PooledBytes batch;

  RecordBatchView view() const { return RecordBatchView::trusted(batch.bytes); }
  std::byte& operator[](std::size_t i) { return batch.bytes[i]; }
  void seal() { store_be<std::uint32_t>(batch.bytes.data() + batch_layout::kCrc, view().compute_crc()); }
};

Sample sample(int records = 3, BatchAttributes attributes = {}, BatchProducer producer = {}) {
  Sample made;
  RecordBatchBuilder builder{*made.pool, 1 << 20, attributes};
  for (int i = 0; i < records; ++i) {
    EXPECT_TRUE(builder.try_append(at(1000 + i), "key" + std::to_string(i), "value" + std::to_string(i)));
  }
  made.batch = builder.finish(producer).value();
  return made;
}

std::vector<std::string> values_of(const RecordBatchView& batch, BufferPool& pool) {
  std::vector<std::string> values;
  auto cursor = batch.records(pool).value();
  while (cursor.next()) values.emplace_back(cursor.record().value.text());
  EXPECT_TRUE(cursor.status().has_value());
  return values;
}

ErrorCode check_error(Sample& made, ProduceLimits limits = {}) {
  const auto checked = check_produced_batch(made.batch.bytes, limits, at(2000), *made.pool);
  return checked ? ErrorCode::kNone : checked.error().code();
}

TEST(RecordBatch, GivesBackWhatWasBuilt) {
  BufferPool pool;
  RecordBatchBuilder builder{pool, 1 << 20};
  const Header headers[] = {{"trace", "abc"}, {"empty", ""}, {"none", nullptr}};
  ASSERT_TRUE(builder.try_append(at(1000), nullptr, "first"));
  ASSERT_TRUE(builder.try_append(at(900), "key", nullptr, headers));
  ASSERT_TRUE(builder.try_append(at(5'000'000'000'000), "", ""));
  auto built =
      builder.finish({.id = ProducerId{7}, .epoch = ProducerEpoch{2}, .base_sequence = 40}, Offset{10}, LeaderEpoch{3})
          .value();

  const auto batch = RecordBatchView::parse(built.bytes).value();
  EXPECT_TRUE(batch.crc_matches());
  EXPECT_EQ(batch.base_offset(), Offset{10});
  EXPECT_EQ(batch.last_offset(), Offset{12});
  EXPECT_EQ(batch.leader_epoch(), LeaderEpoch{3});
  EXPECT_EQ(batch.base_timestamp(), at(1000));
  EXPECT_EQ(batch.max_timestamp(), at(5'000'000'000'000));
  EXPECT_EQ(batch.producer_id(), ProducerId{7});
  EXPECT_EQ(batch.producer_epoch(), ProducerEpoch{2});
  EXPECT_EQ(batch.base_sequence(), 40);
  EXPECT_EQ(batch.last_sequence(), 42);
  EXPECT_EQ(batch.record_count(), 3);

  auto cursor = batch.records(pool).value();
  ASSERT_TRUE(cursor.next());
  EXPECT_TRUE(cursor.record().key.is_null());
  EXPECT_EQ(cursor.record().value.text(), "first");
  EXPECT_EQ(cursor.record().offset, Offset{10});
  EXPECT_TRUE(headers_of(cursor.record()).empty());
  ASSERT_TRUE(cursor.next());
  EXPECT_EQ(cursor.record().timestamp, at(900));
  EXPECT_TRUE(cursor.record().value.is_null());
  const auto read = headers_of(cursor.record());
  ASSERT_EQ(read.size(), 3U);
  EXPECT_EQ(read[0].name, "trace");
  EXPECT_EQ(read[0].value.text(), "abc");
  EXPECT_FALSE(read[1].value.is_null());
  EXPECT_TRUE(read[2].value.is_null());
  ASSERT_TRUE(cursor.next());
  EXPECT_FALSE(cursor.record().key.is_null());
  EXPECT_FALSE(cursor.next());
  EXPECT_TRUE(cursor.status().has_value());
}

// The bytes of org.apache.kafka.common.record.MemoryRecords for one record, written down by hand from the format's
// description: so that a mistake in both builder and view does not go unseen.
TEST(RecordBatch, HasKafkasBytes) {
  BufferPool pool;
  RecordBatchBuilder builder{pool, 1 << 20};
  ASSERT_TRUE(builder.try_append(at(1), "k", "v"));
  const auto built = builder.finish({}, Offset{5}, LeaderEpoch{1}).value();

  constexpr std::uint8_t kBefore[] = {0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 58, 0, 0, 0, 1, 2};
  constexpr std::uint8_t kAfterCrc[] = {0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
                                        1,    0,    0,    0,    0,    0,    0,    0,    1,    0xff, 0xff, 0xff, 0xff,
                                        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,    0,    0,
                                        1,    16,   0,    0,    0,    2,    'k',  2,    'v',  0};
  ASSERT_EQ(built.bytes.size(), sizeof kBefore + 4 + sizeof kAfterCrc);
  EXPECT_EQ(std::memcmp(built.bytes.data(), kBefore, sizeof kBefore), 0);
  EXPECT_EQ(std::memcmp(built.bytes.data() + 21, kAfterCrc, sizeof kAfterCrc), 0);
}

TEST(RecordBatch, SequenceWrapsAfterTheLargestNumber) {
  const auto made = sample(3, {}, {.id = ProducerId{1}, .epoch = ProducerEpoch{0}, .base_sequence = INT32_MAX - 1});
  EXPECT_EQ(made.view().last_sequence(), 0);
}

TEST(RecordBatch, AnyChangedByteUnderTheChecksumIsSeen) {
  auto made = sample();
  for (std::size_t i = batch_layout::kAttributes; i < made.batch.bytes.size(); ++i) {
    made[i] ^= std::byte{1};
    EXPECT_FALSE(made.view().crc_matches()) << i;
    made[i] ^= std::byte{1};
  }
}

TEST(RecordBatch, StampingLeavesTheChecksumRight) {
  auto made = sample();
  stamp(made.batch.bytes, Offset{99}, LeaderEpoch{4});
  EXPECT_TRUE(made.view().crc_matches());
  EXPECT_EQ(made.view().last_offset(), Offset{101});
  stamp_append_time(made.batch.bytes, at(7777));
  EXPECT_TRUE(made.view().crc_matches());
  auto cursor = made.view().records(*made.pool).value();
  ASSERT_TRUE(cursor.next());
  EXPECT_EQ(cursor.record().timestamp, at(7777));
}

TEST(RecordBatch, OldMessageSetsAreRefusedClearly) {
  auto made = sample();
  made[batch_layout::kMagic] = std::byte{1};
  const auto parsed = RecordBatchView::parse(made.batch.bytes);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code(), ErrorCode::kUnsupportedForMessageFormat);
}

TEST(RecordBatch, BytesThatMakeNoSenseAreErrorsAndNeverReadOutside) {
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    SCOPED_TRACE(seed);
    Random random{seed};
    static auto original = sample(5);
    std::vector<std::byte> bytes{original.batch.bytes.begin(), original.batch.bytes.end()};
    for (auto n = 1 + random.below(4); n > 0; --n) bytes[random.below(bytes.size())] = static_cast<std::byte>(random());
    bytes.resize(random.below(bytes.size()) + 1);
    bytes.shrink_to_fit();
    const auto parsed = RecordBatchView::parse(bytes);
    if (!parsed) continue;
    auto cursor = parsed->records(*original.pool, 1 << 20);
    if (!cursor) continue;
    std::size_t total = 0;
    while (cursor->next()) total += cursor->record().value.size();
    EXPECT_LE(total, bytes.size());
  }
}

TEST(BatchCursor, LeavesABatchThatIsCutOff) {
  const auto made = sample();
  std::vector<std::byte> two{made.batch.bytes.begin(), made.batch.bytes.end()};
  two.insert(two.end(), two.begin(), two.begin() + 70);
  BatchCursor cursor{two};
  EXPECT_TRUE(cursor.next());
  EXPECT_FALSE(cursor.next());
  EXPECT_TRUE(cursor.status().has_value());
  EXPECT_EQ(cursor.used(), made.batch.bytes.size());
}

TEST(RecordBatchBuilder, StopsAtItsLimitButTakesOneRecordOfAnySize) {
  BufferPool pool;
  RecordBatchBuilder builder{pool, 1000};
  const std::string large(5000, 'x');
  EXPECT_TRUE(builder.try_append(at(1), nullptr, large));
  EXPECT_FALSE(builder.try_append(at(1), nullptr, "y"));
  EXPECT_EQ(values_of(RecordBatchView::trusted(builder.finish().value().bytes), pool), std::vector{large});
  int count = 0;
  while (builder.try_append(at(1), nullptr, "0123456789")) ++count;
  EXPECT_LE(builder.size(), 1000U);
  EXPECT_GT(builder.size(), 940U);
  EXPECT_EQ(builder.count(), count);
}

TEST(CheckProducedBatch, TakesWhatAClientMaySend) {
  auto made = sample();
  EXPECT_EQ(check_error(made), ErrorCode::kNone);
  auto packed = sample(100, {.compression = Compression::kZstd});
  EXPECT_EQ(check_error(packed), ErrorCode::kNone);
}

TEST(CheckProducedBatch, RefusesAWrongChecksum) {
  auto made = sample();
  made[70] ^= std::byte{1};
  EXPECT_EQ(check_error(made), ErrorCode::kCorruptMessage);
}

TEST(CheckProducedBatch, RefusesCountsThatContradictEachOther) {
  auto made = sample();
  made[batch_layout::kRecordCount + 3] = std::byte{2};
  made.seal();
  EXPECT_EQ(check_error(made), ErrorCode::kInvalidRecord);
  made[batch_layout::kRecordCount + 3] = std::byte{0};
  made.seal();
  EXPECT_EQ(check_error(made), ErrorCode::kInvalidRecord);
}

TEST(CheckProducedBatch, RefusesControlBatchesAndUnknownCodecs) {
  auto control = sample(3, {.control = true});
  EXPECT_EQ(check_error(control), ErrorCode::kInvalidRecord);
  auto unknown = sample();
  unknown[batch_layout::kAttributes + 1] = std::byte{6};
  unknown.seal();
  EXPECT_EQ(check_error(unknown), ErrorCode::kUnsupportedCompressionType);
}

TEST(CheckProducedBatch, RefusesLz4FramesThatJavaClientsCannotRead) {
  auto packed = sample(100, {.compression = Compression::kLz4});
  EXPECT_EQ(check_error(packed), ErrorCode::kNone);
  constexpr auto kFlags = batch_layout::kRecords + 4;
  for (const auto bit : {std::byte{0x20}, std::byte{0x01}}) {  // dependent blocks, a dictionary
    packed[kFlags] ^= bit;
    packed.seal();
    EXPECT_EQ(check_error(packed), ErrorCode::kInvalidRecord);
    packed[kFlags] ^= bit;
  }
  packed[batch_layout::kRecords] ^= std::byte{1};
  packed.seal();
  EXPECT_EQ(check_error(packed), ErrorCode::kInvalidRecord);
}

TEST(CheckProducedBatch, RefusesMoreThanOneBatchAndCutOffOnes) {
  auto made = sample();
  std::vector<std::byte> two{made.batch.bytes.begin(), made.batch.bytes.end()};
  two.insert(two.end(), made.batch.bytes.begin(), made.batch.bytes.end());
  const auto checked = check_produced_batch(two, {}, at(2000), *made.pool);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), ErrorCode::kInvalidRecord);
  const auto cut = check_produced_batch(made.batch.bytes.first(80), {}, at(2000), *made.pool);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code(), ErrorCode::kCorruptMessage);
}

TEST(CheckProducedBatch, HoldsTheTopicsLimits) {
  auto made = sample();
  EXPECT_EQ(check_error(made, {.max_message_bytes = 50}), ErrorCode::kMessageTooLarge);
  EXPECT_EQ(check_error(made, {.timestamp_before_max = std::chrono::milliseconds{10}}), ErrorCode::kInvalidTimestamp);
  EXPECT_EQ(check_error(made, {.timestamp_after_max = std::chrono::milliseconds{10}}), ErrorCode::kNone);
  BufferPool pool;
  RecordBatchBuilder builder{pool, 1000};
  ASSERT_TRUE(builder.try_append(at(1), nullptr, "x"));
  const auto keyless = builder.finish().value();
  const auto checked = check_produced_batch(keyless.bytes, {.keys_required = true}, at(2000), pool);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), ErrorCode::kInvalidRecord);
}

}  // namespace
}  // namespace millrace
