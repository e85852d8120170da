// Transactions in a broker on a simulated disk: what producers write and readers see, restarts included.

#include "coordinator/transaction_coordinator.h"

#include <gmock/gmock.h>

#include <list>

#include "unit/broker/simulated_broker.h"

namespace millrace::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const Properties kFewPartitions = {{"transaction.state.log.num.partitions", "3"},
                                   {"offsets.topic.num.partitions", "3"},
                                   {"group.initial.rebalance.delay.ms", "0"}};
constexpr std::int16_t kOldRules = 1;

class TransactionCoordinatorTest : public testing::Test {
 protected:
  void SetUp() override {
    broker.create("clicks", 2);
    ensure();
  }

  TransactionCoordinator& transactions() { return broker.core->transactions(); }
  GroupCoordinator& groups() { return broker.core->groups(); }
  void ensure() {
    Caught<Result<void>> both[2];
    transactions().ensure(both[0].callback());
    groups().ensure(both[1].callback());
    broker.executor.run_all();
    must(both[0].get());
    must(both[1].get());
  }

  Caught<TransactionAnswer> begin_init(milliseconds timeout = seconds{60}) {
    Caught<TransactionAnswer> answer;
    transactions().init("t", {.timeout = timeout}, answer.callback());
    return answer;
  }
  ProducerIdentity init(milliseconds timeout = seconds{60}) {
    auto answer = begin_init(timeout);
    broker.executor.run_all();
    EXPECT_EQ(answer.get().error, ErrorCode::kNone);
    sequence = 0;
    return answer.get().producer;
  }
  ErrorCode add(ProducerIdentity producer, int partition, const std::string& topic = "clicks") {
    Caught<TransactionAnswer> answer;
    transactions().add("t",
                       {.producer = producer, .partitions = {{topic, PartitionIndex{partition}}}, .version = kOldRules},
                       answer.callback());
    broker.executor.run_all();
    return answer.get().error;
  }
  Caught<TransactionAnswer> begin_end(ProducerIdentity producer, TransactionEnd how, std::int16_t version) {
    Caught<TransactionAnswer> answer;
    transactions().end("t", {.producer = producer, .end = how, .version = version}, answer.callback());
    return answer;
  }
  TransactionAnswer end(ProducerIdentity producer, TransactionEnd how, std::int16_t version = kOldRules) {
    auto answer = begin_end(producer, how, version);
    broker.executor.run_all();
    return answer.get();
  }

  Caught<ProduceAnswer> begin_write(ProducerIdentity producer, const std::string& value, TransactionSupport support,
                                    int partition = 0) {
    RecordBatchBuilder builder{broker.buffers, 1 << 20, {.transactional = true}};
    EXPECT_TRUE(builder.try_append(broker.clock.wall(), nullptr, value));
    const auto packed = must(builder.finish({.id = producer.id, .epoch = producer.epoch, .base_sequence = sequence}));
    // The broker needs the bytes until it has answered.
    auto& bytes = sent.emplace_back(packed.bytes.begin(), packed.bytes.end());
    ProduceCall call{.partitions = {}, .transactional_id = "t", .transactions = support, .timeout = seconds{30}};
    call.partitions.push_back({.topic = {.name = "clicks"}, .partition = PartitionIndex{partition}, .batches = bytes});
    Caught<ProduceAnswer> answer;
    broker.core->produce(std::move(call), answer.callback());
    return answer;
  }
  ErrorCode write(ProducerIdentity producer, const std::string& value,
                  TransactionSupport support = TransactionSupport::kVerify, int partition = 0) {
    auto answer = begin_write(producer, value, support, partition);
    broker.executor.run_all();
    const auto& result = answer.get().front();
    if (result && partition == 0) ++sequence;
    return result ? ErrorCode::kNone : result.error().code();
  }

