#include "log/producer_state.h"

#include "unit/log/log_fixture.h"

namespace millrace {
namespace {

class IdempotenceTest : public LogFixture {
 protected:
  Result<AppendInfo> send(std::int32_t sequence, int count = 1, std::int16_t epoch = 0, std::int64_t id = 7) {
    std::vector<std::string> values;
    values.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) values.push_back(std::to_string(sequence + i));
    const auto batch = batches.of(values, clock.wall().time_since_epoch().count(),
                                  {.id = ProducerId{id}, .epoch = ProducerEpoch{epoch}, .base_sequence = sequence});
    return log->append(batch.bytes, LeaderEpoch{0});
  }
  ErrorCode error(const Result<AppendInfo>& info) { return info ? ErrorCode::kNone : info.error().code(); }
};

TEST_F(IdempotenceTest, ARetryGetsTheFirstAppendsOffsetAndIsNotWrittenAgain) {
  open();
  ASSERT_TRUE(send(0, 2));
  ASSERT_TRUE(send(2, 3));
  const auto retry = send(0, 2).value();
  EXPECT_TRUE(retry.duplicate);
  EXPECT_EQ(retry.base_offset, Offset{0});
  EXPECT_EQ(retry.last_offset, Offset{1});
  EXPECT_EQ(send(2, 3).value().base_offset, Offset{2});
  EXPECT_EQ(log->log_end(), Offset{5});
}

TEST_F(IdempotenceTest, AGapAndAnUnknownOrderAreRefused) {
  open();
  ASSERT_TRUE(send(0));
  EXPECT_EQ(error(send(2)), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(error(send(0, 2)), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_TRUE(send(1));
}

TEST_F(IdempotenceTest, FiveBatchesAreRemembered) {
  open();
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(send(i));
  for (int i = 1; i < 6; ++i) EXPECT_TRUE(send(i).value().duplicate);
  EXPECT_EQ(error(send(0)), ErrorCode::kDuplicateSequenceNumber);
}

TEST_F(IdempotenceTest, AnOldEpochIsFencedAndANewOneBeginsAtZero) {
  open();
  ASSERT_TRUE(send(0, 1, 3));
  EXPECT_EQ(error(send(1, 1, 2)), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(error(send(1, 1, 4)), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_TRUE(send(0, 1, 4));
  EXPECT_EQ(error(send(1, 1, 3)), ErrorCode::kInvalidProducerEpoch);
}

TEST_F(IdempotenceTest, SequencesWrapAround) {
  open();
  ASSERT_TRUE(send(INT32_MAX - 1, 2));
  EXPECT_TRUE(send(0));
  EXPECT_TRUE(send(INT32_MAX - 1, 2).value().duplicate);
}

TEST_F(IdempotenceTest, IsKeptOverARestartCleanOrNot) {
  open();
  ASSERT_TRUE(send(0, 3));
  flush();
  close_and_open();
  EXPECT_EQ(send(0, 3).value().base_offset, Offset{0});
  EXPECT_EQ(error(send(4)), ErrorCode::kOutOfOrderSequenceNumber);
  ASSERT_TRUE(send(3));
  ASSERT_TRUE(log->roll());
  ASSERT_TRUE(send(4));
  flush();
  crash_and_open();
  EXPECT_EQ(send(4).value().base_offset, Offset{4});
  EXPECT_EQ(error(send(6)), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_TRUE(send(5));
}

TEST_F(IdempotenceTest, IsKeptOverAPowerCutWhenTheBatchesWereDeleted) {
  open();
  // What a power cut keeps of a file is chosen anew each time.
  for (int round = 0; round < 16; ++round) {
    SCOPED_TRACE(round);
    ASSERT_TRUE(send(round));
    ASSERT_TRUE(log->roll());
    flush();
    ASSERT_TRUE(log->delete_records(log->log_end()));
    crash_and_open();
    const auto again = send(round);
    ASSERT_TRUE(again) << again.error().message();
    ASSERT_TRUE(again->duplicate);
  }
}

TEST_F(IdempotenceTest, ADamagedSnapshotIsReplacedByReadingTheBatches) {
  open();
  ASSERT_TRUE(send(0));
  ASSERT_TRUE(log->roll());
  ASSERT_TRUE(send(1));
  ASSERT_TRUE(log->close());
  log.reset();
  damage("/data/t-0/00000000000000000002.snapshot", 20);
  damage("/data/t-0/00000000000000000001.snapshot", 20);
  open({.clean = true, .recovery_point = Offset{2}});
  EXPECT_TRUE(send(1).value().duplicate);
  EXPECT_TRUE(send(2));
}

TEST(ProducerState, SnapshotGivesBackEveryProducer) {
  BufferPool pool;
  ProducerState state;
  for (int i = 0; i < 10; ++i) {
    RecordBatchBuilder builder{pool, 1000};
    ASSERT_TRUE(builder.try_append(at(i), nullptr, "x"));
    ASSERT_TRUE(builder.try_append(at(i), nullptr, "y"));
    const auto batch =
        builder.finish({.id = ProducerId{i}, .epoch = ProducerEpoch{1}, .base_sequence = 10}, Offset{100 + i}).value();
    state.update(RecordBatchView::trusted(batch.bytes));
  }
  ProducerState again;
  ASSERT_TRUE(again.decode(state.encode()));
  EXPECT_EQ(again.size(), 10U);
  auto damaged = state.encode();
  damaged[30] ^= std::byte{1};
  EXPECT_FALSE(again.decode(damaged));
  again.expire(at(5));
  EXPECT_EQ(again.size(), 5U);
}

}  // namespace
}  // namespace millrace
