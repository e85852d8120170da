// What a producer's transactions do over every implementation of `Client`.

#include <gmock/gmock.h>

#include <mutex>
#include <thread>

#include "unit/client/logs.h"
#include "unit/client/orders.h"

namespace millrace::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

class TransactionContract : public ::testing::TestWithParam<LogKind> {
 protected:
  void SetUp() override {
    if (!GetParam().why_not.empty()) GTEST_SKIP() << GetParam().why_not;
    log_ = GetParam().make();
    client_ = log_->client({});
    admin_ = must(client_->admin());
    must(admin_->create_topic({.name = "orders", .partitions = 3}));
  }

  std::unique_ptr<Producer> producer(const std::string& id = "till", Properties properties = {},
                                     DeliveryListener listener = {}) {
    properties.emplace("transactional.id", id);
    auto made = must(client_->producer(properties, std::move(listener)));
    must(made->init_transactions(kPatience));
    return made;
  }

  static void send(Producer& producer, const std::string& value, std::int32_t partition = 0) {
    must(producer.send({.topic = "orders", .partition = PartitionIndex{partition}, .value = value}));
  }
  /// A transaction of one record.
  static void commit_one(Producer& producer, const std::string& value, std::int32_t partition = 0) {
    must(producer.begin_transaction());
    send(producer, value, partition);
    must(producer.commit_transaction(kPatience));
  }

  std::unique_ptr<Consumer> reader(std::vector<TopicPartition> partitions, Properties properties = {}) {
    properties.emplace("auto.offset.reset", "earliest");
    properties.emplace("enable.auto.commit", "false");
    auto made = must(client_->consumer(properties));
    must(made->assign(std::move(partitions)));
    return made;
  }

  /// What a reader of committed records sees of the partition, up to `last`: what is before it is decided.
  std::vector<std::string> committed_up_to(const std::string& last, std::int32_t partition = 0) {
    const auto consumer = reader({orders(partition)});
    std::vector<std::string> values;
    while (values.empty() || values.back() != last) {
      const auto records = poll_records(*consumer, 1);
      if (records.empty()) {
        ADD_FAILURE() << "\"" << last << "\" did not come";
        break;
      }
      for (const auto& record : records) values.push_back(record.value);
    }
    return values;
  }

  /// Where such a reader's records end now.
  Offset committed_end(std::int32_t partition = 0) {
    const auto consumer = reader({orders(partition)});
    must(consumer->seek(orders(partition), StartAt::kLatest));
    return must(consumer->position(orders(partition)));
  }
  void await_committed_end(Offset end, std::int32_t partition = 0) {
    const auto consumer = reader({orders(partition)});
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    const auto found = [&] {
      must(consumer->seek(orders(partition), StartAt::kLatest));
      return must(consumer->position(orders(partition)));
    };
    while (found() != end) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "it ends at " << found().value();
      must(consumer->poll(50ms));
    }
  }

  static std::vector<PartitionOffset> at(std::int64_t offset, std::int32_t partition = 0) {
    return {{.partition = orders(partition), .offset = Offset{offset}}};
  }

  std::unique_ptr<LogUnderTest> log_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Admin> admin_;
};

// --- records ---

TEST_P(TransactionContract, ShowsTheRecordsOfEveryPartitionOnceTheyAreCommitted) {
  const auto made = producer();
  must(made->begin_transaction());
  for (std::int32_t i = 0; i < 3; ++i) send(*made, "order " + std::to_string(i), i);
  must(made->flush(kPatience));
  const std::vector all{orders(0), orders(1), orders(2)};
  EXPECT_THAT(poll_records(*reader(all, {{"isolation.level", "read_uncommitted"}}), 3), SizeIs(3));
  for (std::int32_t i = 0; i < 3; ++i) EXPECT_EQ(committed_end(i), Offset{0});

  must(made->commit_transaction(kPatience));

  EXPECT_THAT(poll_records(*reader(all), 3), SizeIs(3));
  EXPECT_EQ(made->transaction_phase(), TransactionPhase::kReady);
}

