// Members of a group in this process, with the clock in the test's hand: every poll is instant.

#include <gmock/gmock.h>

#include "client/embedded/embedded_client.h"
#include "unit/broker/simulated_broker.h"
#include "unit/client/orders.h"

namespace millrace::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

/// Whoever waits for a time lets the broker go on until nothing is left to do.
class TurningExecutor : public Executor {
 public:
  explicit TurningExecutor(ManualExecutor& inner) : inner_(inner) {}
  void post(Work work) override { inner_.post(std::move(work)); }
  void post_at(TimePoint /*when*/, Work work) override {
    inner_.run_all();
    work();
  }

 private:
  ManualExecutor& inner_;
};

class EmbeddedGroup : public ::testing::Test {
 protected:
  void SetUp() override { broker_.create("orders", 4); }

  std::unique_ptr<Consumer> member(Properties properties = {}) {
    properties.emplace("group.id", "shop");
    properties.emplace("auto.offset.reset", "earliest");
    // A commit at the end would wait for a disk that nobody turns.
    properties.emplace("enable.auto.commit", "false");
    std::shared_ptr<EmbeddedContext> context{new EmbeddedContext{
        .host = nullptr, .broker = broker_.core, .executor = broker_.executor, .clock = broker_.clock}};
    auto made = must(must(make_embedded_client(std::move(context), {}))->consumer(properties));
    must(made->subscribe({"orders"}, listener_));
    return made;
  }
  /// Polls everybody, and lets the broker work, until nothing more happens.
  std::vector<std::string> settle(const std::vector<Consumer*>& members) {
    std::vector<std::string> values;
    for (int round = 0; round < 20; ++round) {
      for (auto* one : members) {
        for (const auto& batch : must(one->poll(0ms))) {
          for (const auto& record : batch.records()) values.emplace_back(record.value.text());
        }
      }
      broker_.executor.run_all();
    }
    return values;
  }
  void send(std::int32_t partition, const std::string& value) {
    (void)broker_.produce("orders", broker_.batch({value}), kAcksAll, PartitionIndex{partition});
    broker_.executor.run_all();
  }

  SimulatedBroker broker_{Properties{{"group.initial.rebalance.delay.ms", "0"}}};
  std::vector<std::string> told_;
  RebalanceListener listener_{
      .assigned = [this](auto partitions) { told_.push_back("assigned " + std::to_string(partitions.size())); },
      .revoked = [this](auto partitions) { told_.push_back("revoked " + std::to_string(partitions.size())); },
      .lost = [this](auto partitions) { told_.push_back("lost " + std::to_string(partitions.size())); }};
};

TEST_F(EmbeddedGroup, SharesThePartitionsAndTakesThemOver) {
  auto first = member();
  settle({first.get()});
  EXPECT_THAT(first->assignment(), SizeIs(4));
  auto second = member();
  // The others hear of a rebalance with their next heartbeat.
  settle({first.get(), second.get()});
  broker_.executor.advance(3s);
  settle({first.get(), second.get()});
  EXPECT_THAT(first->assignment(), SizeIs(2));
  EXPECT_THAT(second->assignment(), SizeIs(2));
  EXPECT_THAT(told_, ElementsAre("assigned 4", "revoked 4", "assigned 2", "assigned 2"));

  second.reset();
  broker_.executor.run_all();
  broker_.executor.advance(3s);
  settle({first.get()});
  EXPECT_THAT(first->assignment(), SizeIs(4));
}

TEST_F(EmbeddedGroup, MissesAMemberThatDoesNotPoll) {
  auto first = member({{"max.poll.interval.ms", "20000"}, {"session.timeout.ms", "10000"}});
  settle({first.get()});
  EXPECT_THAT(first->assignment(), SizeIs(4));
  for (int i = 0; i < 8; ++i) broker_.executor.advance(3s);
  EXPECT_EQ(must(broker_.core->groups().describe("shop")).members.size(), 0U);
  settle({first.get()});
  EXPECT_THAT(told_, ElementsAre("assigned 4", "lost 4", "assigned 4"));
}

TEST_F(EmbeddedGroup, StaysAMemberByHeartbeatsBetweenPolls) {
  auto first = member({{"session.timeout.ms", "10000"}});
  settle({first.get()});
  for (int i = 0; i < 20; ++i) broker_.executor.advance(3s);
  settle({first.get()});
  EXPECT_THAT(told_, ElementsAre("assigned 4"));
}

TEST_F(EmbeddedGroup, CommitsByItselfWhatEarlierPollsGave) {
  send(0, "a");
  auto first = member({{"enable.auto.commit", "true"}, {"auto.commit.interval.ms", "1000"}});
  EXPECT_THAT(settle({first.get()}), ElementsAre("a"));
  EXPECT_THAT(must(broker_.core->groups().fetch_all_offsets("shop")), IsEmpty());
  broker_.executor.advance(1s);
  settle({first.get()});
  const auto committed = must(broker_.core->groups().fetch_all_offsets("shop"));
  EXPECT_EQ(committed.at(orders(0)).offset, Offset{1});
}

TEST_F(EmbeddedGroup, CommitsAgainWhatItCouldNotCommit) {
  send(0, "a");
  auto first = member({{"enable.auto.commit", "true"}, {"auto.commit.interval.ms", "1000"}});
  EXPECT_THAT(settle({first.get()}), ElementsAre("a"));
  broker_.disk.set_capacity(0);
  broker_.executor.advance(1s);
  settle({first.get()});
  EXPECT_THAT(must(broker_.core->groups().fetch_all_offsets("shop")), IsEmpty());
  broker_.disk.set_capacity(UINT64_MAX);
  broker_.executor.advance(1s);
  settle({first.get()});
  const auto committed = must(broker_.core->groups().fetch_all_offsets("shop"));
  ASSERT_TRUE(committed.contains(orders(0)));
  EXPECT_EQ(committed.at(orders(0)).offset, Offset{1});
}