  /// What a reader of committed records sees.
  std::vector<std::string> committed(int partition = 0) {
    std::vector<std::string> values;
    Offset from{0};
    for (;;) {
      Caught<FetchAnswer> answer;
      FetchCall call{.partitions = {}, .isolation = Isolation::kCommitted};
      call.partitions.push_back({.topic = {.name = "clicks"}, .partition = PartitionIndex{partition}, .from = from});
      broker.core->fetch(std::move(call), answer.callback());
      const auto& slice = must(answer.get().front());
      if (slice.bytes.empty()) return values;
      for (BatchCursor batches{slice.bytes}; batches.next();) {
        const auto& batch = batches.batch();
        from = batch.next_offset();
        const bool is_aborted = std::ranges::any_of(slice.aborted, [&](const AbortedTransaction& one) {
          return one.producer == batch.producer_id() && one.first == batch.base_offset();
        });
        if (batch.is_control() || is_aborted) continue;
        auto records = must(batch.records(broker.buffers));
        while (records.next()) values.emplace_back(records.record().value.text());
      }
    }
  }

  CommitOffsets offsets_call(ProducerIdentity producer, std::int64_t offset) {
    CommitOffsets call;
    call.group = "g";
    call.offsets.push_back({.topic = {.name = "clicks"}, .partition = PartitionIndex{0}, .offset = Offset{offset}});
    if (producer.id != kNoProducerId) call.transaction = OffsetsTransaction{.producer = producer};
    return call;
  }
  ErrorCode commit_offsets(ProducerIdentity producer, std::int64_t offset,
                           TransactionSupport support = TransactionSupport::kAdd) {
    Caught<std::vector<ErrorCode>> answer;
    broker.core->commit_offsets_in_transaction("t", offsets_call(producer, offset), support, answer.callback());
    broker.executor.run_all();
    return answer.get().front();
  }
  std::int64_t fetch_offset() {
    const PartitionRef wanted{.topic = {.name = "clicks"}, .partition = PartitionIndex{0}};
    return must(groups().fetch_offsets("g", std::span{&wanted, 1})).front().offset.offset.value();
  }
  bool is_undecided() { return !must(groups().undecided_offsets("g")).empty(); }
  TransactionState state() { return must(transactions().describe("t")).data.state; }
  void restart() { broker.reopen(kFewPartitions); }
  void cut_power() {
    broker.disk.fail_power();
    broker.core.reset();
    broker.executor.run_all();
    broker.disk.restore_power();
    broker.open(kFewPartitions);
  }

  SimulatedBroker broker{kFewPartitions};
  std::int32_t sequence = 0;
  std::list<std::vector<std::byte>> sent;
};

TEST_F(TransactionCoordinatorTest, AReaderOfCommittedRecordsSeesACommitAndNoAbort) {
  const auto producer = init();
  EXPECT_EQ(add(producer, 0), ErrorCode::kNone);
  EXPECT_EQ(write(producer, "a"), ErrorCode::kNone);
  EXPECT_THAT(committed(), IsEmpty()) << "it is not decided";
  EXPECT_EQ(end(producer, TransactionEnd::kCommit).error, ErrorCode::kNone);
  EXPECT_EQ(state(), TransactionState::kCompleteCommit);
  EXPECT_THAT(committed(), ElementsAre("a"));
  EXPECT_EQ(add(producer, 0), ErrorCode::kNone);
  EXPECT_EQ(write(producer, "b"), ErrorCode::kNone);
  EXPECT_EQ(end(producer, TransactionEnd::kAbort).error, ErrorCode::kNone);
  EXPECT_THAT(committed(), ElementsAre("a"));
}

TEST_F(TransactionCoordinatorTest, AWriteToAPartitionThatIsNotInTheTransactionIsRefused) {
  const auto producer = init();
  EXPECT_EQ(write(producer, "a"), ErrorCode::kInvalidTxnState);
  EXPECT_EQ(write(producer, "a", TransactionSupport::kVerifyOrAbort), ErrorCode::kTransactionAbortable);
  EXPECT_EQ(add(producer, 0), ErrorCode::kNone);
  EXPECT_EQ(write(producer, "a"), ErrorCode::kNone);
  EXPECT_EQ(write(producer, "x", TransactionSupport::kVerify, 1), ErrorCode::kInvalidTxnState);
  const ProducerIdentity old{producer.id, ProducerEpoch{-1}};
  const auto next = init();
  EXPECT_EQ(write(producer, "late"), ErrorCode::kInvalidProducerEpoch);
  EXPECT_NE(next, old);
}