TEST_P(TransactionContract, NeverShowsWhatWasAbortedAndGoesOnAfterIt) {
  const auto made = producer("till", {{"batch.size", "500"}});
  std::vector<std::string> kept;
  for (int round = 0; round < 5; ++round) {
    must(made->begin_transaction());
    for (int i = 0; i < 60; ++i) send(*made, "dropped", i % 3);
    if (round % 2 == 1) must(made->flush(kPatience));
    must(made->abort_transaction(kPatience));
    must(made->begin_transaction());
    for (int i = 0; i < 60; ++i) {
      const auto value = std::to_string(round) + "." + std::to_string(i);
      send(*made, value, i % 3);
      if (i % 3 == 0) kept.push_back(value);
    }
    must(made->commit_transaction(kPatience));
  }
  EXPECT_EQ(committed_up_to("4.57"), kept);
  EXPECT_THAT(committed_up_to("4.59", 2), SizeIs(100));
}

TEST_P(TransactionContract, ReportsRecordsThatAnAbortHasOvertaken) {
  std::vector<ErrorCode> codes;
  std::mutex mutex;
  const auto made = producer("till", {{"linger.ms", "10000"}}, [&](const DeliveryReport& report) {
    const std::lock_guard lock{mutex};
    for (std::size_t i = 0; i < report.tokens.size(); ++i) {
      codes.push_back(report.base_offset ? ErrorCode::kNone : report.base_offset.error().code());
    }
  });
  must(made->begin_transaction());
  send(*made, "a");
  send(*made, "b");
  must(made->abort_transaction(kPatience));
  {
    const std::lock_guard lock{mutex};
    EXPECT_THAT(codes, ElementsAre(ErrorCode::kTransactionAbortable, ErrorCode::kTransactionAbortable));
  }
  commit_one(*made, "c");
  EXPECT_THAT(committed_up_to("c"), ElementsAre("c"));
}

TEST_P(TransactionContract, LetsTwoProducersGoOnSideBySide) {
  const auto first = producer("till-1");
  const auto second = producer("till-2");
  must(first->begin_transaction());
  must(second->begin_transaction());
  for (int i = 0; i < 3; ++i) {
    send(*first, "first " + std::to_string(i));
    must(first->flush(kPatience));
    send(*second, "second " + std::to_string(i));
    must(second->flush(kPatience));
  }
  must(second->abort_transaction(kPatience));
  EXPECT_EQ(committed_end(), Offset{0});
  must(first->commit_transaction(kPatience));
  EXPECT_THAT(committed_up_to("first 2"), ElementsAre("first 0", "first 1", "first 2"));
}

TEST_P(TransactionContract, EndsTransactionsInWhichNothingWasSent) {
  const auto made = producer();
  for (int i = 0; i < 2; ++i) {
    must(made->begin_transaction());
    must(made->commit_transaction(kPatience));
    must(made->begin_transaction());
    must(made->abort_transaction(kPatience));
  }
  commit_one(*made, "a");
  EXPECT_THAT(committed_up_to("a"), ElementsAre("a"));
}

TEST_P(TransactionContract, LosesATransactionOneOfWhoseBatchesIsRefused) {
  must(admin_->create_topic({.name = "small", .partitions = 1, .configs = {{"max.message.bytes", "500"}}}));
  const auto made = producer();
  must(made->begin_transaction());
  send(*made, "dropped");
  must(made->send({.topic = "small", .value = std::string(600, 'x')}));

  EXPECT_EQ(made->commit_transaction(kPatience).error().code(), ErrorCode::kMessageTooLarge);

  EXPECT_EQ(made->transaction_phase(), TransactionPhase::kMustAbort);
  EXPECT_FALSE(made->send({.topic = "orders", .value = "too late"}));
  EXPECT_FALSE(made->begin_transaction());
  must(made->abort_transaction(kPatience));
  commit_one(*made, "again");
  EXPECT_THAT(committed_up_to("again"), ElementsAre("again"));
}

