// One transactional id: begin, commit, abort, fence, time-out, retry; with a clock moved by hand.

#include "coordinator/transaction.h"

#include <gmock/gmock.h>

#include <map>
#include <memory>

#include "base/clock.h"

namespace millrace::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int16_t kOld = 1;
constexpr std::int16_t kNew = kEpochPerTransaction;
constexpr std::int16_t kMostEpoch = 32767;

TopicPartition partition(int index) { return {"clicks", PartitionIndex{index}}; }

class TransactionTest : public testing::Test {
 protected:
  [[nodiscard]] CoordinatorTime time() const { return {.now = clock.now(), .wall = clock.wall()}; }

  void take(const TransactionActions& actions) {
    for (const auto& [request, answer] : actions.answers) {
      EXPECT_FALSE(answers.contains(request)) << "answered twice";
      answers[request] = answer;
    }
    if (actions.store) {
      EXPECT_FALSE(store) << "two changes at once";
      store = actions.store;
    }
    if (!actions.markers.empty()) markers = actions.markers;
    if (actions.wants_producer_id) take(transaction.use_producer_id(ProducerId{next_id++}, time()));
  }
  TransactionRequestId init(std::optional<ProducerIdentity> expected = std::nullopt,
                            milliseconds timeout = seconds{60}) {
    const TransactionRequestId request{++last_request};
    take(transaction.init(request, {.timeout = timeout, .expected = expected}, time()));
    return request;
  }
  TransactionRequestId add(ProducerIdentity producer, std::set<TopicPartition> partitions, std::int16_t version) {
    const TransactionRequestId request{++last_request};
    take(transaction.add(request, {.producer = producer, .partitions = std::move(partitions), .version = version},
                         time()));
    return request;
  }
  TransactionRequestId end(ProducerIdentity producer, TransactionEnd how, std::int16_t version) {
    const TransactionRequestId request{++last_request};
    take(transaction.end(request, {.producer = producer, .end = how, .version = version}, time()));
    return request;
  }
  /// What is to be written is durable, or was not written.
  void write(ErrorCode error = ErrorCode::kNone) {
    ASSERT_TRUE(store) << "there is nothing to write";
    if (error == ErrorCode::kNone) record = *transaction.record_of(*store).value;
    store.reset();
    take(transaction.stored(error, time()));
  }
  void write_all() {
    while (store) write();
  }
  void mark_all() {
    for (const auto& one : std::exchange(markers, {})) take(transaction.marked(one, time()));
  }
  void finish() {
    write();
    mark_all();
    write_all();
  }
  /// Moves the clock, and runs the timer each time that it is due.
  void advance(milliseconds by) {
    const auto until = clock.now() + by;
    for (int i = 0; i < 1000 && transaction.next_timer() && *transaction.next_timer() <= until; ++i) {
      clock.advance(std::chrono::ceil<milliseconds>(std::max(*transaction.next_timer() - clock.now(), Duration{})));
      take(transaction.on_timer(time()));
    }
    clock.advance(std::chrono::ceil<milliseconds>(until - clock.now()));
  }

  [[nodiscard]] bool answered(TransactionRequestId request) const { return answers.contains(request); }
  ErrorCode error(TransactionRequestId request) {
    EXPECT_TRUE(answered(request)) << "call " << request.value() << " was not answered";
    return answers[request].error;
  }
  ProducerIdentity told(TransactionRequestId request) {
    EXPECT_EQ(error(request), ErrorCode::kNone);
    return answers[request].producer;
  }
  /// A producer that has begun to use the id.
  ProducerIdentity begun() {
    const auto request = init();
    write();
    return told(request);
  }
  [[nodiscard]] TransactionState state() const { return transaction.data().state; }
  void restart() {
    std::destroy_at(&transaction);
    std::construct_at(&transaction, Transaction::restore("t", record, time()));
    store.reset();
    markers.assign(transaction.unmarked().begin(), transaction.unmarked().end());
  }

  ManualClock clock;
  Transaction transaction{"t"};
  std::int64_t next_id = 100;
  std::uint64_t last_request = 0;
  std::map<TransactionRequestId, TransactionAnswer> answers;
  std::optional<TransactionData> store;
  std::vector<TopicPartition> markers;
  protocol::TransactionLogValue record;
};