TEST_F(TransactionCoordinatorTest, OffsetsOfAGroupThatConsumersHaveJoinedNeedNoMember) {
  ConsumerHeartbeat coming;
  coming.member.id = "m";
  coming.rebalance_timeout = seconds{60};
  coming.topics = {"clicks"};
  coming.owned.emplace();
  Caught<ConsumerHeartbeatAnswer> joined;
  groups().consumer_heartbeat("g", coming, joined.callback());
  broker.executor.run_all();
  EXPECT_EQ(joined.get().error, ErrorCode::kNone);
  const auto producer = init();
  EXPECT_EQ(commit_offsets(producer, 5), ErrorCode::kNone);
  EXPECT_EQ(end(producer, TransactionEnd::kCommit, kEpochPerTransaction).error, ErrorCode::kNone);
  EXPECT_EQ(fetch_offset(), 5);
}

TEST_F(TransactionCoordinatorTest, ByTheNewRulesAWriteIsEnough) {
  auto producer = init();
  EXPECT_EQ(write(producer, "a", TransactionSupport::kAdd), ErrorCode::kNone);
  auto ended = end(producer, TransactionEnd::kCommit, kEpochPerTransaction);
  EXPECT_EQ(ended.producer.epoch, producer.epoch + 1);
  EXPECT_THAT(committed(), ElementsAre("a"));
  EXPECT_EQ(write(producer, "late", TransactionSupport::kAdd), ErrorCode::kInvalidProducerEpoch);
  producer = ended.producer;
  sequence = 0;
  EXPECT_EQ(write(producer, "b", TransactionSupport::kAdd), ErrorCode::kNone);
  ended = end(producer, TransactionEnd::kAbort, kEpochPerTransaction);
  EXPECT_THAT(committed(), ElementsAre("a"));
}

TEST_F(TransactionCoordinatorTest, BatchesOnTheirWayKeepTheirOrder) {
  const auto producer = init();
  std::vector<Caught<ProduceAnswer>> answers;
  for (int i = 0; i < 5; ++i) {
    answers.push_back(begin_write(producer, std::to_string(i), TransactionSupport::kAdd));
    ++sequence;
  }
  broker.executor.run_all();
  for (auto& answer : answers) EXPECT_TRUE(answer.get().front()) << answer.get().front().error().message();
  end(producer, TransactionEnd::kCommit, kEpochPerTransaction);
  EXPECT_THAT(committed(), ElementsAre("0", "1", "2", "3", "4"));
}

TEST_F(TransactionCoordinatorTest, TheNextTransactionMayBeginWhileMarkersAreWritten) {
  auto producer = init();
  std::vector<Caught<ProduceAnswer>> answers;
  std::vector<std::string> expected;
  for (int i = 0; i < 10; ++i) {
    auto written = begin_write(producer, std::to_string(i), TransactionSupport::kAdd);
    // The producer waits for its batch and for the decision, and for nothing else.
    while (!written.came() && broker.executor.run_one()) {
    }
    ASSERT_TRUE(written.get().front()) << written.get().front().error().message();
    auto ended = begin_end(producer, TransactionEnd::kCommit, kEpochPerTransaction);
    while (!ended.came() && broker.executor.run_one()) {
    }
    ASSERT_EQ(ended.get().error, ErrorCode::kNone);
    producer = ended.get().producer;
    expected.push_back(std::to_string(i));
  }
  broker.executor.run_all();
  EXPECT_EQ(committed(), expected);
}