// --- offsets ---

TEST_P(TransactionContract, MovesAGroupsOffsetsWithTheTransactionAndNotWithoutIt) {
  const auto made = producer();
  const auto consumer = reader({orders(0)}, {{"group.id", "copy"}});
  const auto group = must(consumer->group_metadata());
  EXPECT_EQ(group.group, "copy");
  EXPECT_EQ(group.generation, -1);
  const std::vector asked{orders(0)};

  must(made->begin_transaction());
  must(made->send_offsets(at(5), group, kPatience));
  must(made->abort_transaction(kPatience));
  EXPECT_EQ(must(consumer->committed(asked, kPatience)).at(0).offset, kNoOffset);

  must(made->begin_transaction());
  must(made->send_offsets(at(6), group, kPatience));
  must(made->send_offsets(at(7), group, kPatience));
  must(made->commit_transaction(kPatience));
  EXPECT_EQ(must(consumer->committed(asked, kPatience)).at(0).offset, Offset{7});
}

TEST_P(TransactionContract, LetsNobodyGoOnWhereATransactionIsStillToSay) {
  const auto made = producer();
  const auto consumer = reader({orders(0)}, {{"group.id", "copy"}});
  must(made->begin_transaction());
  must(made->send_offsets(at(5), must(consumer->group_metadata()), kPatience));

  const auto open = consumer->committed(std::vector{orders(0)}, 100ms);
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code(), ErrorCode::kUnstableOffsetCommit);

  must(made->commit_transaction(kPatience));
  EXPECT_EQ(must(consumer->committed(std::vector{orders(0)}, kPatience)).at(0).offset, Offset{5});
}

TEST_P(TransactionContract, RefusesTheOffsetsOfAMemberThatIsNotInTheGroupAnyMore) {
  const Properties in_group{{"group.id", "copy"},
                            {"enable.auto.commit", "false"},
                            {"auto.offset.reset", "earliest"},
                            {"heartbeat.interval.ms", "100"}};
  const auto join = [&](Properties properties) {
    properties.insert(in_group.begin(), in_group.end());
    auto member = must(client_->consumer(properties));
    must(member->subscribe({"orders"}));
    EXPECT_EQ(member->group_metadata().error().code(), ErrorCode::kUnknownMemberId);
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (member->assignment().size() < 3 && std::chrono::steady_clock::now() < deadline) must(member->poll(20ms));
    EXPECT_THAT(member->assignment(), SizeIs(3));
    return member;
  };
  auto zombie = join({});
  const auto old_place = must(zombie->group_metadata());
  EXPECT_GE(old_place.generation, 1);
  EXPECT_FALSE(old_place.member.empty());
  EXPECT_FALSE(old_place.instance);
  must(zombie->close(kPatience));
  const auto alive = join({{"group.instance.id", "desk-7"}});
  const auto place = must(alive->group_metadata());
  EXPECT_EQ(place.instance, "desk-7");

  const auto made = producer();
  must(made->begin_transaction());
  send(*made, "a zombie's");
  const auto refused = made->send_offsets(at(9), old_place, kPatience);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().code() == ErrorCode::kUnknownMemberId ||
              refused.error().code() == ErrorCode::kIllegalGeneration)
      << refused.error().message();
  EXPECT_EQ(made->transaction_phase(), TransactionPhase::kMustAbort);
  must(made->abort_transaction(kPatience));

  must(made->begin_transaction());
  send(*made, "the member's");
  must(made->send_offsets(at(3), place, kPatience));
  must(made->commit_transaction(kPatience));
  EXPECT_THAT(committed_up_to("the member's"), ElementsAre("the member's"));
  EXPECT_EQ(must(alive->committed(std::vector{orders(0)}, kPatience)).at(0).offset, Offset{3});
}

