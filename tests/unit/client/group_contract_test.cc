// What a consumer's group does over every implementation of `Client`.

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "unit/client/logs.h"
#include "unit/client/orders.h"

namespace millrace::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

class GroupContract : public ::testing::TestWithParam<LogKind> {
 protected:
  void SetUp() override {
    if (!GetParam().why_not.empty()) GTEST_SKIP() << GetParam().why_not;
    log_ = GetParam().make();
    client_ = log_->client({});
    admin_ = must(client_->admin());
    must(admin_->create_topic({.name = "orders", .partitions = 4}));
  }

  std::unique_ptr<Consumer> member(Properties properties = {}, RebalanceListener listener = {}) {
    for (const auto& [key, value] : std::map<std::string, std::string>{{"group.id", "shop"},
                                                                       {"auto.offset.reset", "earliest"},
                                                                       {"session.timeout.ms", "6000"},
                                                                       {"heartbeat.interval.ms", "100"}}) {
      properties.emplace(key, value);
    }
    auto made = must(client_->consumer(properties));
    must(made->subscribe({"orders"}, std::move(listener)));
    return made;
  }

  /// A record in each partition.
  void send_round(const std::string& value) {
    auto producer = must(client_->producer());
    for (std::int32_t i = 0; i < 4; ++i) {
      must(producer->send({.topic = "orders", .partition = PartitionIndex{i}, .value = value}));
    }
    must(producer->flush(kPatience));
  }

  /// Polls them in turn until `condition` holds, and keeps what they read.
  template <class Condition>
  void poll_until(const std::vector<Consumer*>& members, Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "it did not come to hold";
      for (auto* one : members) {
        for (const auto& batch : must(one->poll(20ms))) {
          for (const auto& record : batch.records()) {
            read_.push_back(batch.partition().to_string() + " " + std::string{record.value.text()});
          }
        }
      }
    }
  }

  std::unique_ptr<LogUnderTest> log_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Admin> admin_;
  std::vector<std::string> read_;
};

TEST_P(GroupContract, GivesEverythingToTheOnlyMember) {
  send_round("a");
  auto only = member();
  poll_until({only.get()}, [&] { return read_.size() == 4; });
  EXPECT_THAT(only->assignment(), SizeIs(4));
}

TEST_P(GroupContract, SharesThePartitionsOfEveryStrategyAndTakesThemOver) {
  for (const std::string strategy : {"range", "roundrobin", "cooperative-sticky"}) {
    SCOPED_TRACE(strategy);
    const Properties properties{{"partition.assignment.strategy", strategy}, {"group.id", "by-" + strategy}};
    auto first = member(properties);
    poll_until({first.get()}, [&] { return first->assignment().size() == 4; });
    auto second = member(properties);
    poll_until({first.get(), second.get()},
               [&] { return first->assignment().size() == 2 && second->assignment().size() == 2; });
    auto all = first->assignment();
    for (auto& partition : second->assignment()) all.push_back(std::move(partition));
    EXPECT_THAT(std::set(all.begin(), all.end()), SizeIs(4));
    must(second->close(kPatience));
    poll_until({first.get()}, [&] { return first->assignment().size() == 4; });
  }
}

TEST_P(GroupContract, GoesOnWhereItCommitted) {
  send_round("old");
  {
    auto first = member({{"enable.auto.commit", "false"}});
    poll_until({first.get()}, [&] { return read_.size() == 4; });
    must(first->commit(kPatience));
    must(first->close(kPatience));
  }
  read_.clear();
  send_round("new");
  auto second = member({{"enable.auto.commit", "false"}});
  poll_until({second.get()}, [&] { return read_.size() >= 4; });
  EXPECT_THAT(read_, ::testing::Each(::testing::EndsWith(" new")));
}

