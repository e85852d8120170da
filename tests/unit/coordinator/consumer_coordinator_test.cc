// Groups of the consumer protocol in a broker on a simulated disk: what is answered is on the disk, and comes back.

#include <gmock/gmock.h>

#include <deque>

#include "coordinator/group_coordinator.h"
#include "protocol/consumer_protocol.h"
#include "unit/broker/simulated_broker.h"
#include "unit/coordinator/group_under_test.h"

namespace millrace::test {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const Properties kShort = {{"group.initial.rebalance.delay.ms", "0"},
                           {"offsets.topic.num.partitions", "3"},
                           {"group.consumer.session.timeout.ms", "10000"},
                           {"group.consumer.heartbeat.interval.ms", "1000"}};

class ConsumerCoordinatorTest : public testing::Test {
 protected:
  void SetUp() override {
    broker.create("clicks", 4);
    Caught<Result<void>> done;
    groups().ensure(done.callback());
    broker.executor.run_all();
    must(done.get());
  }

  GroupCoordinator& groups() { return broker.core->groups(); }
  void restart() { broker.reopen(kShort); }

  static ConsumerHeartbeat joining(const std::string& id) {
    ConsumerHeartbeat call;
    call.member.id = id;
    call.client_id = "client";
    call.client_host = "/host";
    call.rebalance_timeout = seconds{60};
    call.topics = {"clicks"};
    call.owned.emplace();
    return call;
  }
  ConsumerHeartbeatAnswer send(const std::string& group, ConsumerHeartbeat call) {
    Caught<ConsumerHeartbeatAnswer> answer;
    groups().consumer_heartbeat(group, std::move(call), answer.callback());
    broker.executor.run_all();
    return answer.get();
  }
  ConsumerHeartbeatAnswer beat(const std::string& group, const std::string& id, std::int32_t epoch) {
    ConsumerHeartbeat call;
    call.member.id = id;
    call.epoch = epoch;
    call.client_id = "client";
    call.client_host = "/host";
    return send(group, std::move(call));
  }
  ErrorCode commit(const std::string& id, std::int32_t epoch, std::int64_t offset) {
    CommitOffsets call;
    call.group = "g";
    call.member.id = id;
    call.generation = epoch;
    auto& one = call.offsets.emplace_back();
    one.topic.name = "clicks";
    one.partition = PartitionIndex{0};
    one.offset = Offset{offset};
    Caught<std::vector<ErrorCode>> answer;
    groups().commit_offsets(std::move(call), answer.callback());
    broker.executor.run_all();
    return answer.get().front();
  }
  Offset committed() {
    const auto all = must(groups().fetch_all_offsets("g"));
    const auto found = all.find({"clicks", PartitionIndex{0}});
    return found == all.end() ? kNoOffset : found->second.offset;
  }
  JoinedGroup join(const std::string& group) {
    Caught<JoinedGroup> answer;
    groups().join(group, GroupUnderTest::call(), answer.callback());
    broker.executor.run_all();
    return answer.get();
  }
  /// A consumer of the classic protocol that has these partitions of "clicks".
  static JoinGroup classic_call(const std::string& id, const std::vector<std::int32_t>& owned) {
    protocol::ConsumerSubscription subscription;
    subscription.topics = {"clicks"};
    if (!owned.empty()) {
      auto& topic = subscription.owned_partitions.emplace_back();
      topic.topic = "clicks";
      for (const auto partition : owned) topic.partitions.push_back(PartitionIndex{partition});
    }
    auto call = GroupUnderTest::call(id);
    call.protocols.front().metadata = protocol::encode_subscription(subscription);
    return call;
  }
  JoinedGroup join_classic(const std::string& id, const std::vector<std::int32_t>& owned = {}) {
    Caught<JoinedGroup> answer;
    groups().join("g", classic_call(id, owned), answer.callback());
    broker.executor.run_all();
    return answer.get();
  }
  /// What the member has of "clicks"; `all` is what a leader gives it.
  std::vector<std::int32_t> sync_classic(const JoinedGroup& joined, const std::vector<std::int32_t>& all = {}) {
    SyncGroup call;
    call.member.id = joined.member_id;
    call.generation = joined.generation;
    protocol::ConsumerAssignment given;
    given.assigned_partitions.push_back({.topic = "clicks", .partitions = {}});
    for (const auto partition : all) given.assigned_partitions[0].partitions.push_back(PartitionIndex{partition});
    call.assignments.emplace_back(joined.member_id, protocol::encode_assignment(given));
    Caught<SyncedGroup> answer;
    groups().sync("g", std::move(call), answer.callback());
    broker.executor.run_all();
    EXPECT_EQ(answer.get().error, ErrorCode::kNone);
    std::vector<std::int32_t> has;
    for (const auto& topic : must(protocol::decode_assignment(answer.get().assignment)).assigned_partitions) {
      for (const auto partition : topic.partitions) has.push_back(partition.value());
    }
    return has;
  }
  std::vector<ErrorCode> forget(const std::string& group) {
    Caught<std::vector<ErrorCode>> answer;
    groups().delete_groups({group}, answer.callback());
    broker.executor.run_all();
    return answer.get();
  }