TEST_F(TransactionCoordinatorTest, ATransactionWhoseTimeIsOverIsAborted) {
  const auto producer = init(seconds{5});
  add(producer, 0);
  write(producer, "a");
  broker.executor.advance(seconds{6});
  EXPECT_EQ(state(), TransactionState::kCompleteAbort);
  EXPECT_THAT(committed(), IsEmpty());
  EXPECT_EQ(write(producer, "late"), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(end(producer, TransactionEnd::kCommit).error, ErrorCode::kProducerFenced);
}

TEST_F(TransactionCoordinatorTest, GoesOnAfterARestart) {
  const auto producer = init();
  add(producer, 0);
  write(producer, "a");
  restart();
  EXPECT_EQ(state(), TransactionState::kOngoing);
  EXPECT_EQ(write(producer, "b"), ErrorCode::kNone);
  EXPECT_EQ(end(producer, TransactionEnd::kCommit).error, ErrorCode::kNone);
  restart();
  EXPECT_THAT(committed(), ElementsAre("a", "b"));
  EXPECT_EQ(state(), TransactionState::kCompleteCommit);
}

TEST_F(TransactionCoordinatorTest, WhatWasDecidedIsBroughtToItsEndAfterAPowerCut) {
  for (int steps = 0; steps < 40; ++steps) {
    SCOPED_TRACE(steps);
    const auto producer = init();
    add(producer, 0);
    add(producer, 1);
    const auto before = committed();
    ASSERT_EQ(write(producer, "kept " + std::to_string(steps)), ErrorCode::kNone);
    auto ended = begin_end(producer, TransactionEnd::kCommit, kOldRules);
    for (int i = 0; i < steps && broker.executor.run_one(); ++i) {
    }
    const bool was_told = ended.came() && ended.get().error == ErrorCode::kNone;
    cut_power();
    const auto now = state();
    // Whoever was told that it is committed finds it so; else it is open, or committed all the same.
    EXPECT_TRUE(!was_told || now == TransactionState::kCompleteCommit);
    if (now == TransactionState::kCompleteCommit) {
      EXPECT_THAT(committed(), SizeIs(before.size() + 1));
    } else {
      EXPECT_EQ(now, TransactionState::kOngoing);
      EXPECT_EQ(committed(), before);
      EXPECT_EQ(end(producer, TransactionEnd::kAbort).error, ErrorCode::kNone);
    }
    const auto position = must(broker.core->list_offset({.name = "clicks"}, PartitionIndex{0},
                                                        {.kind = OffsetKind::kLatest}, Isolation::kCommitted));
    EXPECT_EQ(position.offset.value(), broker.values_written("clicks")) << "nothing hangs";
  }
}

TEST_F(TransactionCoordinatorTest, ATransactionOfADeletedTopicEnds) {
  const auto producer = init();
  add(producer, 0);
  write(producer, "a");
  Caught<std::vector<Result<DeletedTopic>>> deleted;
  broker.core->delete_topics({{.name = "clicks"}}, deleted.callback());
  broker.executor.run_all();
  EXPECT_EQ(end(producer, TransactionEnd::kCommit).error, ErrorCode::kNone);
  EXPECT_EQ(state(), TransactionState::kCompleteCommit);
}

TEST_F(TransactionCoordinatorTest, RefusesAnEmptyIdAndATimeOutThatIsTooLong) {
  Caught<TransactionAnswer> empty;
  transactions().init("", {.timeout = seconds{1}}, empty.callback());
  EXPECT_EQ(empty.get().error, ErrorCode::kInvalidRequest);
  EXPECT_EQ(begin_init(std::chrono::hours{1}).get().error, ErrorCode::kInvalidTransactionTimeout);
  EXPECT_EQ(begin_init(milliseconds{0}).get().error, ErrorCode::kInvalidTransactionTimeout);
  EXPECT_EQ(end({.id = ProducerId{1}, .epoch = ProducerEpoch{0}}, TransactionEnd::kAbort).error,
            ErrorCode::kInvalidProducerIdMapping);
}

TEST_F(TransactionCoordinatorTest, ListsWhatTheFilterLetsThrough) {
  const auto producer = init();
  const auto count = [&](const TransactionFilter& filter) { return must(transactions().list(filter)).size(); };
  EXPECT_EQ(count({}), 1U);
  EXPECT_EQ(count({.states = {TransactionState::kOngoing}}), 0U);
  EXPECT_EQ(count({.producers = {producer.id}}), 1U);
  EXPECT_EQ(count({.producers = {ProducerId{-7}}}), 0U);
  EXPECT_EQ(count({.id_pattern = "t|u"}), 1U);
  EXPECT_EQ(count({.id_pattern = "tt"}), 0U);
  EXPECT_EQ(transactions().list({.id_pattern = "("}).error().code(), ErrorCode::kInvalidRegularExpression);
  EXPECT_EQ(count({.longer_than = seconds{1}}), 0U);
  add(producer, 0);
  broker.executor.advance(seconds{2});
  EXPECT_EQ(count({.longer_than = seconds{1}}), 1U);
  EXPECT_EQ(transactions().describe("u").error().code(), ErrorCode::kTransactionalIdNotFound);
}

TEST_F(TransactionCoordinatorTest, ForgetsIdsThatNobodyUses) {
  init();
  broker.executor.advance(std::chrono::hours{24 * 8});
  EXPECT_THAT(must(transactions().list({})), IsEmpty());
  restart();
  EXPECT_THAT(must(transactions().list({})), IsEmpty());
}

// --- offsets ---------------------------------------------------------------------------------------------------------

TEST_F(TransactionCoordinatorTest, OffsetsCountFromTheCommitOn) {
  auto producer = init();
  EXPECT_EQ(commit_offsets(producer, 5), ErrorCode::kNone);
  EXPECT_EQ(fetch_offset(), -1);
  EXPECT_TRUE(is_undecided());
  auto ended = end(producer, TransactionEnd::kCommit, kEpochPerTransaction);
  EXPECT_EQ(fetch_offset(), 5);
  EXPECT_FALSE(is_undecided());
  producer = ended.producer;
  EXPECT_EQ(commit_offsets(producer, 9), ErrorCode::kNone);
  EXPECT_TRUE(is_undecided());
  end(producer, TransactionEnd::kAbort, kEpochPerTransaction);
  EXPECT_EQ(fetch_offset(), 5);
  EXPECT_FALSE(is_undecided());
  restart();
  EXPECT_EQ(fetch_offset(), 5);
}

TEST_F(TransactionCoordinatorTest, OffsetsOfAnOpenTransactionOutliveARestart) {
  const auto producer = init();
  EXPECT_EQ(commit_offsets(producer, 5), ErrorCode::kNone);
  restart();
  EXPECT_TRUE(is_undecided());
  EXPECT_EQ(fetch_offset(), -1);
  end(producer, TransactionEnd::kCommit, kEpochPerTransaction);
  EXPECT_EQ(fetch_offset(), 5);
}

TEST_F(TransactionCoordinatorTest, OffsetsOfAGroupThatIsNotInTheTransactionAreRefused) {
  const auto producer = init();
  EXPECT_EQ(commit_offsets(producer, 5, TransactionSupport::kVerify), ErrorCode::kInvalidTxnState);
  const auto partition = must(groups().partition_of("g"));
  EXPECT_EQ(add(producer, partition.value(), "__consumer_offsets"), ErrorCode::kNone);
  EXPECT_EQ(commit_offsets(producer, 5, TransactionSupport::kVerify), ErrorCode::kNone);
  end(producer, TransactionEnd::kCommit);
  EXPECT_EQ(fetch_offset(), 5);
}

TEST_F(TransactionCoordinatorTest, AnOffsetThatWasCommittedLaterStays) {
  const auto producer = init();
  EXPECT_EQ(commit_offsets(producer, 5), ErrorCode::kNone);
  Caught<std::vector<ErrorCode>> plain;
  groups().commit_offsets(offsets_call({}, 7), plain.callback());
  broker.executor.run_all();
  EXPECT_THAT(plain.get(), Each(ErrorCode::kNone));
  end(producer, TransactionEnd::kCommit, kEpochPerTransaction);
  EXPECT_EQ(fetch_offset(), 7);
  restart();
  EXPECT_EQ(fetch_offset(), 7);
}

TEST_F(TransactionCoordinatorTest, OffsetsOfAGroupThatIsDeletedMeanwhileDoNotComeBack) {
  const auto producer = init();
  EXPECT_EQ(commit_offsets(producer, 5), ErrorCode::kNone);
  Caught<std::vector<ErrorCode>> gone;
  groups().delete_groups({"g"}, gone.callback());
  broker.executor.run_all();
  EXPECT_THAT(gone.get(), Each(ErrorCode::kNone));
  end(producer, TransactionEnd::kCommit, kEpochPerTransaction);
  EXPECT_EQ(fetch_offset(), -1);
  restart();
  EXPECT_EQ(fetch_offset(), -1);
}

}  // namespace
}  // namespace millrace::test
