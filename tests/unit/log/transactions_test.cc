// Transactions in a partition: markers, the last stable offset, the index of aborted transactions, who may begin one.

#include <gmock/gmock.h>

#include "record/transaction_marker.h"
#include "unit/log/compaction_fixture.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto kLeader = LeaderEpoch{0};

class TransactionsTest : public CompactionFixture {
 protected:
  TransactionsTest() {
    config.cleanup_compact = false;
    config.cleanup_delete = true;
  }

  PooledBytes data(std::int64_t producer, std::int32_t sequence, std::int16_t epoch = 0, std::string key = "k") {
    return keyed({{std::move(key), "v"}}, 1000,
                 {.id = ProducerId{producer}, .epoch = ProducerEpoch{epoch}, .base_sequence = sequence},
                 {.transactional = true});
  }
  Result<AppendInfo> try_write(std::int64_t producer, std::int32_t sequence, std::int16_t epoch = 0,
                               const AppendOptions& options = {}) {
    const auto batch = data(producer, sequence, epoch);
    return log->append(batch.bytes, kLeader, options);
  }
  Offset write(std::int64_t producer, std::int32_t sequence, std::int16_t epoch = 0) {
    const auto info = try_write(producer, sequence, epoch);
    EXPECT_TRUE(info) << (info ? "" : info.error().message());
    return info ? info->base_offset : kNoOffset;
  }
  Result<AppendInfo> try_end(std::int64_t producer, TransactionEnd end, std::int16_t epoch = 0,
                             std::int8_t transaction_version = 0, std::int32_t coordinator_epoch = 0) {
    const TransactionMarker marker{.producer = ProducerId{producer},
                                   .epoch = ProducerEpoch{epoch},
                                   .end = end,
                                   .coordinator_epoch = coordinator_epoch};
    const auto batch = make_marker_batch(marker, at(1000), pool).value();
    return log->append(batch.bytes, kLeader, {.transaction_version = transaction_version});
  }
  Offset abort(std::int64_t producer, std::int16_t epoch = 0) {
    const auto info = try_end(producer, TransactionEnd::kAbort, epoch);
    EXPECT_TRUE(info) << (info ? "" : info.error().message());
    return info ? info->base_offset : kNoOffset;
  }
  Offset commit(std::int64_t producer, std::int16_t epoch = 0) {
    const auto info = try_end(producer, TransactionEnd::kCommit, epoch);
    EXPECT_TRUE(info) << (info ? "" : info.error().message());
    return info ? info->base_offset : kNoOffset;
  }
  static ErrorCode error(const Result<AppendInfo>& info) { return info ? ErrorCode::kNone : info.error().code(); }

  /// What a reader of committed records is told to skip, "producer@first".
  std::vector<std::string> aborted(std::int64_t from, std::size_t max_bytes = 1 << 20) {
    const auto slice = log->read(Offset{from}, max_bytes, Isolation::kCommitted);
    EXPECT_TRUE(slice) << (slice ? "" : slice.error().message());
    std::vector<std::string> texts;
    if (!slice) return texts;
    for (const auto& one : slice->aborted) {
      texts.push_back(std::to_string(one.producer.value()) + "@" + std::to_string(one.first.value()));
    }
    return texts;
  }
  bool has_file(const std::string& name) {
    const auto all = names();
    return std::ranges::find(all, name) != all.end();
  }
};

TEST_F(TransactionsTest, AReaderOfCommittedRecordsGoesUpToTheFirstOpenOneAndIsToldOfThoseAborted) {
  open();
  write(1, 0);  // 0
  write(2, 0);  // 1
  abort(1);     // 2
  write(3, 0);  // 3
  flush();
  EXPECT_EQ(log->last_stable(), Offset{1});
  EXPECT_THAT(aborted(0), ElementsAre("1@0"));
  commit(2);  // 4
  flush();
  EXPECT_EQ(log->last_stable(), Offset{3});
  EXPECT_THAT(aborted(0), ElementsAre("1@0"));
  EXPECT_THAT(aborted(3), IsEmpty());
  abort(3);  // 5
  flush();
  EXPECT_EQ(log->last_stable(), log->log_end());
  EXPECT_THAT(aborted(0), ElementsAre("1@0", "3@3"));
  EXPECT_THAT(aborted(0, 1), ElementsAre("1@0")) << "only those among the bytes given";
  EXPECT_THAT(aborted(3), ElementsAre("3@3"));
  const auto plain = log->read(Offset{0}, 1 << 20, Isolation::kHighWatermark);
  EXPECT_TRUE(plain->aborted.empty());
}