  SimulatedBroker broker{kShort};
};

TEST_F(ConsumerCoordinatorTest, AnswersWhenWhatChangedIsDurable) {
  Caught<ConsumerHeartbeatAnswer> answer;
  groups().consumer_heartbeat("g", joining("a"), answer.callback());
  EXPECT_FALSE(answer.came());
  broker.executor.run_all();
  EXPECT_EQ(answer.get().epoch, 1);
  EXPECT_EQ(answer.get().assignment->begin()->second.size(), 4U);
}

TEST_F(ConsumerCoordinatorTest, GoesOnAfterARestart) {
  send("g", joining("a"));
  EXPECT_EQ(commit("a", 1, 7), ErrorCode::kNone);
  restart();
  EXPECT_EQ(beat("g", "a", 1).error, ErrorCode::kNone);
  EXPECT_EQ(committed(), Offset{7});
  EXPECT_EQ(must(groups().describe_consumer_group("g")).state, GroupState::kStable);
  EXPECT_EQ(commit("a", 1, 8), ErrorCode::kNone);
}

TEST_F(ConsumerCoordinatorTest, LosesAMemberThatIsSilentAlsoAfterARestart) {
  send("g", joining("a"));
  restart();
  broker.executor.advance(seconds{9});
  EXPECT_THAT(must(groups().describe_consumer_group("g")).members, SizeIs(1));
  broker.executor.advance(seconds{2});
  EXPECT_THAT(must(groups().describe_consumer_group("g")).members, IsEmpty());
  restart();
  EXPECT_EQ(must(groups().describe_consumer_group("g")).state, GroupState::kEmpty);
}

TEST_F(ConsumerCoordinatorTest, KeepsToTheSettingsOfTheGroupFromTheNextHeartbeatOn) {
  send("g", joining("a"));
  Caught<Result<void>> altered;
  broker.core->alter_configs({ResourceType::kGroup, "g"},
                             {{.name = "consumer.session.timeout.ms", .value = "50000"},
                              {.name = "consumer.heartbeat.interval.ms", .value = "6000"}},
                             AlterMode::kIncremental, ValidateOnly::kNo, altered.callback());
  broker.executor.run_all();
  must(altered.get());
  EXPECT_EQ(beat("g", "a", 1).heartbeat_interval, milliseconds{6000});
  EXPECT_EQ(send("h", joining("a")).heartbeat_interval, milliseconds{1000});
  restart();
  broker.executor.advance(seconds{49});
  EXPECT_THAT(must(groups().describe_consumer_group("g")).members, SizeIs(1));
  EXPECT_THAT(must(groups().describe_consumer_group("h")).members, IsEmpty());
  broker.executor.advance(seconds{2});
  EXPECT_THAT(must(groups().describe_consumer_group("g")).members, IsEmpty());
}

TEST_F(ConsumerCoordinatorTest, RefusesCommitsOfStrangersAndOfThePast) {
  send("g", joining("a"));
  EXPECT_EQ(commit("b", 1, 7), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(commit("a", 2, 7), ErrorCode::kStaleMemberEpoch);
  EXPECT_EQ(commit("", -1, 7), ErrorCode::kUnknownMemberId);
  beat("g", "a", kLeavesGroup);
  EXPECT_EQ(commit("", -1, 7), ErrorCode::kNone);
  EXPECT_EQ(committed(), Offset{7});
}

TEST_F(ConsumerCoordinatorTest, ShowsWhichProtocolAGroupSpeaks) {
  send("g", joining("a"));
  join("old");
  const auto listed = must(groups().list());
  ASSERT_THAT(listed, SizeIs(2));
  EXPECT_EQ(listed[0].type, GroupType::kConsumer);
  EXPECT_EQ(listed[0].state, GroupState::kStable);
  EXPECT_EQ(listed[1].type, GroupType::kClassic);
  EXPECT_EQ(must(groups().describe("g")).state, GroupState::kDead);
  EXPECT_EQ(groups().describe_consumer_group("old").error().code(), ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(groups().describe_consumer_group("none").error().code(), ErrorCode::kGroupIdNotFound);
}

TEST_F(ConsumerCoordinatorTest, TakesOnTheOtherProtocolWithoutMembers) {
  send("g", joining("a"));
  EXPECT_EQ(join("g").error, ErrorCode::kInconsistentGroupProtocol) << "its subscription is none";
  beat("g", "a", kLeavesGroup);
  EXPECT_EQ(commit("", -1, 7), ErrorCode::kNone);
  const auto joined = join("g");
  EXPECT_EQ(joined.error, ErrorCode::kNone);
  EXPECT_EQ(send("g", joining("a")).error, ErrorCode::kGroupIdNotFound) << "its members' subscriptions are none";
  EXPECT_EQ(must(groups().list()).front().type, GroupType::kClassic);
  Caught<Result<std::vector<LeftGroup>>> left;
  groups().leave("g", {{.id = joined.member_id}}, left.callback());
  broker.executor.run_all();
  // A member that asks for what it cannot have changes nothing.
  auto wrong = joining("a");
  wrong.assignor = "mine";
  EXPECT_EQ(send("g", wrong).error, ErrorCode::kUnsupportedAssignor);
  EXPECT_EQ(must(groups().list()).front().type, GroupType::kClassic);
  EXPECT_EQ(send("g", joining("a")).error, ErrorCode::kNone);
  restart();
  EXPECT_EQ(must(groups().list()).front().type, GroupType::kConsumer);
  EXPECT_EQ(committed(), Offset{7});
  EXPECT_EQ(beat("g", "a", 1).error, ErrorCode::kNone);
}

TEST_F(ConsumerCoordinatorTest, IsMovedToTheConsumerProtocolAndBackWhileItsMembersGoOn) {
  const auto first = join_classic("");
  const auto id = first.member_id;
  EXPECT_THAT(sync_classic(first, {0, 1, 2, 3}), ElementsAre(0, 1, 2, 3));

  // The first member of the new protocol: the old one learns by its heartbeat that it should join again, gives back
  // half, and says so by one more join.
  const auto came = send("g", joining("new"));
  EXPECT_EQ(came.error, ErrorCode::kNone);
  EXPECT_EQ(came.epoch, 2);
  EXPECT_THAT(came.assignment.value(), IsEmpty());
  EXPECT_EQ(must(groups().list()).front().type, GroupType::kConsumer);
  EXPECT_EQ(groups().heartbeat("g", {.id = id}, 1), ErrorCode::kRebalanceInProgress);
  auto joined = join_classic(id, {0, 1, 2, 3});
  EXPECT_EQ(joined.generation, 1);
  const auto kept = sync_classic(joined);
  EXPECT_THAT(kept, SizeIs(2));
  EXPECT_EQ(beat("g", "new", 2).assignment, std::nullopt);
  restart();
  EXPECT_EQ(groups().heartbeat("g", {.id = id}, 1), ErrorCode::kRebalanceInProgress);
  joined = join_classic(id, kept);
  EXPECT_EQ(joined.generation, 2);
  EXPECT_EQ(sync_classic(joined), kept);
  EXPECT_EQ(beat("g", "new", 2).assignment.value().begin()->second.size(), 2U);
  EXPECT_EQ(groups().heartbeat("g", {.id = id}, 2), ErrorCode::kNone);
  EXPECT_EQ(commit(id, 2, 7), ErrorCode::kNone);
  EXPECT_EQ(commit(id, 1, 7), ErrorCode::kIllegalGeneration);

  // The last of the new protocol leaves: the group is a classic one, in which a member divides the work.
  beat("g", "new", kLeavesGroup);
  EXPECT_EQ(must(groups().list()).front().type, GroupType::kClassic);
  EXPECT_EQ(groups().heartbeat("g", {.id = id}, 3), ErrorCode::kRebalanceInProgress);
  restart();
  EXPECT_EQ(must(groups().list()).front().type, GroupType::kClassic);
  joined = join_classic(id, kept);
  EXPECT_EQ(joined.error, ErrorCode::kNone);
  EXPECT_EQ(joined.leader, id);
  EXPECT_THAT(sync_classic(joined, {0, 1, 2, 3}), SizeIs(4));
  EXPECT_EQ(committed(), Offset{7});
}

TEST_F(ConsumerCoordinatorTest, LetsMembersOfTheClassicProtocolInAndLosesThemWhenTheyAreSilent) {
  send("g", joining("new"));
  auto call = classic_call("", {});
  call.id_first = true;
  Caught<JoinedGroup> told;
  groups().join("g", call, told.callback());
  EXPECT_EQ(told.get().error, ErrorCode::kMemberIdRequired);
  const auto joined = join_classic(told.get().member_id);
  EXPECT_EQ(joined.error, ErrorCode::kNone);
  EXPECT_EQ(joined.generation, 2);
  EXPECT_THAT(sync_classic(joined), IsEmpty());
  EXPECT_THAT(must(groups().describe_consumer_group("g")).members, SizeIs(2));
  // Its session is the ten seconds that it asked for, as is that of the other here; that one is heard of.
  broker.executor.advance(seconds{6});
  ConsumerHeartbeat alive;
  alive.member.id = "new";
  alive.epoch = 1;
  send("g", alive);
  broker.executor.advance(seconds{6});
  EXPECT_THAT(must(groups().describe_consumer_group("g")).members, SizeIs(1));
  EXPECT_EQ(groups().heartbeat("g", {.id = joined.member_id}, 2), ErrorCode::kUnknownMemberId);
}

TEST_F(ConsumerCoordinatorTest, LetsAMemberOfTheClassicProtocolLeave) {
  send("g", joining("new"));
  const auto joined = join_classic("");
  Caught<Result<std::vector<LeftGroup>>> left;
  groups().leave("g", {{.id = joined.member_id}, {.id = "nobody"}}, left.callback());
  broker.executor.run_all();
  EXPECT_EQ(must(left.get())[0].error, ErrorCode::kNone);
  EXPECT_EQ(must(left.get())[1].error, ErrorCode::kUnknownMemberId);
  restart();
  EXPECT_THAT(must(groups().describe_consumer_group("g")).members, SizeIs(1));
}

TEST(ConsumerCoordinatorWithoutMigration, RefusesMembersOfTheOtherProtocol) {
  auto config = kShort;
  config["group.consumer.migration.policy"] = "disabled";
  SimulatedBroker broker{config};
  broker.create("clicks", 4);
  auto& groups = broker.core->groups();
  Caught<Result<void>> done;
  groups.ensure(done.callback());
  broker.executor.run_all();
  auto call = GroupUnderTest::call();
  protocol::ConsumerSubscription subscription;
  subscription.topics = {"clicks"};
  call.protocols.front().metadata = protocol::encode_subscription(subscription);
  Caught<JoinedGroup> joined;
  groups.join("g", call, joined.callback());
  broker.executor.run_all();
  ConsumerHeartbeat coming;
  coming.member.id = "new";
  coming.rebalance_timeout = seconds{60};
  coming.topics = {"clicks"};
  coming.owned.emplace();
  Caught<ConsumerHeartbeatAnswer> answer;
  groups.consumer_heartbeat("g", coming, answer.callback());
  EXPECT_EQ(answer.get().error, ErrorCode::kGroupIdNotFound);
}

TEST_F(ConsumerCoordinatorTest, DeletesAGroupWithoutMembersForGood) {
  send("g", joining("a"));
  EXPECT_EQ(commit("a", 1, 7), ErrorCode::kNone);
  EXPECT_THAT(forget("g"), ElementsAre(ErrorCode::kNonEmptyGroup));
  beat("g", "a", kLeavesGroup);
  EXPECT_THAT(forget("g"), ElementsAre(ErrorCode::kNone));
  restart();
  EXPECT_THAT(must(groups().list()), IsEmpty());
  EXPECT_EQ(committed(), kNoOffset);
}

TEST_F(ConsumerCoordinatorTest, KeepsOffsetsOfTopicsThatAreRead) {
  send("g", joining("a"));
  EXPECT_EQ(commit("a", 1, 7), ErrorCode::kNone);
  Caught<Result<std::vector<ErrorCode>>> answer;
  groups().delete_offsets("g", {{"clicks", PartitionIndex{0}}}, answer.callback());
  broker.executor.run_all();
  EXPECT_THAT(must(answer.get()), ElementsAre(ErrorCode::kGroupSubscribedToTopic));
  EXPECT_EQ(committed(), Offset{7});
}

TEST_F(ConsumerCoordinatorTest, GoesOnFromWhatItKnewWhenTheDiskWasFull) {
  send("g", joining("a"));
  broker.disk.set_capacity(0);
  EXPECT_EQ(send("g", joining("b")).error, ErrorCode::kCoordinatorNotAvailable);
  broker.disk.set_capacity(UINT64_MAX);
  EXPECT_EQ(send("g", joining("b")).error, ErrorCode::kNone);
  restart();
  EXPECT_THAT(must(groups().describe_consumer_group("g")).members, SizeIs(2));
  EXPECT_EQ(beat("g", "b", 2).error, ErrorCode::kNone);
}

TEST_F(ConsumerCoordinatorTest, WritesDownThatAMemberLeftOnceTheDiskHasRoomAgain) {
  send("g", joining("a"));
  broker.disk.set_capacity(0);
  Caught<Result<std::vector<LeftGroup>>> answer;
  groups().leave("g", {{.id = "a", .instance = std::nullopt}}, answer.callback());
  broker.executor.run_all();
  ASSERT_FALSE(answer.get());
  EXPECT_EQ(answer.get().error().code(), ErrorCode::kCoordinatorNotAvailable);
  broker.disk.set_capacity(UINT64_MAX);
  broker.executor.advance(seconds{2});
  restart();
  EXPECT_THAT(must(groups().describe_consumer_group("g")).members, IsEmpty());
}

TEST_F(ConsumerCoordinatorTest, WritesDownThatAMemberWasLostOnceTheDiskHasRoomAgain) {
  send("g", joining("a"));
  broker.disk.set_capacity(0);
  broker.executor.advance(seconds{11});
  EXPECT_THAT(must(groups().describe_consumer_group("g")).members, IsEmpty());
  broker.disk.set_capacity(UINT64_MAX);
  broker.executor.advance(seconds{2});
  restart();
  EXPECT_THAT(must(groups().describe_consumer_group("g")).members, IsEmpty());
}

TEST_F(ConsumerCoordinatorTest, IsWhatItBecameAlsoWhenTheEndOfWhatItWasCouldNotBeWritten) {
  send("g", joining("a"));
  beat("g", "a", kLeavesGroup);
  broker.disk.set_capacity(0);
  const auto joined = join_classic("");
  EXPECT_EQ(joined.error, ErrorCode::kNone);
  broker.disk.set_capacity(UINT64_MAX);
  sync_classic(joined, {0, 1, 2, 3});
  restart();
  EXPECT_THAT(must(groups().describe("g")).members, SizeIs(1));
  EXPECT_EQ(groups().heartbeat("g", {.id = joined.member_id}, joined.generation), ErrorCode::kNone);
}

TEST_F(ConsumerCoordinatorTest, LetsAnAdministratorEndAMembership) {
  auto call = joining("a");
  call.member.instance = "one";
  send("g", call);
  send("g", joining("b"));
  Caught<Result<std::vector<LeftGroup>>> answer;
  groups().leave("g", {{.id = "", .instance = "one"}, {.id = "b", .instance = std::nullopt}}, answer.callback());
  broker.executor.run_all();
  EXPECT_THAT(must(answer.get()), Each(testing::Field(&LeftGroup::error, ErrorCode::kNone)));
  restart();
  EXPECT_THAT(must(groups().describe_consumer_group("g")).members, IsEmpty());
}

TEST_F(ConsumerCoordinatorTest, AnswersManyWhoWaitForTheSameWrite) {
  std::deque<Caught<ConsumerHeartbeatAnswer>> answers;
  groups().consumer_heartbeat("g", joining("a"), answers.emplace_back().callback());
  // More than would fit on the stack if each answered the one before.
  for (int i = 0; i < 100'000; ++i) {
    auto again = joining("a");
    groups().consumer_heartbeat("g", std::move(again), answers.emplace_back().callback());
  }
  EXPECT_FALSE(answers.back().came());
  broker.executor.run_all();
  EXPECT_TRUE(std::ranges::all_of(answers, [](auto& answer) { return answer.get().epoch == 1; }));
}

TEST_F(ConsumerCoordinatorTest, HoldsEveryAnsweredEpochAfterAPowerCutAtAnyMoment) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    SimulatedBroker cut{kShort, seed};
    Random random{seed};
    cut.create("clicks", 4);
    Caught<Result<void>> ready;
    cut.core->groups().ensure(ready.callback());
    cut.executor.run_all();
    cut.disk.fail_power_after(1 + random.below(40));
    std::map<std::string, std::pair<std::int32_t, TopicPartitions>> known;
    for (int step = 0; cut.disk.power_is_on() && step < 200; ++step) {
      const std::string id(1, static_cast<char>('a' + random.below(3)));
      ConsumerHeartbeat call = joining(id);
      const auto before = known.find(id);
      if (before != known.end()) {
        call.epoch = before->second.first;
        call.owned = before->second.second;
      }
      Caught<ConsumerHeartbeatAnswer> answer;
      cut.core->groups().consumer_heartbeat("g", std::move(call), answer.callback());
      cut.executor.run_all();
      if (!answer.came() || answer.get().error != ErrorCode::kNone) continue;
      known[id] = {answer.get().epoch, answer.get().assignment.value_or(TopicPartitions{})};
    }
    cut.core.reset();
    cut.executor.run_all();
    cut.disk.restore_power();
    cut.open(kShort);
    if (known.empty()) continue;
    const auto view = must(cut.core->groups().describe_consumer_group("g"));
    for (const auto& [id, told] : known) {
      const auto member = std::ranges::find(view.members, id, &ConsumerMemberView::id);
      ASSERT_NE(member, view.members.end()) << id;
      EXPECT_GE(member->epoch, told.first) << id;
    }
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace millrace::test