TEST_F(EmbeddedGroup, IsLookedAtWhenTheCoordinatorHasReadWhatItWrote) {
  send(0, "a");
  auto first = member({{"enable.auto.commit", "true"}, {"auto.commit.interval.ms", "1000"}});
  settle({first.get()});
  broker_.executor.advance(1s);
  settle({first.get()});
  first.reset();
  broker_.core.reset();
  broker_.executor.run_all();
  broker_.start();
  TurningExecutor turning{broker_.executor};
  std::shared_ptr<EmbeddedContext> context{
      new EmbeddedContext{.host = nullptr, .broker = broker_.core, .executor = turning, .clock = broker_.clock}};
  auto admin = must(must(make_embedded_client(std::move(context), {}))->admin());
  EXPECT_EQ(broker_.core->groups().fetch_all_offsets("shop").error().code(), ErrorCode::kCoordinatorLoadInProgress);
  const auto offsets = must(admin->group_offsets("shop"));
  ASSERT_THAT(offsets, SizeIs(4));
  EXPECT_EQ(offsets[0].partition, orders(0));
  EXPECT_EQ(offsets[0].offset, Offset{1});
}

TEST_F(EmbeddedGroup, OfTheConsumerProtocolIsDescribedLikeAnyOther) {
  broker_.core->groups().ensure([](const auto& found) { must(found); });
  broker_.executor.run_all();
  ConsumerHeartbeat joins;
  joins.client_id = "till-3";
  joins.topics = {"orders"};
  joins.rebalance_timeout = 1min;
  joins.owned.emplace();
  broker_.core->groups().consumer_heartbeat("shop", std::move(joins),
                                            [](auto answer) { EXPECT_EQ(answer.error, ErrorCode::kNone); });
  broker_.executor.run_all();
  std::shared_ptr<EmbeddedContext> context{new EmbeddedContext{
      .host = nullptr, .broker = broker_.core, .executor = broker_.executor, .clock = broker_.clock}};
  auto client = must(make_embedded_client(std::move(context), {}));
  auto admin = must(client->admin());
  const auto group = must(admin->describe_group("shop"));
  EXPECT_EQ(group.state, "Stable");
  EXPECT_EQ(group.protocol_type, "consumer");
  EXPECT_EQ(group.protocol, "uniform");
  ASSERT_THAT(group.members, SizeIs(1));
  EXPECT_EQ(group.members[0].client_id, "till-3");
  EXPECT_THAT(group.members[0].assignment, ElementsAre(orders(0), orders(1), orders(2), orders(3)));
}

TEST_F(EmbeddedGroup, MayEndWhileItsFirstCommitStillLooksForTheCoordinator) {
  std::shared_ptr<EmbeddedContext> context{new EmbeddedContext{
      .host = nullptr, .broker = broker_.core, .executor = broker_.executor, .clock = broker_.clock}};
  auto client = must(make_embedded_client(std::move(context), {}));
  auto consumer = must(client->consumer({{"group.id", "shop"}, {"enable.auto.commit", "false"}}));
  const std::vector offsets{PartitionOffset{.partition = orders(0), .offset = Offset{1}}};
  must(consumer->commit_async(offsets, {}));
  must(consumer->close(0ms));
  consumer.reset();
  broker_.executor.run_all();
  EXPECT_THAT(must(broker_.core->groups().fetch_all_offsets("shop")), IsEmpty());
}

TEST_F(EmbeddedGroup, GoesOnBehindWhatWasHandedOverWhenPartitionsMove) {
  for (std::int32_t i = 0; i < 4; ++i) send(i, "before " + std::to_string(i));
  const Properties commits{{"enable.auto.commit", "true"}, {"auto.commit.interval.ms", "1000"}};
  auto first = member(commits);
  EXPECT_THAT(settle({first.get()}), SizeIs(4));
  auto second = member(commits);
  settle({second.get()});
  broker_.executor.advance(3s);
  EXPECT_THAT(settle({first.get(), second.get()}), IsEmpty());
  send(3, "after");
  EXPECT_THAT(settle({first.get(), second.get()}), ElementsAre("after"));
  broker_.executor.advance(1s);
  settle({first.get(), second.get()});
}

TEST_F(EmbeddedGroup, ReadsATopicThatIsMadeLater) {
  auto first = member();
  must(first->subscribe({"orders", "returns"}, listener_));
  settle({first.get()});
  EXPECT_THAT(first->assignment(), SizeIs(4));
  broker_.create("returns", 2);
  settle({first.get()});
  EXPECT_THAT(first->assignment(), SizeIs(6));
}

TEST_F(EmbeddedGroup, KeepsReadingWhileACooperativeGroupRebalances) {
  const Properties cooperative{{"partition.assignment.strategy", "cooperative-sticky"}};
  auto first = member(cooperative);
  settle({first.get()});
  auto second = member(cooperative);
  settle({second.get()});
  broker_.executor.advance(3s);
  settle({first.get(), second.get()});
  broker_.executor.advance(3s);
  settle({first.get(), second.get()});
  EXPECT_THAT(first->assignment(), SizeIs(2));
  EXPECT_THAT(second->assignment(), SizeIs(2));
  EXPECT_EQ(std::ranges::count(told_, "revoked 2"), 1) << "only what moves is given up";
  EXPECT_EQ(std::ranges::count(told_, "revoked 4"), 0);
}

}  // namespace
}  // namespace millrace::test