TEST_F(TransactionTest, AnIdGetsAProducerIdOnceAndAnEpochForEachProducer) {
  const auto first = init();
  EXPECT_FALSE(answered(first)) << "not before it is durable";
  write();
  EXPECT_EQ(told(first), (ProducerIdentity{ProducerId{100}, ProducerEpoch{0}}));
  const auto second = init();
  write();
  EXPECT_EQ(told(second), (ProducerIdentity{ProducerId{100}, ProducerEpoch{1}}));
}

TEST_F(TransactionTest, IsCommittedOnceEveryPartitionHasItsMarker) {
  const auto producer = begun();
  const auto added = add(producer, {partition(0)}, kOld);
  write();
  EXPECT_EQ(error(added), ErrorCode::kNone);
  EXPECT_EQ(error(add(producer, {partition(0)}, kOld)), ErrorCode::kNone) << "it is in it already";
  add(producer, {partition(1)}, kOld);
  write();
  EXPECT_EQ(transaction.verify(producer, partition(1)), ErrorCode::kNone);
  EXPECT_EQ(transaction.verify(producer, partition(2)), ErrorCode::kTransactionAbortable);

  const auto ended = end(producer, TransactionEnd::kCommit, kOld);
  EXPECT_THAT(markers, IsEmpty()) << "no marker before the decision is durable";
  write();
  EXPECT_EQ(told(ended), producer);
  EXPECT_EQ(state(), TransactionState::kPrepareCommit);
  EXPECT_THAT(markers, ElementsAre(partition(0), partition(1)));
  EXPECT_EQ(transaction.marker(),
            (TransactionMarker{.producer = producer.id, .epoch = producer.epoch, .end = TransactionEnd::kCommit}));
  take(transaction.marked(partition(0), time()));
  EXPECT_FALSE(store);
  take(transaction.marked(partition(1), time()));
  write();
  EXPECT_EQ(state(), TransactionState::kCompleteCommit);
  EXPECT_EQ(error(end(producer, TransactionEnd::kCommit, kOld)), ErrorCode::kNone) << "a retry";
  EXPECT_EQ(error(end(producer, TransactionEnd::kAbort, kOld)), ErrorCode::kInvalidTxnState);
}

TEST_F(TransactionTest, WhoWasFencedCannotGoOn) {
  const auto old = begun();
  const auto current = begun();
  EXPECT_EQ(error(add(old, {partition(0)}, kOld)), ErrorCode::kProducerFenced);
  EXPECT_EQ(error(end(old, TransactionEnd::kAbort, kOld)), ErrorCode::kProducerFenced);
  EXPECT_EQ(transaction.verify(old, partition(0)), ErrorCode::kProducerFenced);
  EXPECT_EQ(error(init(old)), ErrorCode::kProducerFenced);
  const ProducerIdentity stranger{ProducerId{7}, current.epoch};
  EXPECT_EQ(error(add(stranger, {partition(0)}, kOld)), ErrorCode::kInvalidProducerIdMapping);
  EXPECT_EQ(error(init(stranger)), ErrorCode::kProducerFenced);
}

TEST_F(TransactionTest, ANewProducerAbortsWhatTheOldOneLeftOpen) {
  for (const auto version : {kOld, kNew}) {
    SCOPED_TRACE(version);
    const auto old = begun();
    add(old, {partition(0)}, version);
    write();
    const auto request = init();
    EXPECT_EQ(store->state, TransactionState::kPrepareAbort);
    write();
    EXPECT_GT(transaction.marker().epoch, old.epoch) << "whoever writes with the old epoch is fenced by the marker";
    EXPECT_EQ(transaction.marker().end, TransactionEnd::kAbort);
    EXPECT_FALSE(answered(request)) << "it waits for the markers";
    mark_all();
    write();
    EXPECT_EQ(state(), TransactionState::kCompleteAbort);
    EXPECT_FALSE(answered(request));
    write();
    EXPECT_GT(told(request).epoch, old.epoch + 1);
    EXPECT_EQ(state(), TransactionState::kEmpty);
    EXPECT_EQ(error(end(old, TransactionEnd::kAbort, version)), ErrorCode::kProducerFenced);
  }
}