TEST_F(TransactionsTest, AnAbortIsFoundInTheSegmentOfItsMarker) {
  open();
  write(1, 0);
  write(2, 0);
  settle();
  write(1, 1);
  settle();
  abort(2);
  abort(1);
  flush();
  EXPECT_THAT(aborted(0, 1), ElementsAre("1@0"));
  EXPECT_THAT(aborted(2, 1), ElementsAre("1@0", "2@1"));
  EXPECT_FALSE(has_file("00000000000000000000.txnindex"));
  ASSERT_TRUE(log->roll());
  EXPECT_TRUE(has_file("00000000000000000003.txnindex"));
}

TEST_F(TransactionsTest, AbortsAreKnownAfterACleanRestartAndAfterACrash) {
  open();
  write(1, 0);
  settle();
  abort(1);
  write(2, 0);
  settle();
  abort(2);
  write(3, 0);
  flush();
  close_and_open();
  EXPECT_THAT(aborted(0), ElementsAre("1@0"));
  EXPECT_THAT(aborted(2), ElementsAre("2@2"));
  EXPECT_EQ(log->last_stable(), Offset{4});
  abort(3);
  flush();
  crash_and_open();
  EXPECT_THAT(aborted(0), ElementsAre("1@0"));
  EXPECT_THAT(aborted(1), ElementsAre("1@0", "2@2"));
  EXPECT_THAT(aborted(3), ElementsAre("2@2", "3@4"));
  EXPECT_EQ(log->last_stable(), log->log_end());
}

TEST_F(TransactionsTest, AnIndexThatIsDamagedIsMadeAnewFromTheBatches) {
  open();
  write(1, 0);
  settle();
  abort(1);
  settle();
  write(1, 1);
  abort(1);
  flush();
  ASSERT_TRUE(log->close());
  const auto end = log->log_end();
  log.reset();
  damage("/data/t-0/00000000000000000001.txnindex", 20);
  open({.clean = true, .recovery_point = end});
  EXPECT_THAT(aborted(0), ElementsAre("1@0"));
  EXPECT_THAT(aborted(2), ElementsAre("1@2"));
  EXPECT_EQ(log->recovery_report().rebuilt_indexes, 1);
  // And so that the next start finds it.
  close_and_open();
  EXPECT_EQ(log->recovery_report().rebuilt_indexes, 0);
  EXPECT_THAT(aborted(0), ElementsAre("1@0"));
}

TEST_F(TransactionsTest, TheIndexGoesWithItsSegment) {
  open();
  write(1, 0);
  abort(1);
  settle();
  EXPECT_TRUE(has_file("00000000000000000000.txnindex"));
  append({"x"});
  flush();
  ASSERT_TRUE(log->delete_records(Offset{2}));
  EXPECT_FALSE(has_file("00000000000000000000.txnindex"));
  EXPECT_THAT(aborted(2), IsEmpty());
}

TEST_F(TransactionsTest, NothingBeforeTheLogsStartIsStableWhenAnOpenTransactionWasDeleted) {
  open();
  write(1, 0);
  write(1, 1);
  flush();
  EXPECT_EQ(log->last_stable(), Offset{0});
  ASSERT_TRUE(log->delete_records(Offset{2}));
  EXPECT_EQ(log->last_stable(), Offset{2});
  EXPECT_TRUE(log->read(Offset{2}, 1000, Isolation::kCommitted)->bytes.empty());
}