TEST_P(TransactionContract, CopiesEveryRecordOnceThoughWorkersAreLost) {
  {
    const auto source = must(client_->producer());
    for (int i = 0; i < 12; ++i) send(*source, std::to_string(i), 0);
    must(source->flush(kPatience));
  }
  // Each worker copies two records and is lost before one of its steps, the last after all of them.
  enum class Step : std::uint8_t { kSend, kSendOffsets, kCommit, kNone };
  std::vector<std::unique_ptr<Producer>> zombies;
  std::int64_t copied = 0;
  for (int turn = 0; copied < 12; ++turn) {
    ASSERT_LT(turn, 100);
    const auto lost_before = static_cast<Step>(turn % 4);
    const auto consumer = reader({orders(0)}, {{"group.id", "copy"}});
    auto made = producer("copier");
    const auto found = poll_records(*consumer, 1);
    ASSERT_FALSE(found.empty());
    must(made->begin_transaction());
    const auto count = std::min<std::size_t>(2, found.size());
    for (std::size_t i = 0; i < count && lost_before != Step::kSend; ++i) send(*made, found[i].value, 1);
    must(made->flush(kPatience));
    const bool sends_offsets = lost_before == Step::kCommit || lost_before == Step::kNone;
    const auto behind = found[count - 1].offset + 1;
    if (sends_offsets) must(made->send_offsets(at(behind), must(consumer->group_metadata()), kPatience));
    if (lost_before == Step::kNone) {
      must(made->commit_transaction(kPatience));
      copied = behind;
    } else if (lost_before != Step::kSend && turn % 8 < 4) {
      // It is only believed to be lost.
      zombies.push_back(std::move(made));
    }
  }
  for (const auto& zombie : zombies) {
    EXPECT_EQ(zombie->commit_transaction(kPatience).error().code(), ErrorCode::kProducerFenced);
  }
  std::vector<std::string> expected;
  expected.reserve(12);
  for (int i = 0; i < 12; ++i) expected.push_back(std::to_string(i));
  EXPECT_EQ(committed_up_to("11", 1), expected);
}

// --- fences ---

TEST_P(TransactionContract, FencesTheProducerThatHadTheIdBefore) {
  const auto first = producer();
  must(first->begin_transaction());
  send(*first, "a zombie's");
  must(first->flush(kPatience));

  const auto second = producer();
  commit_one(*second, "alive");

  const auto refused = first->commit_transaction(kPatience);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kProducerFenced) << refused.error().message();
  EXPECT_THAT(refused.error().message(), HasSubstr("another producer has taken this transactional.id"));
  EXPECT_EQ(first->transaction_phase(), TransactionPhase::kFatal);
  EXPECT_EQ(first->abort_transaction(kPatience).error().code(), ErrorCode::kProducerFenced);
  EXPECT_EQ(first->send({.topic = "orders", .value = "x"}).error().code(), ErrorCode::kProducerFenced);
  EXPECT_THAT(committed_up_to("alive"), ElementsAre("alive"));
  must(first->close(kPatience));
}

TEST_P(TransactionContract, AbortsATransactionThatIsOpenForTooLong) {
  const auto slow = producer("till", {{"transaction.timeout.ms", "1000"}});
  must(slow->begin_transaction());
  send(*slow, "late");
  must(slow->flush(kPatience));

  // The record, and the marker.
  await_committed_end(Offset{2});

  const auto refused = slow->commit_transaction(kPatience);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kProducerFenced) << refused.error().message();
  EXPECT_EQ(slow->transaction_phase(), TransactionPhase::kFatal);
  commit_one(*producer(), "in time");
  EXPECT_THAT(committed_up_to("in time"), ElementsAre("in time"));
}

