#include "log/partition_log.h"

#include <cerrno>
#include <set>

#include "unit/log/log_fixture.h"

namespace millrace {
namespace {

using testing::Test;

class PartitionLogTest : public LogFixture {};

TEST_F(PartitionLogTest, GivesBackBatchesAsTheyWereAppended) {
  open();
  EXPECT_EQ(append({"a", "b"}).base_offset, Offset{0});
  const auto second = append({"c"});
  EXPECT_EQ(second.base_offset, Offset{2});
  EXPECT_EQ(second.last_offset, Offset{2});
  flush();
  EXPECT_EQ(read_all(*log, pool), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(log->log_end(), Offset{3});
}

TEST_F(PartitionLogTest, ShowsReadersOnlyWhatIsDurable) {
  open();
  append({"a"});
  EXPECT_EQ(log->high_watermark(), Offset{0});
  EXPECT_TRUE(read_all(*log, pool).empty());
  EXPECT_EQ(read_all(*log, pool, Isolation::kLogEnd), std::vector<std::string>{"a"});
  flush();
  append({"b"});
  EXPECT_EQ(log->high_watermark(), Offset{1});
  EXPECT_EQ(read_all(*log, pool), std::vector<std::string>{"a"});
}

TEST_F(PartitionLogTest, WithWriteCachingTheHighWatermarkIsTheWrittenEnd) {
  config.write_caching = true;
  open();
  append({"a"});
  EXPECT_EQ(log->high_watermark(), Offset{1});
  EXPECT_EQ(log->durable().offset, Offset{0});
  EXPECT_EQ(read_all(*log, pool), std::vector<std::string>{"a"});
}

TEST_F(PartitionLogTest, TellsWhoWaitsOnceItIsDurableAndInOrder) {
  open();
  append({"a"});
  append({"b"});
  std::vector<int> told;
  log->when_durable(Offset{2}, [&](const Result<void>& result) { told.push_back(result ? 2 : -2); });
  log->when_durable(Offset{1}, [&](const Result<void>& result) { told.push_back(result ? 1 : -1); });
  log->when_high_watermark(Offset{3}, [&](const Result<void>& result) { told.push_back(result ? 3 : -3); });
  EXPECT_TRUE(told.empty());
  flush();
  EXPECT_EQ(told, (std::vector{1, 2}));
  log->when_durable(Offset{2}, [&](const Result<void>& result) { told.push_back(result ? 4 : -4); });
  EXPECT_EQ(told.back(), 4);
  ASSERT_TRUE(log->close());
  EXPECT_EQ(told.back(), -3);
}

TEST_F(PartitionLogTest, TellsOfProgressWithNoLockHeld) {
  open();
  std::vector<Offset> seen;
  log->set_progress_listener([&](const LogPositions& now) {
    seen.push_back(now.high_watermark);
    EXPECT_EQ(log->high_watermark(), now.high_watermark);
    if (now.high_watermark == Offset{1}) append({"from the listener"});
  });
  append({"a"});
  flush();
  EXPECT_EQ(seen, (std::vector{Offset{1}, Offset{2}}));
}

TEST_F(PartitionLogTest, ReadsFromTheMiddleOfABatchAndAtLeastOneBatchHoweverLarge) {
  open();
  append({"a", "b", "c"});
  append({std::string(100'000, 'x')});
  flush();
  const auto slice = log->read(Offset{1}, 1, Isolation::kHighWatermark).value();
  EXPECT_EQ(values_in(slice.bytes, pool), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(slice.high_watermark, Offset{4});
  EXPECT_EQ(values_in(log->read(Offset{3}, 10, Isolation::kHighWatermark).value().bytes, pool)[0].size(), 100'000U);
  EXPECT_TRUE(log->read(Offset{4}, 10, Isolation::kHighWatermark).value().bytes.empty());
  EXPECT_EQ(log->read(Offset{5}, 10, Isolation::kHighWatermark).error().code(), ErrorCode::kOffsetOutOfRange);
}

TEST_F(PartitionLogTest, EveryOffsetIsFoundThroughSegmentsAndIndexes) {
  config.segment_bytes = 4000;
  config.index_interval_bytes = 200;
  open();
  for (int i = 0; i < 500; ++i) append({"value " + std::to_string(i)}, 1000 + i);
  flush();
  EXPECT_GT(log->segment_count(), 5U);
  for (const bool reopened : {false, true}) {
    if (reopened) close_and_open();
    for (int i = 499; i >= 0; --i) {
      const auto slice = log->read(Offset{i}, 1, Isolation::kHighWatermark).value();
      EXPECT_EQ(values_in(slice.bytes, pool), std::vector{"value " + std::to_string(i)});
    }
    for (int i = 0; i < 500; i += 7) {
      const auto found = log->offset_for_time(at(1000 + i)).value();
      ASSERT_TRUE(found.has_value());
      EXPECT_EQ(found->offset, Offset{i});
      EXPECT_EQ(found->timestamp, at(1000 + i));
    }
    EXPECT_FALSE(log->offset_for_time(at(1500)).value().has_value());
    EXPECT_EQ(log->max_timestamp().value()->offset, Offset{499});
    EXPECT_TRUE(log->verify());
  }
}

TEST_F(PartitionLogTest, RollsWhenTheSegmentSpansTooMuchTime) {
  config.segment_ms = std::chrono::milliseconds{100};
  open();
  append({"a"}, 1000);
  append({"b"}, 1100);
  EXPECT_EQ(log->segment_count(), 1U);
  append({"c"}, 1101);
  EXPECT_EQ(log->segment_count(), 2U);
}

TEST_F(PartitionLogTest, RefusesABatchThatIsLargerThanASegment) {
  config.segment_bytes = 1000;
  open();
  const auto batch = batches.of({std::string(2000, 'x')});
  EXPECT_EQ(log->append(batch.bytes, LeaderEpoch{0}).error().code(), ErrorCode::kRecordListTooLarge);
}

TEST_F(PartitionLogTest, RemembersWhichEpochBeganWhere) {
  open();
  const auto one = batches.of({"a", "b"});
  const auto two = batches.of({"c"});
  ASSERT_TRUE(log->append(one.bytes, LeaderEpoch{3}));
  ASSERT_TRUE(log->append(two.bytes, LeaderEpoch{5}));
  flush();
  const auto old = batches.of({"d"});
  EXPECT_EQ(log->append(old.bytes, LeaderEpoch{4}).error().code(), ErrorCode::kFencedLeaderEpoch);
  close_and_open();
  EXPECT_EQ(log->last_epoch(), LeaderEpoch{5});
  EXPECT_EQ(log->epoch_of(Offset{1}), LeaderEpoch{3});
  EXPECT_EQ(log->epoch_of(Offset{2}), LeaderEpoch{5});
  EXPECT_EQ(log->end_of_epoch(LeaderEpoch{3}, LeaderEpoch{5})->offset, Offset{2});
  EXPECT_EQ(log->end_of_epoch(LeaderEpoch{5}, LeaderEpoch{5})->offset, Offset{3});
}

TEST_F(PartitionLogTest, DeletesRecordsAndTheSegmentsThatHoldNoOthers) {
  config.segment_bytes = 1000;
  open();
  for (int i = 0; i < 100; ++i) append({"value " + std::to_string(i)});
  EXPECT_EQ(log->delete_records(Offset{50}).error().code(), ErrorCode::kOffsetOutOfRange);
  flush();
  const auto segments = log->segment_count();
  EXPECT_EQ(log->delete_records(Offset{50}).value(), Offset{50});
  EXPECT_LT(log->segment_count(), segments);
  EXPECT_EQ(log->read(Offset{49}, 1, Isolation::kHighWatermark).error().code(), ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(values_in(log->read(Offset{50}, 1, Isolation::kHighWatermark).value().bytes, pool),
            std::vector<std::string>{"value 50"});
  EXPECT_EQ(log->delete_records(kNoOffset).value(), Offset{100});
  close_and_open();
  EXPECT_EQ(log->log_start(), Offset{100});
  EXPECT_EQ(append({"next"}).base_offset, Offset{100});
}

TEST_F(PartitionLogTest, RetentionRemovesTheOldestSegmentsOnly) {
  config.segment_bytes = 1000;
  config.retention_bytes = 3000;
  config.retention_ms = std::chrono::milliseconds{-1};
  open();
  for (int i = 0; i < 100; ++i) append({"value " + std::to_string(i)});
  EXPECT_EQ(log->apply_retention().value(), 0U) << "nothing is durable yet";
  flush();
  EXPECT_GT(log->apply_retention().value(), 0U);
  EXPECT_LE(log->size(), 4000U);
  EXPECT_GE(log->size(), 3000U);
  EXPECT_EQ(log->log_end(), Offset{100});
  EXPECT_GT(log->log_start(), Offset{0});
  EXPECT_EQ(read_all(*log, pool).size(), static_cast<std::size_t>(Offset{100} - log->log_start()));
}

TEST_F(PartitionLogTest, RetentionByTimeCountsFromTheRecordsTimestamps) {
  config.retention_ms = std::chrono::milliseconds{1000};
  open();
  const auto now = clock.wall().time_since_epoch().count();
  append({"old"}, now - 2000);
  append({"young"}, now - 500);
  flush();
  EXPECT_EQ(log->apply_retention().value(), 0U);
  clock.advance(std::chrono::milliseconds{501});
  EXPECT_EQ(log->apply_retention().value(), 1U);
  EXPECT_EQ(log->log_start(), Offset{2});
  EXPECT_EQ(append({"next"}).base_offset, Offset{2});
}

TEST_F(PartitionLogTest, AReaderThatHoldsASliceKeepsItWhileSegmentsGo) {
  config.segment_bytes = 1000;
  open();
  for (int i = 0; i < 100; ++i) append({"value " + std::to_string(i)});
  flush();
  const auto slice = log->read(Offset{0}, 1, Isolation::kHighWatermark).value();
  ASSERT_TRUE(log->delete_records(Offset{90}));
  EXPECT_EQ(values_in(slice.bytes, pool), std::vector<std::string>{"value 0"});
}

TEST_F(PartitionLogTest, AFullDiskRefusesTheAppendAndNothingElse) {
  open();
  append({"a"});
  flush();
  disk.set_capacity(2000);
  const auto large = batches.of({std::string(5000, 'x')});
  const auto refused = log->append(large.bytes, LeaderEpoch{0});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kNoSpace);
  // What comes next is for whoever appends to say: some end, some try again.
  EXPECT_FALSE(refused.error().message().contains("Free some space")) << refused.error().message();
  EXPECT_FALSE(log->append(large.bytes, LeaderEpoch{0}));
  const auto said = refused.error().message() + ". Free some space; writing goes on by itself";
  EXPECT_EQ(logger.lines(), std::vector<std::string>{said}) << "it is said once";
  disk.set_capacity(UINT64_MAX);
  EXPECT_EQ(append({"b"}).base_offset, Offset{1});
  append({"c"});
  ASSERT_EQ(logger.lines().size(), 2U);
  EXPECT_EQ(logger.lines()[1], "t-0: there is space again, writing goes on");
  flush();
  EXPECT_EQ(read_all(*log, pool), (std::vector<std::string>{"a", "b", "c"}));
  close_and_open();
  EXPECT_EQ(read_all(*log, pool), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(PartitionLogTest, ARollThatGotHalfWayIsMadeBeforeAnythingElseIsAppended) {
  config.segment_bytes = 1000;
  open();
  append({std::string(500, 'a')});
  flush();
  const auto large = batches.of({std::string(700, 'x')});
  disk.inject({.operation = FileOperation::kOpen, .path_contains = "1.index", .error_number = EMFILE, .times = 100});
  ASSERT_FALSE(log->append(large.bytes, LeaderEpoch{0}));
  // This one would fit into the segment that is there, whose end the next one's name now says.
  const auto small = batches.of({"b"});
  ASSERT_FALSE(log->append(small.bytes, LeaderEpoch{0}));
  disk.clear_faults();
  EXPECT_EQ(append({"b"}).base_offset, Offset{1});
  append({"c"});
  flush();
  disk.restart_process();
  log.reset();
  open();
  EXPECT_EQ(read_all(*log, pool), (std::vector<std::string>{std::string(500, 'a'), "b", "c"}));
}

TEST_F(PartitionLogTest, AFailedSyncEndsThePartitionForGood) {
  open();
  append({"a"});
  flush();
  append({"b"});
  std::optional<ErrorCode> told;
  log->when_durable(Offset{2},
                    [&](const Result<void>& result) { told = result ? ErrorCode::kNone : result.error().code(); });
  disk.inject({FileOperation::kSync, ".log", EIO});
  flush();
  EXPECT_EQ(told, ErrorCode::kStorageError);
  const auto batch = batches.of({"c"});
  EXPECT_EQ(log->append(batch.bytes, LeaderEpoch{0}).error().code(), ErrorCode::kStorageError);
  flush();
  EXPECT_EQ(log->durable().offset, Offset{1});
  EXPECT_TRUE(log->failure().has_value());
  EXPECT_EQ(logger.lines().size(), 1U);
  crash_and_open();
  EXPECT_EQ(read_all(*log, pool)[0], "a");
}

TEST_F(PartitionLogTest, LastStableStaysBeforeAnOpenTransaction) {
  open();
  append({"a"});
  RecordBatchBuilder data{pool, 1 << 20, {.transactional = true}};
  ASSERT_TRUE(data.try_append(at(1), nullptr, "in a transaction"));
  const BatchProducer producer{.id = ProducerId{9}, .epoch = ProducerEpoch{0}, .base_sequence = 0};
  const auto open_batch = data.finish(producer).value();
  ASSERT_TRUE(log->append(open_batch.bytes, LeaderEpoch{0}));
  flush();
  EXPECT_EQ(log->high_watermark(), Offset{2});
  EXPECT_EQ(log->last_stable(), Offset{1});
  EXPECT_EQ(read_all(*log, pool, Isolation::kCommitted), std::vector<std::string>{"a"});
  close_and_open();
  EXPECT_EQ(log->last_stable(), Offset{1});
  RecordBatchBuilder marker{pool, 1 << 20, {.transactional = true, .control = true}};
  const std::byte commit_key[4] = {{}, {}, {}, std::byte{1}};
  const std::byte commit_value[6] = {};
  ASSERT_TRUE(marker.try_append(at(1), Bytes{commit_key}, Bytes{commit_value}));
  const auto end_batch = marker.finish({.id = ProducerId{9}, .epoch = ProducerEpoch{0}}).value();
  ASSERT_TRUE(log->append(end_batch.bytes, LeaderEpoch{0}));
  EXPECT_EQ(log->last_stable(), Offset{1}) << "the marker is not durable yet";
  flush();
  EXPECT_EQ(log->last_stable(), Offset{3});
}

TEST_F(PartitionLogTest, JitterEndsSegmentsAtDifferentTimesButNeverLate) {
  config.segment_ms = std::chrono::milliseconds{1000};
  config.segment_jitter = std::chrono::milliseconds{900};
  open();
  std::set<std::int64_t> ages;
  std::int64_t first = 0;
  std::int64_t now = 0;
  for (; ages.size() < 5 && now < 100'000; now += 10) {
    const auto before = log->segment_count();
    append({"value"}, now);
    if (log->segment_count() == before) continue;
    ages.insert(now - first);
    EXPECT_LE(now - first, 1010);
    EXPECT_GE(now - first, 100);
    first = now;
  }
  EXPECT_EQ(ages.size(), 5U);
}

}  // namespace
}  // namespace millrace
