#include "broker/fetch_sessions.h"

#include <gmock/gmock.h>

#include <map>

#include "support/must.h"

namespace millrace::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

/// What a reader holds of its session, as a client does.
struct Reader {
  std::int32_t session = kNoFetchSession;
  std::int32_t epoch = kFirstFetchEpoch;
};

/// Sessions over made-up partitions 0, 1, 2, ... of one topic.
class FetchSessionsTest : public ::testing::Test {
 protected:
  static FetchPartition partition(std::int32_t index, std::int64_t from = 0) {
    return {.topic = {.name = "orders"}, .partition = PartitionIndex{index}, .from = Offset{from}};
  }
  static std::vector<FetchPartition> partitions(std::int32_t count) {
    std::vector<FetchPartition> all;
    for (std::int32_t i = 0; i < count; ++i) all.push_back(partition(i));
    return all;
  }

  FetchAnswer answer_of(const FetchPlan& plan) {
    FetchAnswer answer;
    for (const auto& wanted : plan.partitions) {
      const auto index = wanted.partition.value();
      if (errors_.contains(index)) {
        answer.emplace_back(fail(errors_[index], "made up"));
        continue;
      }
      LogSlice slice;
      slice.high_watermark = Offset{ends_[index]};
      slice.log_start = Offset{starts_[index]};
      slice.last_stable = slice.high_watermark;
      if (wanted.from < slice.high_watermark) slice.bytes = as_bytes("records");
      answer.push_back(slice);
    }
    return answer;
  }

  /// One fetch; gives the partitions that are told, in order, or the error.
  Result<std::vector<std::int32_t>> fetch(Reader& reader, std::vector<FetchPartition> wanted,
                                          std::vector<FetchPartition> forgotten = {},
                                          FetchReader who = FetchReader::kClient) {
    FetchSessionAsk ask{.session = reader.session, .epoch = reader.epoch, .reader = who};
    ask.partitions = std::move(wanted);
    ask.forgotten = std::move(forgotten);
    MILLRACE_TRY(plan, sessions_.begin(std::move(ask)));
    MILLRACE_TRY(news, sessions_.finish(plan, answer_of(plan)));
    reader.session = news.session;
    reader.epoch = news.session == kNoFetchSession ? kFirstFetchEpoch : reader.epoch + 1;
    std::vector<std::int32_t> told;
    if (news.partitions) {
      for (const auto& one : *news.partitions) {
        EXPECT_EQ(one.partition, plan.partitions[one.answer].partition);
        told.push_back(one.partition.value());
      }
    } else {
      for (const auto& one : plan.partitions) told.push_back(one.partition.value());
    }
    return told;
  }
  ErrorCode refusal(Reader reader, std::vector<FetchPartition> wanted = {}) {
    const auto told = fetch(reader, std::move(wanted));
    return told ? ErrorCode::kNone : told.error().code();
  }
  Reader begun(std::int32_t count, FetchReader who = FetchReader::kClient) {
    Reader reader;
    must(fetch(reader, partitions(count), {}, who));
    return reader;
  }

  ManualClock clock_;
  FetchSessions sessions_{{.slots = 3, .safe_for = 2min}, clock_, 1};
  std::map<std::int32_t, std::int64_t> ends_;
  std::map<std::int32_t, std::int64_t> starts_;
  std::map<std::int32_t, ErrorCode> errors_;
};

TEST_F(FetchSessionsTest, TheFirstFetchTellsEverythingAndTheNextNothing) {
  Reader reader;
  EXPECT_THAT(must(fetch(reader, partitions(3))), ElementsAre(0, 1, 2));
  EXPECT_NE(reader.session, kNoFetchSession);
  EXPECT_THAT(must(fetch(reader, {})), IsEmpty());
}

TEST_F(FetchSessionsTest, TellsOfRecordsAndOfEndsThatMoved) {
  auto reader = begun(3);
  ends_[1] = 5;  // records: they are told until the reader says that it has them
  EXPECT_THAT(must(fetch(reader, {})), ElementsAre(1));
  EXPECT_THAT(must(fetch(reader, {})), ElementsAre(1));
  EXPECT_THAT(must(fetch(reader, {partition(1, 5)})), IsEmpty());
  starts_[2] = 3;
  EXPECT_THAT(must(fetch(reader, {})), ElementsAre(2));
  EXPECT_THAT(must(fetch(reader, {})), IsEmpty());
}

TEST_F(FetchSessionsTest, AnErrorIsToldEachTimeAndSoIsItsEnd) {
  auto reader = begun(2);
  errors_[0] = ErrorCode::kStorageError;
  EXPECT_THAT(must(fetch(reader, {})), ElementsAre(0));
  EXPECT_THAT(must(fetch(reader, {})), ElementsAre(0));
  errors_.clear();
  EXPECT_THAT(must(fetch(reader, {})), ElementsAre(0));
  EXPECT_THAT(must(fetch(reader, {})), IsEmpty());
}

TEST_F(FetchSessionsTest, PartitionsComeAndGo) {
  auto reader = begun(2);
  EXPECT_THAT(must(fetch(reader, {partition(7)}, {partition(0)})), ElementsAre(7));
  ends_[0] = ends_[1] = ends_[7] = 1;
  EXPECT_THAT(must(fetch(reader, {})), ElementsAre(1, 7));
  EXPECT_EQ(sessions_.count().partitions, 2U);
}

TEST_F(FetchSessionsTest, WhoHadRecordsComesLastTheNextTime) {
  auto reader = begun(3);
  ends_[0] = 1;
  must(fetch(reader, {}));
  ends_[1] = ends_[2] = 1;
  EXPECT_THAT(must(fetch(reader, {})), ElementsAre(1, 2, 0));
}