TEST_P(TransactionContract, RefusesATimeOutThatTheBrokerDoesNotAllow) {
  const auto made = must(client_->producer({{"transactional.id", "till"}, {"transaction.timeout.ms", "86400000"}}));
  EXPECT_EQ(made->init_transactions(kPatience).error().code(), ErrorCode::kInvalidTransactionTimeout);
  EXPECT_EQ(made->transaction_phase(), TransactionPhase::kFatal);
}

TEST_P(TransactionContract, AbortsWhatIsOpenWhenTheProducerEnds) {
  auto closed = producer();
  must(closed->begin_transaction());
  send(*closed, "of the closed");
  must(closed->flush(kPatience));
  must(closed->close(kPatience));
  must(closed->close(kPatience));
  EXPECT_EQ(closed->commit_transaction(kPatience).error().code(), ErrorCode::kClosed);
  EXPECT_EQ(closed->begin_transaction().error().code(), ErrorCode::kClosed);
  await_committed_end(Offset{2});

  auto destroyed = producer();
  must(destroyed->begin_transaction());
  send(*destroyed, "of the destroyed");
  must(destroyed->flush(kPatience));
  destroyed.reset();
  await_committed_end(Offset{4});

  commit_one(*producer(), "of the last");
  EXPECT_THAT(committed_up_to("of the last"), ElementsAre("of the last"));
}

// --- misuse ---

TEST_P(TransactionContract, RefusesCallsOutOfTurnAndChangesNothing) {
  std::vector<ErrorCode> codes;
  const auto refused = [&](const Result<void>& result) {
    codes.push_back(result ? ErrorCode::kNone : result.error().code());
  };
  const auto plain = must(client_->producer());
  EXPECT_EQ(plain->transaction_phase(), TransactionPhase::kNone);
  refused(plain->init_transactions(kPatience));
  refused(plain->begin_transaction());
  refused(plain->send_offsets(at(1), {.group = "copy"}, kPatience));
  refused(plain->commit_transaction(kPatience));

  const auto made = must(client_->producer({{"transactional.id", "till"}}));
  EXPECT_EQ(made->transaction_phase(), TransactionPhase::kNew);
  refused(made->begin_transaction());
  refused(made->send({.topic = "orders", .value = "x"}));
  refused(made->abort_transaction(kPatience));
  must(made->init_transactions(kPatience));
  refused(made->init_transactions(kPatience));
  refused(made->send({.topic = "orders", .value = "x"}));
  refused(made->send_offsets(at(1), {.group = "copy"}, kPatience));
  refused(made->commit_transaction(kPatience));
  refused(made->abort_transaction(kPatience));
  must(made->begin_transaction());
  refused(made->begin_transaction());
  EXPECT_THAT(codes, Each(ErrorCode::kInvalidTxnState));
  EXPECT_EQ(made->send_offsets(at(1), {}, kPatience).error().code(), ErrorCode::kInvalidGroupId);

  EXPECT_EQ(made->transaction_phase(), TransactionPhase::kOpen);
  send(*made, "a");
  must(made->commit_transaction(kPatience));
  EXPECT_THAT(committed_up_to("a"), ElementsAre("a"));
}

TEST_P(TransactionContract, RefusesPropertiesThatCannotHoldWhatTransactionsPromise) {
  for (const auto& [key, value] : Properties{{"acks", "1"}, {"enable.idempotence", "false"}}) {
    const auto made = client_->producer({{"transactional.id", "till"}, {key, value}});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code(), ErrorCode::kInvalidConfig);
    EXPECT_THAT(made.error().message(), HasSubstr("\"transactional.id\" needs"));
  }
  EXPECT_EQ(must(client_->consumer())->group_metadata().error().code(), ErrorCode::kInvalidGroupId);
}

// --- administration ---