TEST_P(GroupContract, ReadsAgainWhatWasNotCommitted) {
  send_round("old");
  {
    auto first = member({{"enable.auto.commit", "false"}});
    poll_until({first.get()}, [&] { return read_.size() == 4; });
    must(first->close(kPatience));
  }
  read_.clear();
  auto second = member({{"enable.auto.commit", "false"}});
  poll_until({second.get()}, [&] { return read_.size() == 4; });
}

TEST_P(GroupContract, CommitsByItselfWhenItCloses) {
  send_round("old");
  auto first = member();
  poll_until({first.get()}, [&] { return read_.size() == 4; });
  must(first->close(kPatience));
  must(first->close(kPatience));
  const auto offsets = must(admin_->group_offsets("shop"));
  ASSERT_THAT(offsets, SizeIs(4));
  for (const auto& offset : offsets) EXPECT_EQ(offset.offset, Offset{1}) << offset.partition.to_string();
  EXPECT_EQ(first->poll(0ms).error().code(), ErrorCode::kClosed);
  EXPECT_EQ(first->commit(kPatience).error().code(), ErrorCode::kClosed);
}

TEST_P(GroupContract, WaitsForEverWhereItIsAllowedTo) {
  auto consumer = member();
  poll_until({consumer.get()}, [&] { return consumer->assignment().size() == 4; });
  send_round("a");
  std::size_t read = 0;
  while (read < 4) {
    const auto batches = must(consumer->poll(Duration::max()));
    ASSERT_FALSE(batches.empty());
    for (const auto& batch : batches) read += batch.records().size();
  }
  EXPECT_THAT(must(consumer->committed(std::vector{orders(0)}, Duration::max())), SizeIs(1));
  must(consumer->close(Duration::max()));
  const auto offsets = must(admin_->group_offsets("shop"));
  ASSERT_THAT(offsets, SizeIs(4));
  for (const auto& offset : offsets) EXPECT_EQ(offset.offset, Offset{1}) << offset.partition.to_string();
}

TEST_P(GroupContract, TellsWhatWasCommittedAndWhereNothingWas) {
  auto consumer = member({{"enable.auto.commit", "false"}});
  poll_until({consumer.get()}, [&] { return consumer->assignment().size() == 4; });
  must(consumer->commit(std::vector{PartitionOffset{.partition = orders(2), .offset = Offset{7}, .metadata = "note"}},
                        kPatience));
  const auto found = must(consumer->committed(std::vector{orders(1), orders(2)}, kPatience));
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].offset, kNoOffset);
  EXPECT_EQ(found[1].partition, orders(2));
  EXPECT_EQ(found[1].offset, Offset{7});
  EXPECT_EQ(found[1].metadata, "note");
}

TEST_P(GroupContract, TellsOfAnAsynchronousCommitInALaterPoll) {
  send_round("a");
  auto consumer = member({{"enable.auto.commit", "false"}});
  poll_until({consumer.get()}, [&] { return read_.size() == 4; });
  std::vector<bool> told;
  must(consumer->commit_async([&](const Result<void>& result) { told.push_back(result.has_value()); }));
  EXPECT_THAT(told, IsEmpty());
  poll_until({consumer.get()}, [&] { return !told.empty(); });
  EXPECT_THAT(told, ElementsAre(true));
  EXPECT_THAT(must(admin_->group_offsets("shop")), SizeIs(4));
}

TEST_P(GroupContract, TellsOfAnAsynchronousCommitAlsoWhenItCloses) {
  send_round("a");
  auto consumer = member({{"enable.auto.commit", "false"}});
  poll_until({consumer.get()}, [&] { return read_.size() == 4; });
  std::vector<bool> told;
  must(consumer->commit_async([&](const Result<void>& result) { told.push_back(result.has_value()); }));
  must(consumer->close(kPatience));
  EXPECT_THAT(told, ElementsAre(true));
  EXPECT_THAT(must(admin_->group_offsets("shop")), SizeIs(4));
}

