#include <atomic>
#include <thread>

#include "base/random.h"
#include "unit/log/compaction_fixture.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

class CompactionTest : public CompactionFixture {};

TEST_F(CompactionTest, OfEachKeyTheNewestRecordStaysWithItsOffset) {
  open();
  put({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  put({{"a", "4"}});
  put({{"b", "5"}, {"d", "6"}});
  settle();
  const auto report = compact();
  EXPECT_EQ(texts(), (Texts{"c=3@2", "a=4@3", "b=5@4", "d=6@5"}));
  EXPECT_EQ(report.cleaned_to, Offset{6});
  EXPECT_EQ(report.records_before, 6U);
  EXPECT_EQ(report.records_after, 4U);
  EXPECT_EQ(log->log_end(), Offset{6});
  EXPECT_EQ(log->log_start(), Offset{0});
  EXPECT_EQ(put({{"a", "7"}}).base_offset, Offset{6});
}

TEST_F(CompactionTest, WhatWasCleanedIsThereAfterACleanCloseAndAfterACrash) {
  open();
  for (int i = 0; i < 50; ++i) put({{"k" + std::to_string(i % 5), std::to_string(i)}});
  settle();
  compact();
  const auto expected = texts();
  EXPECT_EQ(expected.size(), 5U);
  close_and_open();
  EXPECT_EQ(texts(), expected);
  EXPECT_EQ(log->log_end(), Offset{50});
  crash_and_open();
  EXPECT_EQ(texts(), expected);
  EXPECT_EQ(log->log_end(), Offset{50});
  EXPECT_TRUE(log->verify());
}

TEST_F(CompactionTest, TheEndOfTheLogIsKeptWhenTheLastRecordsOfASegmentGo) {
  config.segment_bytes = 300;
  open();
  for (int i = 0; i < 12; ++i) put({{"only", std::to_string(i)}});
  settle();
  compact();
  crash_and_open();
  EXPECT_EQ(log->log_end(), Offset{12});
  EXPECT_EQ(texts(), (Texts{"only=11@11"}));
}

TEST_F(CompactionTest, TheActiveSegmentAndWhatIsNotDurableAreLeftAlone) {
  open();
  put({{"a", "1"}});
  put({{"a", "2"}});
  EXPECT_FALSE(log->cleanable(Offset{0}));
  ASSERT_TRUE(log->roll());
  EXPECT_FALSE(log->cleanable(Offset{0}));
  flush();
  EXPECT_TRUE(log->cleanable(Offset{0}));
}

TEST_F(CompactionTest, ATombstoneRemovesItsKeyAndGoesItselfOnceItsTimeHasCome) {
  config.delete_retention = 1h;
  open();
  put({{"a", "1"}, {"b", "1"}});
  put({{"a", std::nullopt}, {"c", "1"}}, 1234);
  settle();
  compact();
  EXPECT_EQ(texts(), (Texts{"b=1@1", "a=@2", "c=1@3"}));
  EXPECT_EQ(records()[1].time, at(1234));
  const auto headers = batch_headers();
  ASSERT_EQ(headers.size(), 2U);
  EXPECT_FALSE(headers[0].has_delete_horizon());
  EXPECT_TRUE(headers[1].has_delete_horizon());
  EXPECT_EQ(headers[1].base_timestamp(), clock.wall() + 1h);

  clock.advance(59min);
  put({{"x", "1"}});
  settle();
  compact();
  EXPECT_EQ(texts(), (Texts{"b=1@1", "a=@2", "c=1@3", "x=1@4"}));

  clock.advance(1min);
  put({{"y", "1"}});
  settle();
  compact();
  EXPECT_EQ(texts(), (Texts{"b=1@1", "c=1@3", "x=1@4", "y=1@5"}));
  EXPECT_EQ(records()[1].time, at(1234));
}

TEST_F(CompactionTest, NothingIsDoneBelowTheDirtyRatio) {
  config.min_cleanable_dirty_ratio = 0.5;
  config.segment_bytes = 4000;
  open();
  for (int i = 0; i < 40; ++i) put({{"k" + std::to_string(i), std::string(100, 'v')}});
  settle();
  compact();
  for (int i = 0; i < 10; ++i) put({{"k" + std::to_string(i), std::string(100, 'w')}});
  settle();
  EXPECT_FALSE(log->cleanable(cleaned_to));
  for (int i = 10; i < 50; ++i) put({{"k" + std::to_string(i), std::string(100, 'w')}});
  settle();
  const auto range = log->cleanable(cleaned_to);
  ASSERT_TRUE(range);
  EXPECT_GT(range->dirty_ratio(), 0.5);
  EXPECT_EQ(range->first_dirty, Offset{40});
}

TEST_F(CompactionTest, RecordsThatAreTooYoungStayDirtyAndOldOnesAreOverdue) {
  config.min_compaction_lag = 1h;
  open();
  const auto now = clock.wall().time_since_epoch().count();
  put({{"a", "1"}}, now);
  settle();
  EXPECT_FALSE(log->cleanable(Offset{0}));
  clock.advance(2h);
  EXPECT_TRUE(log->cleanable(Offset{0}));

  config.min_cleanable_dirty_ratio = 1;
  log->configure(config);
  EXPECT_FALSE(log->cleanable(Offset{0}));
  config.max_compaction_lag = 3h;
  log->configure(config);
  EXPECT_FALSE(log->cleanable(Offset{0}));
  clock.advance(2h);
  ASSERT_TRUE(log->cleanable(Offset{0}));
  EXPECT_TRUE(log->cleanable(Offset{0})->overdue);
}

TEST_F(CompactionTest, WhetherRecordsAreOverdueIsReadOnce) {
  config.max_compaction_lag = 24h;
  config.min_cleanable_dirty_ratio = 1;
  open();
  put({{"a", "1"}}, clock.wall().time_since_epoch().count());
  settle();
  close_and_open();
  EXPECT_FALSE(log->cleanable(Offset{0}));
  disk.inject({.operation = FileOperation::kRead, .path_contains = "00000000000000000000.log", .error_number = 5});
  clock.advance(25h);
  ASSERT_TRUE(log->cleanable(Offset{0})) << "it was read again";
  EXPECT_TRUE(log->cleanable(Offset{0})->overdue);
}

TEST_F(CompactionTest, ASegmentEndsWhenItsRecordsWouldBeOverdue) {
  config.max_compaction_lag = 1h;
  open();
  put({{"a", "1"}}, 1000);
  put({{"a", "2"}}, 1000 + std::chrono::milliseconds{61min}.count());
  EXPECT_EQ(log->segment_count(), 2U);
}

TEST_F(CompactionTest, SmallSegmentsBecomeOne) {
  config.segment_bytes = 400;
  open();
  for (int i = 0; i < 60; ++i) put({{"k" + std::to_string(i % 6), std::to_string(i)}});
  settle();
  const auto before = log->segment_count();
  config.segment_bytes = 1 << 20;
  log->configure(config);
  compact();
  EXPECT_GT(before, 10U);
  EXPECT_EQ(log->segment_count(), 2U);
  EXPECT_EQ(texts().size(), 6U);
  for (const auto& name : names()) {
    EXPECT_FALSE(name.ends_with(".deleted") || name.ends_with(".swap") || name.ends_with(".cleaned")) << name;
  }
  close_and_open();
  EXPECT_EQ(texts().size(), 6U);
}

TEST_F(CompactionTest, SegmentsDoNotGrowBeyondTheirSize) {
  config.segment_bytes = 1000;
  open();
  for (int i = 0; i < 100; ++i) put({{"k" + std::to_string(i), "value"}});
  settle();
  compact();
  EXPECT_EQ(texts().size(), 100U);
  for (const auto& name : names()) {
    if (name.ends_with(".log")) {
      EXPECT_LE(disk.info(join("/data/t-0", name)).value().size, 1000U);
    }
  }
}

TEST_F(CompactionTest, WithLittleMemoryItTakesSeveralPasses) {
  open();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 40; ++i) put({{"k" + std::to_string(i), std::to_string(round)}});
  }
  settle();
  // Nine keys.
  const CleaningOptions options{.map_bytes = 10 * 24, .secret = {3, 4}};
  auto report = compact(options);
  EXPECT_EQ(report.cleaned_to, Offset{9});
  int passes = 1;
  while (log->cleanable(cleaned_to) && cleaned_to < Offset{120} && passes < 50) {
    compact(options);
    ++passes;
  }
  EXPECT_EQ(cleaned_to, Offset{120});
  EXPECT_GE(passes, 10);
  const auto seen = texts();
  EXPECT_EQ(seen.size(), 40U);
  EXPECT_EQ(seen.front(), "k0=2@80");
}