TEST_P(TransactionContract, ShowsWhatIsUnderWayAndWhatIsDone) {
  const auto described_by = [&](const std::string& id) { return must(admin_->describe_transaction(id)); };
  const auto listed_as = [&](const std::string& id) {
    for (const auto& one : must(admin_->list_transactions())) {
      if (one.id == id) return one.state;
    }
    return std::string{};
  };
  EXPECT_EQ(admin_->describe_transaction("nobody's").error().code(), ErrorCode::kTransactionalIdNotFound);
  EXPECT_EQ(listed_as("shown"), "");

  const auto made = producer("shown", {{"transaction.timeout.ms", "45000"}});
  EXPECT_EQ(listed_as("shown"), "Empty");
  EXPECT_FALSE(described_by("shown").started);

  must(made->begin_transaction());
  send(*made, "a", 2);
  send(*made, "b", 0);
  must(made->flush(kPatience));
  const auto open = described_by("shown");
  EXPECT_EQ(open.id, "shown");
  EXPECT_EQ(open.state, "Ongoing");
  EXPECT_EQ(listed_as("shown"), "Ongoing");
  EXPECT_GE(open.producer, ProducerId{0});
  EXPECT_GE(open.epoch, ProducerEpoch{0});
  EXPECT_EQ(open.timeout, 45s);
  ASSERT_TRUE(open.started);
  EXPECT_GT(*open.started, Timestamp{});
  EXPECT_THAT(open.partitions, ElementsAre(orders(0), orders(2)));
  const auto writers = must(admin_->partition_producers(orders(2)));
  ASSERT_THAT(writers, SizeIs(1));
  EXPECT_EQ(writers[0].producer, open.producer);
  EXPECT_EQ(writers[0].epoch, open.epoch);
  EXPECT_EQ(writers[0].last_sequence, 0);
  EXPECT_EQ(writers[0].open_from, Offset{0});
  EXPECT_THAT(must(admin_->partition_producers(orders(1))), IsEmpty());
  EXPECT_EQ(admin_->partition_producers(orders(7)).error().code(), ErrorCode::kUnknownTopicOrPartition);

  must(made->commit_transaction(kPatience));
  // The decision counts at once; the coordinator notes a moment later that every partition knows of it.
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (listed_as("shown") == "PrepareCommit" && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_EQ(listed_as("shown"), "CompleteCommit");
  EXPECT_EQ(must(admin_->partition_producers(orders(2))).at(0).open_from, kNoOffset);
}

TEST_P(TransactionContract, LetsAnAdministratorEndAProducer) {
  const auto made = producer();
  must(made->begin_transaction());
  send(*made, "a zombie's");
  must(made->flush(kPatience));

  must(admin_->fence_producer("till"));

  // The record, and the marker.
  await_committed_end(Offset{2});
  EXPECT_EQ(made->commit_transaction(kPatience).error().code(), ErrorCode::kProducerFenced);
  commit_one(*producer(), "alive");
  EXPECT_THAT(committed_up_to("alive"), ElementsAre("alive"));
  must(admin_->fence_producer("not yet seen"));
  EXPECT_EQ(must(admin_->describe_transaction("not yet seen")).state, "Empty");
}

TEST_P(TransactionContract, LetsAnAdministratorAbortWhatHangsInAPartition) {
  const auto made = producer();
  must(made->begin_transaction());
  send(*made, "hangs", 1);
  must(made->flush(kPatience));
  const auto hanging = must(admin_->partition_producers(orders(1))).at(0);

  must(admin_->abort_hanging(orders(1), hanging));

  await_committed_end(Offset{2}, 1);
  EXPECT_EQ(must(admin_->partition_producers(orders(1))).at(0).open_from, kNoOffset);
  EXPECT_EQ(admin_->abort_hanging(orders(1), hanging).error().code(), ErrorCode::kInvalidTxnState);
  EXPECT_EQ(admin_->abort_hanging(orders(7), hanging).error().code(), ErrorCode::kUnknownTopicOrPartition);
}

INSTANTIATE_TEST_SUITE_P(Logs, TransactionContract, ::testing::ValuesIn(log_kinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace millrace::test