TEST_P(GroupContract, TellsTheListenerInsideOfPollAndLetsItSeek) {
  send_round("a");
  send_round("b");
  std::vector<std::string> told;
  Consumer* consumer = nullptr;
  auto made =
      member({}, {.assigned =
                      [&](auto partitions) {
                        told.push_back("assigned " + std::to_string(partitions.size()));
                        for (const auto& one : partitions) must(consumer->seek(one, Offset{1}));
                      },
                  .revoked = [&](auto partitions) { told.push_back("revoked " + std::to_string(partitions.size())); }});
  consumer = made.get();
  poll_until({consumer}, [&] { return read_.size() == 4; });
  EXPECT_THAT(read_, ::testing::Each(::testing::EndsWith(" b")));
  must(made->close(kPatience));
  EXPECT_THAT(told, ElementsAre("assigned 4", "revoked 4"));
}

TEST_P(GroupContract, KeepsAPausedPartitionQuiet) {
  auto consumer = member();
  poll_until({consumer.get()}, [&] { return consumer->assignment().size() == 4; });
  must(consumer->pause(std::vector{orders(0), orders(1)}));
  send_round("a");
  poll_until({consumer.get()}, [&] { return read_.size() == 2; });
  EXPECT_THAT(read_, ::testing::UnorderedElementsAre("orders-2 a", "orders-3 a"));
  must(consumer->resume(std::vector{orders(0), orders(1)}));
  poll_until({consumer.get()}, [&] { return read_.size() == 4; });
}

TEST_P(GroupContract, BeginsAtTheGroupsOffsetAlsoWhenAssignedByHand) {
  send_round("a");
  send_round("b");
  must(admin_->alter_group_offsets("by-hand",
                                   std::vector{PartitionOffset{.partition = orders(3), .offset = Offset{1}}}));
  auto consumer = must(client_->consumer({{"group.id", "by-hand"}, {"auto.offset.reset", "earliest"}}));
  must(consumer->assign({orders(3)}));
  EXPECT_THAT(poll_records(*consumer, 1), ElementsAre(OwnedRecord{1, "", "b"}));
  must(consumer->commit(kPatience));
  EXPECT_EQ(must(admin_->group_offsets("by-hand")).at(0).offset, Offset{2});
}

TEST_P(GroupContract, RefusesWhatNeedsAGroupWithoutOne) {
  auto consumer = must(client_->consumer());
  EXPECT_EQ(consumer->subscribe({"orders"}).error().code(), ErrorCode::kInvalidGroupId);
  EXPECT_EQ(consumer->commit(kPatience).error().code(), ErrorCode::kInvalidGroupId);
  auto subscribed = member();
  EXPECT_EQ(subscribed->assign({orders(0)}).error().code(), ErrorCode::kInvalidArgument);
  auto assigned = must(client_->consumer({{"group.id", "g"}}));
  must(assigned->assign({orders(0)}));
  EXPECT_EQ(assigned->subscribe({"orders"}).error().code(), ErrorCode::kInvalidArgument);
}

TEST_P(GroupContract, NamesAStrategyThatDoesNotExist) {
  const auto made = client_->consumer({{"group.id", "g"}, {"partition.assignment.strategy", "rang"}});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message(), ::testing::HasSubstr("Did you mean \"range\"?"));
}

TEST_P(GroupContract, SeeksByTime) {
  auto producer = must(client_->producer());
  const Timestamp start{std::chrono::milliseconds{1'700'000'000'000}};
  for (int i = 0; i < 10; ++i) {
    must(producer->send({.topic = "orders",
                         .partition = PartitionIndex{0},
                         .value = std::to_string(i),
                         .timestamp = start + std::chrono::seconds{i}}));
  }
  must(producer->flush(kPatience));
  auto consumer = must(client_->consumer({{"auto.offset.reset", "earliest"}}));
  must(consumer->assign({orders(0)}));
  must(consumer->seek_to_time(orders(0), start + 6500ms));
  EXPECT_EQ(poll_records(*consumer, 3).front().value, "7");
  must(consumer->seek_to_time(orders(0), start + 1h));
  EXPECT_EQ(must(consumer->position(orders(0))), Offset{10});
}