TEST_F(CompactionTest, TheLastSequenceOfEachProducerIsKept) {
  open();
  const auto from = [](std::int32_t sequence) {
    return BatchProducer{.id = ProducerId{9}, .epoch = ProducerEpoch{2}, .base_sequence = sequence};
  };
  // Producers of long ago are forgotten.
  const auto now = clock.wall().time_since_epoch().count();
  put({{"a", "1"}}, now, from(0));
  put({{"a", "2"}, {"b", "2"}}, now, from(1));
  put({{"a", "3"}, {"b", "3"}});
  settle();
  compact();
  EXPECT_EQ(texts(), (Texts{"a=3@3", "b=3@4"}));
  const auto headers = batch_headers();
  ASSERT_EQ(headers.size(), 2U);
  EXPECT_EQ(headers[0].record_count(), 0);
  EXPECT_EQ(headers[0].base_offset(), Offset{1});
  EXPECT_EQ(headers[0].last_offset(), Offset{2});
  EXPECT_EQ(headers[0].last_sequence(), 2);

  // Also without the snapshots: from the batches.
  ASSERT_TRUE(log->close());
  log.reset();
  for (const auto& name : names()) {
    if (name.ends_with(".snapshot")) {
      ASSERT_TRUE(disk.remove(join("/data/t-0", name)));
    }
  }
  open({.clean = true, .recovery_point = Offset{5}});
  const auto wrong = keyed({{"c", "1"}}, now, from(4));
  EXPECT_EQ(log->append(wrong.bytes, LeaderEpoch{0}).error().code(), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(put({{"c", "1"}}, now, from(3)).base_offset, Offset{5});
}

TEST_F(CompactionTest, DataOfAbortedTransactionsGoesAtOnceAndTheirMarkersLater) {
  config.delete_retention = 1h;
  open();
  const BatchAttributes in_transaction{.transactional = true};
  const auto producer = [](std::int64_t id, std::int32_t sequence) {
    return BatchProducer{.id = ProducerId{id}, .epoch = ProducerEpoch{0}, .base_sequence = sequence};
  };
  put({{"a", "plain"}});
  put({{"a", "aborted"}}, 1000, producer(1, 0), in_transaction);
  put({{"b", "committed"}}, 1000, producer(2, 0), in_transaction);
  end_transaction(ProducerId{1}, kAbort);
  end_transaction(ProducerId{2}, kCommit);
  // Newer data of both, so that nothing has to stay for their sequences.
  put({{"y", "1"}}, 1000, producer(1, 1));
  put({{"z", "1"}}, 1000, producer(2, 1));
  settle();
  compact();
  EXPECT_EQ(texts(), (Texts{"a=plain@0", "b=committed@2", "y=1@5", "z=1@6"}));
  // Both markers are there; what they end is not always.
  const auto markers = [this] {
    std::vector<std::int64_t> offsets;
    for (const auto& batch : batch_headers()) {
      if (batch.is_control() && batch.record_count() > 0) offsets.push_back(batch.base_offset().value());
    }
    return offsets;
  };
  EXPECT_EQ(markers(), (std::vector<std::int64_t>{3, 4}));

  // The next pass finds that nothing of the aborted one is left and begins to wait.
  put({{"x", "1"}});
  settle();
  compact();
  EXPECT_EQ(markers(), (std::vector<std::int64_t>{3, 4}));
  clock.advance(1h);
  put({{"x", "2"}});
  settle();
  compact();
  EXPECT_EQ(markers(), (std::vector<std::int64_t>{4}));
}

TEST_F(CompactionTest, NothingIsCleanedPastAnOpenTransaction) {
  open();
  put({{"a", "1"}});
  put({{"a", "2"}});
  settle();
  put({{"a", "open"}}, 1000, {.id = ProducerId{1}, .epoch = ProducerEpoch{0}, .base_sequence = 0},
      {.transactional = true});
  settle();
  put({{"b", "1"}});
  settle();
  EXPECT_EQ(compact().cleaned_to, Offset{2});
  EXPECT_EQ(texts(), (Texts{"a=2@1", "a=open@2", "b=1@3"}));
  end_transaction(ProducerId{1}, kAbort);
  settle();
  compact();
  EXPECT_EQ(texts(), (Texts{"a=2@1", "b=1@3"}));
}

TEST_F(CompactionTest, CompressedBatchesStayCompressed) {
  for (const auto codec : {Compression::kGzip, Compression::kSnappy, Compression::kLz4, Compression::kZstd}) {
    SCOPED_TRACE(name_of(codec));
    log.reset();
    ASSERT_TRUE(remove_tree(disk, "/data/t-0"));
    positions->forget({"t-0", {}});
    cleaned_to = Offset{0};
    open();
    put({{"a", "1"}, {"b", "2"}, {"c", "3"}}, 1000, {}, {.compression = codec});
    put({{"b", std::nullopt}}, 1000, {}, {.compression = codec});
    settle();
    compact();
    EXPECT_EQ(texts(), (Texts{"a=1@0", "c=3@2", "b=@3"}));
    for (const auto& batch : batch_headers()) EXPECT_EQ(batch.compression(), codec);
  }
}

TEST_F(CompactionTest, AppendTimesAreKept) {
  config.timestamp_type = TimestampType::kLogAppendTime;
  open();
  put({{"a", "1"}, {"b", "1"}});
  const auto time = clock.wall();
  clock.advance(1h);
  put({{"b", "2"}});
  settle();
  compact();
  ASSERT_EQ(records().size(), 2U);
  EXPECT_EQ(records()[0].time, time);
  EXPECT_EQ(records()[1].time, time + 1h);
}

TEST_F(CompactionTest, RecordsAreFoundByTimeAndByOffsetAfterwards) {
  config.segment_bytes = 3000;
  open();
  for (int i = 0; i < 200; ++i) {
    put({{"k" + std::to_string(i % 3 == 0 ? i : 1000), std::string(30, 'v')}}, 10'000 + i);
  }
  settle();
  compact();
  for (int offset = 0; offset < 199; ++offset) {
    const auto slice = log->read(Offset{offset}, 1, Isolation::kHighWatermark).value();
    BatchCursor batch{slice.bytes};
    ASSERT_TRUE(batch.next()) << offset;
    EXPECT_EQ(batch.batch().base_offset(), Offset{std::min((offset + 2) / 3 * 3, 199)}) << offset;
  }
  EXPECT_EQ(log->offset_for_time(at(10'004)).value()->offset, Offset{6});
  EXPECT_EQ(log->max_timestamp().value()->offset, Offset{199});
  EXPECT_TRUE(logger.lines().empty()) << logger.lines().front();
}

TEST_F(CompactionTest, TheLargestTimestampIsThatOfARecordThatIsStillThere) {
  open();
  const auto now = clock.wall().time_since_epoch().count();
  put({{"a", "late"}}, now + 2, {.id = ProducerId{1}, .epoch = ProducerEpoch{0}, .base_sequence = 0});
  put({{"a", "newer"}}, now + 1);
  settle();
  compact();
  ASSERT_EQ(batch_headers().front().record_count(), 0);
  EXPECT_EQ(log->max_timestamp().value()->timestamp, at(now + 1));
}

TEST_F(CompactionTest, RetentionRemovesSegmentsOfACompactedLogToo) {
  config.cleanup_delete = true;
  config.retention_ms = 1h;
  config.segment_bytes = 400;
  open();
  const auto now = clock.wall().time_since_epoch().count();
  for (int i = 0; i < 20; ++i) put({{"k" + std::to_string(i % 2), std::to_string(i)}}, now);
  settle();
  compact();
  EXPECT_EQ(texts(), (Texts{"k0=18@18", "k1=19@19"}));
  clock.advance(2h);
  EXPECT_GT(log->apply_retention().value(), 0U);
  EXPECT_TRUE(texts().empty());
  EXPECT_EQ(log->log_end(), Offset{20});
}

TEST_F(CompactionTest, APassEndsWhenItsSegmentsAreRemovedUnderIt) {
  config.segment_bytes = 300;
  open();
  for (int i = 0; i < 30; ++i) put({{"k" + std::to_string(i % 4), std::to_string(i)}});
  settle();
  for (const std::uint64_t before : {0U, 700U, 1500U, 2500U}) {
    SCOPED_TRACE(before);
    const auto pass = log->clean(log->cleanable(Offset{0}).value(), small_map());
    if (before > 0) {
      ASSERT_TRUE(pass->step(before));
    }
    ASSERT_TRUE(log->delete_records(log->log_start() + 5));
    Result<PartitionCleaning::Step> step;
    for (int i = 0; i < 100 && step && !step->done; ++i) step = pass->step(400);
    if (!step) {
      EXPECT_EQ(step.error().code(), ErrorCode::kNotFound) << step.error().message();
    }
    EXPECT_FALSE(log->failure());
    EXPECT_EQ(newest()["k1"], "29");
  }
}

TEST_F(CompactionTest, DamageThatItMeetsTakesThePartitionOffline) {
  open();
  put({{"a", "1"}});
  const auto second = disk.info("/data/t-0/00000000000000000000.log").value().size;
  put({{"a", "2"}});
  settle();
  damage("/data/t-0/00000000000000000000.log", second + 65);
  const auto report = try_compact();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code(), ErrorCode::kCorruptLog);
  EXPECT_TRUE(log->failure());
}

TEST_F(CompactionTest, ADiskThatIsFullLeavesTheLogAsItWas) {
  open();
  for (int i = 0; i < 50; ++i) put({{"k" + std::to_string(i % 40), std::string(100, 'v')}});
  settle();
  const auto before = texts();
  disk.inject({.operation = FileOperation::kWrite, .path_contains = ".log.cleaned", .error_number = 28});
  const auto report = try_compact();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code(), ErrorCode::kNoSpace);
  EXPECT_EQ(texts(), before);
  compact();
  EXPECT_EQ(texts().size(), 40U);
}

TEST_F(CompactionTest, AReaderGoesOnWhileSegmentsAreReplacedUnderIt) {
  config.segment_bytes = 2000;
  open();
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> rounds = 0;
  for (int i = 0; i < 100; ++i) put({{"k" + std::to_string(i % 10), std::to_string(i)}});
  settle();
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&] {
      BufferPool buffers;
      while (!stop) {
        for (Offset next{0}; next < log->high_watermark();) {
          const auto slice = log->read(next, 400, Isolation::kHighWatermark);
          ASSERT_TRUE(slice.has_value()) << slice.error().message();
          BatchCursor batch{slice->bytes};
          bool any = false;
          while (batch.next()) {
            any = true;
            ASSERT_TRUE(batch.batch().crc_matches());
            ASSERT_GE(batch.batch().last_offset(), next);
            next = batch.batch().next_offset();
          }
          if (!any) break;
        }
        ++rounds;
      }
    });
  }
  for (int pass = 0; pass < 60 || (rounds < 20 && pass < 5000); ++pass) {
    for (int i = 0; i < 20; ++i) put({{"k" + std::to_string(i % 10), std::to_string(i)}});
    settle();
    compact();
  }
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_FALSE(log->failure());
  EXPECT_EQ(newest().size(), 10U);
}

TEST_F(CompactionTest, APositionAtTheEndOfAReplacedSegmentIsGoodAfterAClose) {
  open();
  for (int i = 0; i < 30; ++i) put({{"a", std::to_string(i)}});
  settle();
  compact();
  EXPECT_EQ(texts(), (Texts{"a=29@29"}));
  // Nothing was appended since: what is known to be durable was in the segment that became shorter.
  close_and_open();
  EXPECT_EQ(texts(), (Texts{"a=29@29"}));
  crash_and_open();
  EXPECT_EQ(texts(), (Texts{"a=29@29"}));
}

}  // namespace
}  // namespace millrace