TEST_F(TransactionsTest, ASilentProducerIsForgottenUnlessItsTransactionIsOpen) {
  config.producer_id_expiration = std::chrono::hours{1};
  open();
  write(1, 0);
  write(2, 0);
  commit(2);
  flush();
  clock.advance(std::chrono::hours{2});
  ASSERT_TRUE(log->apply_retention());
  const auto active = log->active_producers();
  ASSERT_EQ(active.size(), 1U);
  EXPECT_EQ(active[0].id, ProducerId{1});
}

TEST_F(TransactionsTest, OnlyWhoWasGivenLeaveBeginsOne) {
  open();
  EXPECT_EQ(error(try_write(1, 0, 0, {.guard = kAlreadyOpen})), ErrorCode::kInvalidTxnState);
  const auto batch = data(1, 0);
  const auto guard = log->begin_transaction(RecordBatchView::trusted(batch.bytes));
  EXPECT_NE(guard, kAlreadyOpen);
  EXPECT_EQ(error(try_write(1, 0, 0, {.guard = guard})), ErrorCode::kNone);
  // It goes on without.
  const auto second = data(1, 1);
  EXPECT_EQ(log->begin_transaction(RecordBatchView::trusted(second.bytes)), kAlreadyOpen);
  EXPECT_EQ(error(try_write(1, 1, 0, {.guard = kAlreadyOpen})), ErrorCode::kNone);
}

TEST_F(TransactionsTest, AMarkerTakesBackTheLeaveToBegin) {
  open();
  const auto batch = data(1, 0);
  const auto guard = log->begin_transaction(RecordBatchView::trusted(batch.bytes));
  abort(1);
  EXPECT_EQ(error(try_write(1, 0, 0, {.guard = guard})), ErrorCode::kInvalidTxnState);
  // Nor may a batch that expected the transaction to be open begin the next.
  write(2, 0);
  commit(2);
  EXPECT_EQ(error(try_write(2, 1, 0, {.guard = kAlreadyOpen})), ErrorCode::kInvalidTxnState);
  flush();
  EXPECT_EQ(log->last_stable(), log->log_end()) << "nothing hangs";
}

TEST_F(TransactionsTest, MayBeginWhileTheMarkerOfTheOneBeforeIsOnItsWay) {
  open();
  write(1, 0);
  const auto next = data(1, 0, 1);
  const auto guard = log->begin_transaction(RecordBatchView::trusted(next.bytes));
  EXPECT_NE(guard, kAlreadyOpen);
  ASSERT_TRUE(try_end(1, TransactionEnd::kCommit, 1, 2));
  EXPECT_EQ(error(try_write(1, 0, 1, {.guard = guard})), ErrorCode::kNone);
}