// --- administration ---

TEST_P(GroupContract, DescribesAGroupAndItsMembers) {
  auto consumer = member({{"client.id", "till-3"}});
  poll_until({consumer.get()}, [&] { return consumer->assignment().size() == 4; });
  const auto groups = must(admin_->list_groups());
  const auto shop = std::ranges::find(groups, "shop", &GroupListing::id);
  ASSERT_NE(shop, groups.end());
  EXPECT_EQ(shop->protocol_type, "consumer");
  EXPECT_EQ(shop->state, "Stable");
  const auto group = must(admin_->describe_group("shop"));
  EXPECT_EQ(group.protocol, "range");
  ASSERT_THAT(group.members, SizeIs(1));
  EXPECT_EQ(group.members[0].client_id, "till-3");
  EXPECT_THAT(group.members[0].assignment, ElementsAre(orders(0), orders(1), orders(2), orders(3)));
  EXPECT_EQ(admin_->describe_group("nobody").error().code(), ErrorCode::kGroupIdNotFound);
}

TEST_P(GroupContract, ChangesAndDeletesOnlyAGroupWithoutMembers) {
  auto consumer = member();
  poll_until({consumer.get()}, [&] { return consumer->assignment().size() == 4; });
  const std::vector offsets{PartitionOffset{.partition = orders(1), .offset = Offset{5}}};
  EXPECT_FALSE(admin_->alter_group_offsets("shop", offsets));
  EXPECT_EQ(admin_->delete_group("shop").error().code(), ErrorCode::kNonEmptyGroup);
  must(consumer->close(kPatience));
  must(admin_->alter_group_offsets("shop", offsets));
  const auto found = must(admin_->group_offsets("shop"));
  EXPECT_TRUE(std::ranges::any_of(
      found, [](const auto& one) { return one.partition == orders(1) && one.offset == Offset{5}; }));
  must(admin_->delete_group("shop"));
  EXPECT_EQ(admin_->delete_group("shop").error().code(), ErrorCode::kGroupIdNotFound);
  EXPECT_THAT(must(admin_->group_offsets("shop")), IsEmpty());
}

TEST_P(GroupContract, ForgetsOffsetsOfATopicThatNoMemberReads) {
  must(admin_->alter_group_offsets("shop", std::vector{PartitionOffset{.partition = orders(1), .offset = Offset{5}},
                                                       PartitionOffset{.partition = orders(2), .offset = Offset{6}}}));
  auto consumer = member();
  poll_until({consumer.get()}, [&] { return consumer->assignment().size() == 4; });
  const std::vector asked{orders(1)};
  EXPECT_EQ(admin_->delete_group_offsets("shop", asked).error().code(), ErrorCode::kGroupSubscribedToTopic);
  must(consumer->close(kPatience));

  must(admin_->delete_group_offsets("shop", asked));

  for (const auto& left : must(admin_->group_offsets("shop"))) EXPECT_NE(left.partition, orders(1));
  EXPECT_EQ(admin_->delete_group_offsets("nobody's", asked).error().code(), ErrorCode::kGroupIdNotFound);
}

TEST_P(GroupContract, GivesATopicMorePartitions) {
  must(admin_->create_partitions("orders", 6));
  EXPECT_THAT(must(admin_->describe_topic("orders")).partitions, SizeIs(6));
  EXPECT_EQ(admin_->create_partitions("orders", 6).error().code(), ErrorCode::kInvalidPartitions);
  EXPECT_EQ(admin_->create_partitions("gone", 6).error().code(), ErrorCode::kUnknownTopicOrPartition);
}

INSTANTIATE_TEST_SUITE_P(Logs, GroupContract, ::testing::ValuesIn(log_kinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace millrace::test
