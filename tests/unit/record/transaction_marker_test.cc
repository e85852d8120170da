#include "record/transaction_marker.h"

#include <gtest/gtest.h>

#include "record/aborted_batches.h"
#include "record/record_batch_builder.h"

namespace millrace {
namespace {

constexpr Timestamp kNow{std::chrono::milliseconds{5}};

class TransactionMarkerTest : public testing::Test {
 protected:
  PooledBytes marker(std::int64_t producer, TransactionEnd end, std::int64_t offset) {
    const auto batch = make_marker_batch(
        {.producer = ProducerId{producer}, .epoch = ProducerEpoch{3}, .end = end, .coordinator_epoch = 7}, kNow, pool);
    EXPECT_TRUE(batch);
    stamp(batch->bytes, Offset{offset}, LeaderEpoch{0});
    return *batch;
  }
  PooledBytes data(std::int64_t producer, std::int64_t offset, bool transactional = true) {
    RecordBatchBuilder builder{pool, 1000, {.transactional = transactional}};
    EXPECT_TRUE(builder.try_append(kNow, nullptr, "v"));
    return builder.finish({.id = ProducerId{producer}, .epoch = ProducerEpoch{3}, .base_sequence = 0}, Offset{offset})
        .value();
  }

  BufferPool pool;
};

TEST_F(TransactionMarkerTest, LiesInTheLogAsKafkaWritesIt) {
  const auto bytes = marker(9, TransactionEnd::kCommit, 0);
  const auto batch = RecordBatchView::parse(bytes.bytes).value();
  EXPECT_TRUE(batch.crc_matches());
  EXPECT_TRUE(batch.is_control());
  EXPECT_TRUE(batch.is_transactional());
  EXPECT_EQ(batch.base_sequence(), -1);
  EXPECT_EQ(batch.record_count(), 1);
  auto records = batch.records(pool).value();
  ASSERT_TRUE(records.next());
  EXPECT_EQ(records.record().key.text(), std::string_view("\0\0\0\1", 4));
  EXPECT_EQ(records.record().value.text(), std::string_view("\0\0\0\0\0\7", 6));
}

TEST_F(TransactionMarkerTest, IsReadBack) {
  for (const auto end : {TransactionEnd::kAbort, TransactionEnd::kCommit}) {
    const auto bytes = marker(9, end, 0);
    const TransactionMarker expected{
        .producer = ProducerId{9}, .epoch = ProducerEpoch{3}, .end = end, .coordinator_epoch = 7};
    EXPECT_EQ(read_marker(RecordBatchView::trusted(bytes.bytes)), expected);
  }
  const auto other = data(9, 0);
  EXPECT_EQ(read_marker(RecordBatchView::trusted(other.bytes)).end, TransactionEnd::kUnknown);
}

TEST_F(TransactionMarkerTest, EndsWhatAReaderOfCommittedRecordsSkips) {
  const std::vector<AbortedTransaction> aborted{{ProducerId{1}, Offset{0}}, {ProducerId{2}, Offset{3}}};
  AbortedBatches skipped{aborted};
  const auto is_skipped = [&](const PooledBytes& batch) { return skipped.has(RecordBatchView::trusted(batch.bytes)); };
  EXPECT_TRUE(is_skipped(data(1, 0)));
  EXPECT_FALSE(is_skipped(data(2, 1))) << "of its transaction before";
  EXPECT_FALSE(is_skipped(marker(2, TransactionEnd::kCommit, 2)));
  EXPECT_TRUE(is_skipped(data(2, 3)));
  EXPECT_FALSE(is_skipped(data(1, 4, false))) << "of no transaction";
  EXPECT_TRUE(is_skipped(data(1, 5)));
  EXPECT_FALSE(is_skipped(marker(1, TransactionEnd::kAbort, 6)));
  EXPECT_FALSE(is_skipped(data(1, 7)));
  EXPECT_TRUE(is_skipped(data(2, 8)));
}

}  // namespace
}  // namespace millrace