TEST_F(FetchSessionsTest, ASessionWithoutPartitionsEnds) {
  auto reader = begun(1);
  EXPECT_THAT(must(fetch(reader, {}, {partition(0)})), IsEmpty());
  EXPECT_EQ(reader.session, kNoFetchSession);
  EXPECT_EQ(sessions_.count().sessions, 0U);
}

TEST_F(FetchSessionsTest, RefusesUnknownSessionsAndEpochsOutOfTurn) {
  const auto reader = begun(1);
  EXPECT_EQ(refusal({.session = reader.session ^ 1, .epoch = 1}), ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(refusal({.session = kNoFetchSession, .epoch = 1}), ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(refusal({.session = reader.session, .epoch = 2}), ErrorCode::kInvalidFetchSessionEpoch);
  EXPECT_EQ(refusal({.session = reader.session, .epoch = 1}), ErrorCode::kNone);
  EXPECT_EQ(refusal({.session = reader.session, .epoch = 1}), ErrorCode::kInvalidFetchSessionEpoch);
}

TEST_F(FetchSessionsTest, AnAnswerThatComesAfterTheNextQuestionIsTooLate) {
  const auto reader = begun(1);
  const auto slow = must(sessions_.begin({.session = reader.session, .epoch = 1}));
  const auto quick = must(sessions_.begin({.session = reader.session, .epoch = 2}));
  EXPECT_TRUE(sessions_.finish(quick, answer_of(quick)));
  EXPECT_EQ(sessions_.finish(slow, answer_of(slow)).error().code(), ErrorCode::kInvalidFetchSessionEpoch);
}

TEST_F(FetchSessionsTest, AFullFetchEndsTheSessionItNames) {
  auto reader = begun(2);
  const auto old = reader;
  reader.epoch = kFirstFetchEpoch;
  EXPECT_THAT(must(fetch(reader, partitions(2))), ElementsAre(0, 1));
  EXPECT_NE(reader.session, old.session);
  EXPECT_EQ(refusal(old), ErrorCode::kFetchSessionIdNotFound);
  reader.epoch = kLastFetchEpoch;
  EXPECT_THAT(must(fetch(reader, partitions(2))), ElementsAre(0, 1));
  EXPECT_EQ(sessions_.count().sessions, 0U);
}

TEST_F(FetchSessionsTest, WithoutARoomEverythingIsNamedEachTime) {
  for (int i = 0; i < 3; ++i) begun(2);
  auto late = begun(5);
  EXPECT_EQ(late.session, kNoFetchSession);
  EXPECT_THAT(must(fetch(late, partitions(5))), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(sessions_.count().sessions, 3U);
}

TEST_F(FetchSessionsTest, ASessionThatNobodyUsedForLongGoesFirst) {
  auto used = begun(1);
  const auto forgotten = begun(9);
  begun(1);
  clock_.advance(90s);
  must(fetch(used, {}));
  clock_.advance(40s);
  EXPECT_NE(begun(1).session, kNoFetchSession);
  EXPECT_NE(begun(1).session, kNoFetchSession);
  EXPECT_EQ(refusal(forgotten), ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(refusal(used), ErrorCode::kNone);
  EXPECT_EQ(sessions_.count().evicted, 2U);
}

TEST_F(FetchSessionsTest, ASmallSessionThatIsOldMakesRoomForALargerOne) {
  std::vector<Reader> readers{begun(4), begun(2), begun(3)};
  clock_.advance(90s);
  for (auto& reader : readers) must(fetch(reader, {}));
  clock_.advance(40s);
  EXPECT_EQ(begun(2).session, kNoFetchSession);  // no larger than the smallest
  EXPECT_NE(begun(5).session, kNoFetchSession);
  EXPECT_EQ(refusal(readers[1]), ErrorCode::kFetchSessionIdNotFound);
}

TEST_F(FetchSessionsTest, AReplicaTakesTheRoomOfAClientAndNotTheOtherWayRound) {
  const auto client = begun(9);
  begun(9, FetchReader::kReplica);
  begun(9, FetchReader::kReplica);
  EXPECT_EQ(begun(50).session, kNoFetchSession);
  EXPECT_NE(begun(1, FetchReader::kReplica).session, kNoFetchSession);
  EXPECT_EQ(refusal(client), ErrorCode::kFetchSessionIdNotFound);
  clock_.advance(1min);
  EXPECT_EQ(begun(1, FetchReader::kReplica).session, kNoFetchSession);
}

TEST_F(FetchSessionsTest, ASessionWithNothingLeftEndsWhateverTheRequestNames) {
  auto reader = begun(1);
  EXPECT_THAT(must(fetch(reader, {partition(5)}, {partition(0), partition(5)})), IsEmpty());
  EXPECT_EQ(reader.session, kNoFetchSession);
  EXPECT_EQ(sessions_.count().sessions, 0U);
}

TEST_F(FetchSessionsTest, APartitionThatIsNamedTwiceIsReadOnce) {
  Reader reader;
  EXPECT_THAT(must(fetch(reader, {partition(0), partition(1), partition(0)})), ElementsAre(0, 1));
}

TEST_F(FetchSessionsTest, NoSlotsMeanNoSessions) {
  FetchSessions none{{.slots = 0}, clock_, 1};
  const auto plan = must(none.begin({.epoch = kFirstFetchEpoch, .partitions = partitions(1)}));
  EXPECT_EQ(must(none.finish(plan, answer_of(plan))).session, kNoFetchSession);
}

}  // namespace
}  // namespace millrace::test
