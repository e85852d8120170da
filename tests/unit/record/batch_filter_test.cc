#include "record/batch_filter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "record/record_batch_builder.h"

namespace millrace {
namespace {

Timestamp time_of(std::int64_t ms) { return Timestamp{std::chrono::milliseconds{ms}}; }

class BatchFilterTest : public testing::Test {
 protected:
  /// Records 0 to 9, the odd ones tombstones, at 1000, 1001, ...; with a header each.
  PooledBytes sample(Compression codec) {
    RecordBatchBuilder builder{pool, 1 << 20, {.compression = codec, .transactional = true}};
    for (int i = 0; i < 10; ++i) {
      const auto value = "value " + std::to_string(i);
      const std::vector<Header> headers{{"number", std::string_view{"n"}}};
      const auto bytes = i % 2 == 0 ? NullableBytes{value} : NullableBytes{};
      EXPECT_TRUE(builder.try_append(time_of(1000 + i), "key " + std::to_string(i), bytes, headers));
    }
    return builder
        .finish({.id = ProducerId{7}, .epoch = ProducerEpoch{3}, .base_sequence = 50}, Offset{100}, LeaderEpoch{4})
        .value();
  }
  /// "offset key=value time headers" of each record.
  std::vector<std::string> records_of(const RecordBatchView& batch) {
    EXPECT_TRUE(batch.crc_matches());
    std::vector<std::string> found;
    auto cursor = batch.records(pool).value();
    while (cursor.next()) {
      const auto& record = cursor.record();
      found.push_back(std::to_string(record.offset.value()) + " " + std::string{record.key.text()} + "=" +
                      std::string{record.value.is_null() ? "-" : record.value.text()} + " " +
                      std::to_string(record.timestamp.time_since_epoch().count()) + " " +
                      std::to_string(headers_of(record).size()));
    }
    EXPECT_TRUE(cursor.status().has_value());
    return found;
  }
  BufferPool pool;
};

TEST_F(BatchFilterTest, KeepsEverythingButTheRecordsThatGo) {
  for (const auto codec :
       {Compression::kNone, Compression::kGzip, Compression::kSnappy, Compression::kLz4, Compression::kZstd}) {
    SCOPED_TRACE(name_of(codec));
    const auto made = sample(codec);
    const auto batch = RecordBatchView::trusted(made.bytes);
    const auto keep = [](const RecordView& record) {
      return record.offset == Offset{102} || record.offset == Offset{104};
    };
    const auto filtered = filter_batch(batch, {.keep = keep}, pool).value();
    ASSERT_EQ(filtered.outcome, FilteredBatch::Outcome::kRewritten);
    EXPECT_EQ(filtered.records, 2);
    const auto result = RecordBatchView::parse(filtered.rewritten.bytes).value();
    EXPECT_EQ(result.size(), filtered.rewritten.bytes.size());
    EXPECT_EQ(records_of(result), (std::vector<std::string>{"102 key 2=value 2 1002 1", "104 key 4=value 4 1004 1"}));
    EXPECT_EQ(result.base_offset(), Offset{100});
    EXPECT_EQ(result.last_offset(), Offset{109});
    EXPECT_EQ(result.leader_epoch(), LeaderEpoch{4});
    EXPECT_EQ(result.producer_id(), ProducerId{7});
    EXPECT_EQ(result.base_sequence(), 50);
    EXPECT_EQ(result.last_sequence(), 59);
    EXPECT_EQ(result.max_timestamp(), time_of(1004));
    EXPECT_EQ(result.attributes(), batch.attributes());
  }
}

TEST_F(BatchFilterTest, ATombstoneGivesItsBatchAHorizonAndNoRecordAnotherTime) {
  const auto made = sample(Compression::kLz4);
  const auto keep = [](const RecordView& record) { return record.offset <= Offset{101}; };
  const auto filtered =
      filter_batch(RecordBatchView::trusted(made.bytes), {.keep = keep, .horizon = time_of(90'000'000)}, pool).value();
  const auto result = RecordBatchView::parse(filtered.rewritten.bytes).value();
  EXPECT_TRUE(result.has_delete_horizon());
  EXPECT_EQ(result.base_timestamp(), time_of(90'000'000));
  EXPECT_EQ(records_of(result), (std::vector<std::string>{"100 key 0=value 0 1000 1", "101 key 1=- 1001 1"}));

  // It is set once.
  const auto all = [](const RecordView&) { return true; };
  const auto again = filter_batch(result, {.keep = all, .horizon = time_of(95'000'000)}, pool).value();
  EXPECT_EQ(again.outcome, FilteredBatch::Outcome::kUnchanged);
  const auto first = [](const RecordView& record) { return record.offset == Offset{101}; };
  const auto less = filter_batch(result, {.keep = first, .horizon = time_of(95'000'000)}, pool).value();
  const auto later = RecordBatchView::parse(less.rewritten.bytes).value();
  EXPECT_EQ(later.base_timestamp(), time_of(90'000'000));
  EXPECT_EQ(records_of(later), (std::vector<std::string>{"101 key 1=- 1001 1"}));
}

TEST_F(BatchFilterTest, ABatchWithoutRecordsIsDroppedOrKeepsItsHeader) {
  const auto made = sample(Compression::kZstd);
  const auto batch = RecordBatchView::trusted(made.bytes);
  const auto none = [](const RecordView&) { return false; };
  EXPECT_EQ(filter_batch(batch, {.keep = none}, pool).value().outcome, FilteredBatch::Outcome::kDropped);
  const auto kept = filter_batch(batch, {.keep = none, .when_empty = EmptyBatch::kKeep}, pool).value();
  const auto empty = RecordBatchView::parse(kept.rewritten.bytes).value();
  EXPECT_EQ(empty.size(), batch_layout::kRecords);
  EXPECT_TRUE(records_of(empty).empty());
  EXPECT_EQ(empty.record_count(), 0);
  EXPECT_EQ(empty.base_offset(), Offset{100});
  EXPECT_EQ(empty.last_offset(), Offset{109});
  EXPECT_EQ(empty.last_sequence(), 59);
  EXPECT_EQ(empty.max_timestamp(), time_of(1009));
  EXPECT_EQ(empty.compression(), Compression::kNone);
  EXPECT_TRUE(empty.is_transactional());
  // And stays so.
  EXPECT_EQ(filter_batch(empty, {.keep = none, .when_empty = EmptyBatch::kKeep}, pool).value().outcome,
            FilteredBatch::Outcome::kUnchanged);
  EXPECT_EQ(filter_batch(empty, {.keep = none}, pool).value().outcome, FilteredBatch::Outcome::kDropped);
}

TEST_F(BatchFilterTest, AnotherCodecChangesNoRecord) {
  const auto made = sample(Compression::kSnappy);
  const auto batch = RecordBatchView::trusted(made.bytes);
  const auto expected = records_of(batch);
  for (const auto codec : {Compression::kNone, Compression::kGzip, Compression::kLz4, Compression::kZstd}) {
    SCOPED_TRACE(name_of(codec));
    const auto packed = recompress_batch(batch, codec, kDefaultLevel, pool).value();
    const auto result = RecordBatchView::parse(packed.bytes).value();
    EXPECT_EQ(result.compression(), codec);
    EXPECT_EQ(records_of(result), expected);
    EXPECT_EQ(result.base_sequence(), 50);
  }
}

TEST_F(BatchFilterTest, ABatchThatIsDamagedInsideIsRefused) {
  auto made = sample(Compression::kNone);
  made.bytes[batch_layout::kRecords] = std::byte{0x7f};
  const auto batch = RecordBatchView::trusted(made.bytes);
  EXPECT_EQ(recompress_batch(batch, Compression::kZstd, kDefaultLevel, pool).error().code(),
            ErrorCode::kCorruptMessage);
}

}  // namespace
}  // namespace millrace