TEST_F(TransactionTest, AProducerThatRepeatsItsInitGetsTheSameAnswer) {
  const auto first = begun();
  const auto bumped = init(first);
  write();
  const auto again = init(first);
  write();
  EXPECT_EQ(told(again), told(bumped));
  // But not once somebody else has come.
  begun();
  EXPECT_EQ(error(init(first)), ErrorCode::kProducerFenced);
}

TEST_F(TransactionTest, AnEpochOfItsOwnIsWhatEachNewTransactionGets) {
  auto producer = begun();
  for (int i = 0; i < 3; ++i) {
    add(producer, {partition(0)}, kNew);
    write();
    const auto ended = end(producer, i == 1 ? TransactionEnd::kAbort : TransactionEnd::kCommit, kNew);
    write();
    const auto next = told(ended);
    EXPECT_EQ(next.epoch, producer.epoch + 1);
    EXPECT_EQ(transaction.marker().epoch, next.epoch);
    mark_all();
    write();
    EXPECT_EQ(told(end(producer, i == 1 ? TransactionEnd::kAbort : TransactionEnd::kCommit, kNew)), next) << "a retry";
    EXPECT_EQ(error(add(producer, {partition(0)}, kNew)), ErrorCode::kProducerFenced);
    producer = next;
  }
  const auto early = end(producer, TransactionEnd::kCommit, kNew);
  EXPECT_EQ(error(early), ErrorCode::kInvalidTxnState) << "there is nothing to commit";
}

TEST_F(TransactionTest, AnAbortOfNothingGivesTheNextEpoch) {
  const auto producer = begun();
  const auto aborted = end(producer, TransactionEnd::kAbort, kNew);
  write_all();
  EXPECT_EQ(told(aborted).epoch, producer.epoch + 1);
  EXPECT_EQ(state(), TransactionState::kCompleteAbort);
  EXPECT_EQ(error(end(told(aborted), TransactionEnd::kAbort, kOld)), ErrorCode::kNone);
}

TEST_F(TransactionTest, ACallThatComesDuringAChangeWaitsForIt) {
  const auto producer = begun();
  const auto first = add(producer, {partition(0)}, kNew);
  const auto second = add(producer, {partition(1)}, kNew);
  EXPECT_FALSE(answered(second));
  write();
  EXPECT_TRUE(answered(first));
  write();
  EXPECT_EQ(error(second), ErrorCode::kNone);
  // The next transaction is begun while the markers of this one are written.
  const auto ended = end(producer, TransactionEnd::kCommit, kNew);
  write();
  const auto next = add(told(ended), {partition(0)}, kNew);
  mark_all();
  EXPECT_FALSE(answered(next));
  write();
  write();
  EXPECT_EQ(error(next), ErrorCode::kNone);
  EXPECT_EQ(state(), TransactionState::kOngoing);
}

TEST_F(TransactionTest, ACallWaitsOnlyForALittle) {
  const auto producer = begun();
  add(producer, {partition(0)}, kNew);
  write();
  const auto ended = end(producer, TransactionEnd::kCommit, kNew);
  write();
  const auto waiting = add(told(ended), {partition(0)}, kNew);
  advance(seconds{5});
  EXPECT_EQ(error(waiting), ErrorCode::kConcurrentTransactions);
  mark_all();
  write();
  EXPECT_EQ(state(), TransactionState::kCompleteCommit);
}

TEST_F(TransactionTest, IsAbortedWhenItsTimeIsOver) {
  for (const auto version : {kOld, kNew}) {
    SCOPED_TRACE(version);
    const auto request = init(std::nullopt, seconds{10});
    write();
    const auto producer = told(request);
    add(producer, {partition(0)}, version);
    write();
    advance(milliseconds{9999});
    EXPECT_EQ(state(), TransactionState::kOngoing);
    EXPECT_FALSE(store);
    advance(milliseconds{1});
    finish();
    EXPECT_EQ(state(), TransactionState::kCompleteAbort);
    EXPECT_EQ(error(end(producer, TransactionEnd::kCommit, version)), ErrorCode::kProducerFenced);
    EXPECT_EQ(error(add(producer, {partition(0)}, version)), ErrorCode::kProducerFenced);
    // It comes back with what it had.
    EXPECT_EQ(error(init(producer)), ErrorCode::kProducerFenced);
  }
}