TEST_F(TransactionsTest, ABatchDoesNotOvertakeTheOneThatAskedFirst) {
  open();
  const auto first = data(1, 0);
  const auto second = data(1, 1);
  const auto guard = log->begin_transaction(RecordBatchView::trusted(first.bytes));
  EXPECT_EQ(log->begin_transaction(RecordBatchView::trusted(second.bytes)), guard);
  EXPECT_EQ(error(try_write(1, 1, 0, {.guard = guard})), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(error(try_write(1, 0, 0, {.guard = guard})), ErrorCode::kNone);
  EXPECT_EQ(error(try_write(1, 1, 0, {.guard = guard})), ErrorCode::kNone);
}

TEST_F(TransactionsTest, ARetryOfABatchOfAnEndedOneGetsItsOffset) {
  open();
  write(1, 0);
  commit(1);
  const auto retry = try_write(1, 0, 0, {.guard = kAlreadyOpen});
  ASSERT_TRUE(retry);
  EXPECT_TRUE(retry->duplicate);
  EXPECT_EQ(retry->base_offset, Offset{0});
}

TEST_F(TransactionsTest, AProducerMustNotWriteOutsideItsOpenOne) {
  open();
  write(1, 0);
  const auto plain = keyed({{"k", "v"}}, 1000, {.id = ProducerId{1}, .epoch = ProducerEpoch{0}, .base_sequence = 1});
  EXPECT_EQ(error(log->append(plain.bytes, kLeader)), ErrorCode::kInvalidTxnState);
}

TEST_F(TransactionsTest, AMarkersEpochFencesWhoWritesWithAnOlderOne) {
  open();
  write(1, 0);
  abort(1, 1);
  EXPECT_EQ(error(try_write(1, 1)), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(error(try_end(1, TransactionEnd::kCommit, 0)), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(error(try_write(1, 1, 1)), ErrorCode::kOutOfOrderSequenceNumber) << "an epoch begins with sequence 0";
  EXPECT_EQ(error(try_write(1, 0, 1)), ErrorCode::kNone);
}

TEST_F(TransactionsTest, AMarkerOfAnOlderCoordinatorIsRefused) {
  open();
  write(1, 0);
  EXPECT_EQ(error(try_end(1, TransactionEnd::kCommit, 0, 0, 5)), ErrorCode::kNone);
  EXPECT_EQ(error(try_end(1, TransactionEnd::kAbort, 0, 0, 4)), ErrorCode::kTransactionCoordinatorFenced);
}

TEST_F(TransactionsTest, WithAnEpochForEachTransactionAMarkerIsWrittenOnce) {
  open();
  write(1, 0);
  EXPECT_EQ(error(try_end(1, TransactionEnd::kCommit, 0, 2)), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(error(try_end(1, TransactionEnd::kCommit, 1, 2)), ErrorCode::kNone);
  const auto end = log->log_end();
  const auto again = try_end(1, TransactionEnd::kCommit, 1, 2);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(log->log_end(), end);
  // What a delayed marker would end is the next transaction.
  write(1, 0, 1);
  EXPECT_EQ(error(try_end(1, TransactionEnd::kCommit, 1, 2)), ErrorCode::kInvalidProducerEpoch);
}

TEST_F(TransactionsTest, ActiveProducersShowWhatIsOpen) {
  open();
  write(1, 0);
  write(2, 0);
  commit(2);
  const auto active = log->active_producers();
  ASSERT_EQ(active.size(), 2U);
  EXPECT_EQ(active[0].id, ProducerId{1});
  EXPECT_EQ(active[0].open_transaction, Offset{0});
  EXPECT_EQ(active[0].coordinator_epoch, -1);
  EXPECT_EQ(active[1].open_transaction, kNoOffset);
  EXPECT_EQ(active[1].coordinator_epoch, 0);
  EXPECT_EQ(active[1].last_sequence, 0);
}

TEST_F(TransactionsTest, CompactionKeepsAnEntryAsLongAsItsMarker) {
  config.cleanup_compact = true;
  config.cleanup_delete = false;
  config.delete_retention = std::chrono::milliseconds{500};
  open();
  write(1, 0);  // 0
  abort(1);     // 1
  write(1, 1);  // 2
  commit(1);    // 3
  put({{"k", "newest"}});
  settle();
  compact();
  EXPECT_THAT(aborted(0), ElementsAre("1@0"));
  clock.advance(std::chrono::seconds{1});
  const auto kept = [this] {
    std::vector<std::int64_t> offsets;
    for (const auto& batch : batch_headers()) {
      if (batch.is_control() && batch.record_count() > 0) offsets.push_back(batch.base_offset().value());
    }
    return offsets;
  };
  for (int i = 0; i < 3; ++i) {
    put({{"other", std::to_string(i)}});
    settle();
    compact();
    clock.advance(std::chrono::seconds{1});
    const bool has_marker = std::ranges::count(kept(), 1) > 0;
    EXPECT_EQ(aborted(0).empty(), !has_marker) << "pass " << i;
  }
  EXPECT_THAT(aborted(0), IsEmpty()) << "the marker is gone by now";
  close_and_open();
  EXPECT_THAT(aborted(0), IsEmpty());
}

}  // namespace
}  // namespace millrace