TEST_F(TransactionTest, AnEndThatCannotBeWrittenChangesNothing) {
  const auto producer = begun();
  add(producer, {partition(0)}, kNew);
  write();
  const auto failed = end(producer, TransactionEnd::kCommit, kNew);
  write(ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(error(failed), ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(state(), TransactionState::kOngoing);
  EXPECT_THAT(markers, IsEmpty());
  const auto again = end(producer, TransactionEnd::kCommit, kNew);
  write();
  EXPECT_EQ(error(again), ErrorCode::kNone);
  mark_all();
  // The last record is tried again by itself.
  write(ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(state(), TransactionState::kPrepareCommit);
  advance(seconds{2});
  write();
  EXPECT_EQ(state(), TransactionState::kCompleteCommit);
}

TEST_F(TransactionTest, GoesOnAfterARestartWhereItsRecordSays) {
  const auto producer = begun();
  add(producer, {partition(0), partition(1)}, kNew);
  write();
  restart();
  EXPECT_EQ(transaction.verify(producer, partition(1)), ErrorCode::kNone);
  end(producer, TransactionEnd::kCommit, kNew);
  write();
  take(transaction.marked(partition(0), time()));
  restart();
  EXPECT_THAT(markers, ElementsAre(partition(0), partition(1))) << "what is not known to be marked is marked again";
  EXPECT_EQ(transaction.marker().end, TransactionEnd::kCommit);
  mark_all();
  write();
  EXPECT_EQ(told(end(producer, TransactionEnd::kCommit, kNew)).epoch, producer.epoch + 1) << "a retry";
  restart();
  EXPECT_EQ(state(), TransactionState::kCompleteCommit);
}

TEST_F(TransactionTest, TimeRunsOnWhileTheBrokerIsDown) {
  const auto producer = begun();
  add(producer, {partition(0)}, kOld);
  write();
  clock.advance(seconds{70});
  restart();
  advance(milliseconds{1});
  finish();
  EXPECT_EQ(state(), TransactionState::kCompleteAbort);
}

TEST_F(TransactionTest, AFreshProducerIdComesWhenTheEpochsAreUsedUp) {
  begun();
  record.producer_epoch = ProducerEpoch{kMostEpoch - 1};
  restart();
  const ProducerIdentity last{ProducerId{100}, ProducerEpoch{kMostEpoch - 1}};
  add(last, {partition(0)}, kNew);
  write();
  const auto ended = end(last, TransactionEnd::kCommit, kNew);
  write();
  const ProducerIdentity fresh{ProducerId{101}, ProducerEpoch{0}};
  EXPECT_EQ(told(ended), fresh);
  EXPECT_EQ(transaction.marker().producer, last.id);
  EXPECT_EQ(transaction.marker().epoch, ProducerEpoch{kMostEpoch});
  mark_all();
  write();
  EXPECT_EQ(transaction.data().producer, fresh);
  EXPECT_EQ(told(end(last, TransactionEnd::kCommit, kNew)), fresh) << "a retry";
  restart();
  EXPECT_EQ(told(end(last, TransactionEnd::kCommit, kNew)), fresh) << "a retry after a restart";
  const auto added = add(fresh, {partition(0)}, kNew);
  write();
  EXPECT_EQ(error(added), ErrorCode::kNone);
}

TEST_F(TransactionTest, AnInitAlsoBringsAFreshIdWhenTheEpochsAreUsedUp) {
  begun();
  record.producer_epoch = ProducerEpoch{kMostEpoch - 1};
  restart();
  const auto request = init();
  write();
  EXPECT_EQ(told(request), (ProducerIdentity{ProducerId{101}, ProducerEpoch{0}}));
}

TEST_F(TransactionTest, ExpiresOnlyWhenNothingIsGoingOn) {
  const auto producer = begun();
  clock.advance(seconds{100});
  EXPECT_TRUE(transaction.is_expired(clock.wall(), seconds{100}));
  EXPECT_FALSE(transaction.is_expired(clock.wall(), seconds{101}));
  add(producer, {partition(0)}, kOld);
  EXPECT_FALSE(transaction.is_expired(clock.wall(), seconds{100}));
  write();
  clock.advance(seconds{100});
  EXPECT_FALSE(transaction.is_expired(clock.wall(), seconds{100}));
}

}  // namespace
}  // namespace millrace::test
