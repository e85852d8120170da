// The coordinator in a broker on a simulated disk: what is answered is on the disk, and comes back.

#include "coordinator/group_coordinator.h"

#include <gmock/gmock.h>

#include <map>

#include "unit/broker/simulated_broker.h"
#include "unit/coordinator/group_under_test.h"

namespace millrace::test {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::SizeIs;

const Properties kQuick = {{"group.initial.rebalance.delay.ms", "0"}, {"offsets.topic.num.partitions", "3"}};

class GroupCoordinatorTest : public testing::Test {
 protected:
  void SetUp() override {
    broker.create("clicks", 4);
    ensure();
  }

  GroupCoordinator& groups() { return broker.core->groups(); }
  void ensure() {
    Caught<Result<void>> done;
    groups().ensure(done.callback());
    broker.executor.run_all();
    must(done.get());
  }

  Caught<JoinedGroup> join(const std::string& group, JoinGroup call) {
    Caught<JoinedGroup> answer;
    groups().join(group, std::move(call), answer.callback());
    return answer;
  }
  /// A stable group of one member; gives its id.
  std::string make_stable(const std::string& group) {
    auto joined = join(group, GroupUnderTest::call());
    broker.executor.run_all();
    const auto id = joined.get().member_id;
    SyncGroup call;
    call.member.id = id;
    call.generation = joined.get().generation;
    call.assignments.emplace_back(id, bytes("work"));
    Caught<SyncedGroup> synced;
    groups().sync(group, std::move(call), synced.callback());
    broker.executor.run_all();
    EXPECT_EQ(synced.get().error, ErrorCode::kNone);
    EXPECT_EQ(synced.get().assignment, bytes("work"));
    return id;
  }
  static CommitOffsets commit_call(const std::string& group, std::int64_t offset, std::int32_t partition = 0,
                                   const std::string& topic = "clicks") {
    CommitOffsets call;
    call.group = group;
    call.offsets.push_back({.topic = {.name = topic},
                            .partition = PartitionIndex{partition},
                            .offset = Offset{offset},
                            .leader_epoch = LeaderEpoch{3},
                            .metadata = "note"});
    return call;
  }
  Caught<std::vector<ErrorCode>> begin_commit(CommitOffsets call) {
    Caught<std::vector<ErrorCode>> answer;
    groups().commit_offsets(std::move(call), answer.callback());
    return answer;
  }
  ErrorCode commit(CommitOffsets call) {
    auto answer = begin_commit(std::move(call));
    broker.executor.run_all();
    return answer.get().front();
  }
  CommittedOffset fetch(const std::string& group, std::int32_t partition = 0) {
    const PartitionRef wanted{.topic = {.name = "clicks"}, .partition = PartitionIndex{partition}};
    return must(groups().fetch_offsets(group, std::span{&wanted, 1})).front().offset;
  }
  ErrorCode forget(const std::string& group) {
    Caught<std::vector<ErrorCode>> answer;
    groups().delete_groups({group}, answer.callback());
    broker.executor.run_all();
    return answer.get().front();
  }
  GroupState state(const std::string& group) { return must(groups().describe(group)).state; }
  void restart() { broker.reopen(kQuick); }

  SimulatedBroker broker{kQuick};
};

TEST_F(GroupCoordinatorTest, AnswersACommitWhenItIsDurableAndShowsItOnlyThen) {
  auto answer = begin_commit(commit_call("g", 42));
  EXPECT_FALSE(answer.came());
  EXPECT_EQ(fetch("g").offset, kNoOffset);
  broker.executor.run_all();
  EXPECT_THAT(answer.get(), ElementsAre(ErrorCode::kNone));
  const auto stored = fetch("g");
  EXPECT_EQ(stored.offset, Offset{42});
  EXPECT_EQ(stored.leader_epoch, LeaderEpoch{3});
  EXPECT_EQ(stored.metadata, "note");
}

TEST_F(GroupCoordinatorTest, KeepsTheLastOfSeveralCommitsOnTheirWay) {
  std::vector<Caught<std::vector<ErrorCode>>> answers;
  for (int i = 1; i <= 20; ++i) answers.push_back(begin_commit(commit_call("g", i)));
  broker.executor.run_all();
  for (auto& answer : answers) EXPECT_THAT(answer.get(), Each(ErrorCode::kNone));
  EXPECT_EQ(fetch("g").offset, Offset{20});
  restart();
  EXPECT_EQ(fetch("g").offset, Offset{20});
}

TEST_F(GroupCoordinatorTest, RefusesOffsetsOfTopicsThatThereAreNotAndTooMuchMetadata) {
  auto call = commit_call("g", 1, 0, "nothing");
  call.offsets.push_back(commit_call("g", 2).offsets[0]);
  call.offsets.push_back(commit_call("g", 3, 1).offsets[0]);
  call.offsets[2].metadata.assign(4097, 'x');
  auto answer = begin_commit(std::move(call));
  broker.executor.run_all();
  EXPECT_THAT(answer.get(),
              ElementsAre(ErrorCode::kUnknownTopicOrPartition, ErrorCode::kNone, ErrorCode::kOffsetMetadataTooLarge));
  EXPECT_EQ(fetch("g", 0).offset, Offset{2});
  EXPECT_EQ(fetch("g", 1).offset, kNoOffset);
}

TEST_F(GroupCoordinatorTest, RestoresGroupsAndOffsetsAfterARestart) {
  const auto id = make_stable("g");
  auto call = commit_call("g", 7);
  call.member.id = id;
  call.generation = 1;
  EXPECT_EQ(commit(call), ErrorCode::kNone);
  restart();
  EXPECT_EQ(fetch("g").offset, Offset{7});
  EXPECT_EQ(state("g"), GroupState::kStable);
  EXPECT_EQ(groups().heartbeat("g", {.id = id}, 1), ErrorCode::kNone);
  // And it is watched again.
  broker.executor.advance(seconds{11});
  EXPECT_EQ(state("g"), GroupState::kEmpty);
}

TEST_F(GroupCoordinatorTest, RestoresGroupsAndOffsetsAfterAPowerCut) {
  const auto id = make_stable("g");
  EXPECT_EQ(commit(commit_call("alone", 5)), ErrorCode::kNone);
  auto lost = begin_commit(commit_call("alone", 6));
  broker.disk.fail_power();
  broker.core.reset();
  broker.executor.run_all();
  broker.disk.restore_power();
  broker.open(kQuick);
  EXPECT_EQ(state("g"), GroupState::kStable);
  EXPECT_GE(fetch("alone").offset, Offset{5});
}

TEST_F(GroupCoordinatorTest, SaysThatItIsLoadingWhileItReads) {
  EXPECT_EQ(commit(commit_call("g", 1)), ErrorCode::kNone);
  broker.core.reset();
  const BrokerEnvironment environment{.executor = broker.executor,
                                      .clock = broker.clock,
                                      .files = broker.disk,
                                      .logger = broker.logger,
                                      .seed = 7,
                                      .flush_threads = 0};
  broker.core = must(BrokerCore::open(environment, "/data", must(BrokerConfig::parse(kQuick))));
  EXPECT_EQ(groups().fetch_all_offsets("g").error().code(), ErrorCode::kCoordinatorLoadInProgress);
  EXPECT_EQ(groups().heartbeat("g", {.id = "x"}, 1), ErrorCode::kCoordinatorLoadInProgress);
  EXPECT_EQ(join("g", GroupUnderTest::call()).get().error, ErrorCode::kCoordinatorLoadInProgress);
  auto refused = begin_commit(commit_call("g", 2));
  EXPECT_THAT(refused.get(), ElementsAre(ErrorCode::kCoordinatorLoadInProgress));
  broker.executor.run_all();
  EXPECT_EQ(fetch("g").offset, Offset{1});
}

TEST_F(GroupCoordinatorTest, DropsAMemberThatIsNotHeardOf) {
  make_stable("g");
  broker.executor.advance(seconds{11});
  EXPECT_EQ(state("g"), GroupState::kEmpty);
}

TEST_F(GroupCoordinatorTest, ForgetsAGroupWithItsOffsetsButNotWhileItHasMembers) {
  const auto id = make_stable("g");
  auto call = commit_call("g", 7);
  call.member.id = id;
  call.generation = 1;
  EXPECT_EQ(commit(call), ErrorCode::kNone);
  EXPECT_EQ(forget("g"), ErrorCode::kNonEmptyGroup);
  EXPECT_EQ(forget("other"), ErrorCode::kGroupIdNotFound);
  broker.executor.advance(seconds{11});
  // A commit that is on its way goes too.
  auto late = begin_commit(commit_call("g", 8, 1));
  EXPECT_EQ(forget("g"), ErrorCode::kNone);
  EXPECT_THAT(late.get(), ElementsAre(ErrorCode::kNone));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(state("g"), GroupState::kDead);
    EXPECT_EQ(fetch("g", 0).offset, kNoOffset);
    EXPECT_EQ(fetch("g", 1).offset, kNoOffset);
    EXPECT_THAT(must(groups().list()), SizeIs(0));
    restart();
  }
}

TEST_F(GroupCoordinatorTest, ForgetsOffsetsThatNobodyReads) {
  EXPECT_EQ(commit(commit_call("g", 1, 0)), ErrorCode::kNone);
  EXPECT_EQ(commit(commit_call("g", 1, 1)), ErrorCode::kNone);
  Caught<Result<std::vector<ErrorCode>>> answer;
  groups().delete_offsets("g", {{"clicks", PartitionIndex{1}}, {"clicks", PartitionIndex{2}}}, answer.callback());
  broker.executor.run_all();
  EXPECT_THAT(must(answer.get()), ElementsAre(ErrorCode::kNone, ErrorCode::kNone));
  EXPECT_EQ(fetch("g", 0).offset, Offset{1});
  EXPECT_EQ(fetch("g", 1).offset, kNoOffset);
}

TEST_F(GroupCoordinatorTest, DoesNotForgetOffsetsThatMembersRead) {
  auto call = GroupUnderTest::call("", std::string{"\0\1\0\0\0\1\0\6clicks", 14});
  auto joined = join("g", call);
  ASSERT_TRUE(joined.came());
  Caught<Result<std::vector<ErrorCode>>> answer;
  groups().delete_offsets("g", {{"clicks", PartitionIndex{0}}, {"other", PartitionIndex{0}}}, answer.callback());
  EXPECT_THAT(must(answer.get()), ElementsAre(ErrorCode::kGroupSubscribedToTopic, ErrorCode::kNone));
}

TEST_F(GroupCoordinatorTest, ForgetsTheOffsetsOfATopicThatIsDeleted) {
  EXPECT_EQ(commit(commit_call("g", 1)), ErrorCode::kNone);
  Caught<std::vector<Result<DeletedTopic>>> deleted;
  broker.core->delete_topics({{.name = "clicks"}}, deleted.callback());
  broker.executor.run_all();
  EXPECT_TRUE(must(groups().fetch_all_offsets("g")).empty());
  restart();
  EXPECT_TRUE(must(groups().fetch_all_offsets("g")).empty());
}

TEST_F(GroupCoordinatorTest, ForgetsOffsetsThatNobodyHasNeededForTheRetention) {
  const auto id = make_stable("read");
  auto call = commit_call("read", 7);
  call.member.id = id;
  call.generation = 1;
  EXPECT_EQ(commit(call), ErrorCode::kNone);
  EXPECT_EQ(commit(commit_call("alone", 5)), ErrorCode::kNone);
  broker.executor.advance(seconds{11});
  broker.executor.advance(std::chrono::hours{24 * 6});
  EXPECT_EQ(fetch("alone").offset, Offset{5});
  EXPECT_EQ(commit(commit_call("alone", 6)), ErrorCode::kNone);
  // The reader's session ended soon after its commit; a day later its offsets are a week old.
  broker.executor.advance(std::chrono::hours{25});
  EXPECT_EQ(fetch("read").offset, kNoOffset);
  EXPECT_EQ(state("read"), GroupState::kDead);
  EXPECT_EQ(fetch("alone").offset, Offset{6});
  restart();
  EXPECT_EQ(fetch("read").offset, kNoOffset);
  EXPECT_EQ(state("read"), GroupState::kDead);
}

TEST_F(GroupCoordinatorTest, KeepsAnOffsetAsLongAsItsClientSays) {
  auto call = commit_call("g", 5);
  call.retention = std::chrono::hours{1};
  EXPECT_EQ(commit(call), ErrorCode::kNone);
  restart();
  broker.executor.advance(std::chrono::minutes{50});
  EXPECT_EQ(fetch("g").offset, Offset{5});
  broker.executor.advance(std::chrono::minutes{21});
  EXPECT_EQ(fetch("g").offset, kNoOffset);
}

TEST_F(GroupCoordinatorTest, AnswersWhatWaitsWhenTheBrokerCloses) {
  make_stable("g");
  auto waits = join("g", GroupUnderTest::call());
  EXPECT_FALSE(waits.came());
  auto committing = begin_commit(commit_call("other", 1));
  must(broker.core->close(seconds{1}));
  EXPECT_EQ(waits.get().error, ErrorCode::kCoordinatorNotAvailable);
  EXPECT_TRUE(committing.came());
  EXPECT_EQ(join("g", GroupUnderTest::call()).get().error, ErrorCode::kCoordinatorNotAvailable);
}

TEST_F(GroupCoordinatorTest, AnswersEverybodyWhenTheDiskIsFullAndKeepsWhatItHad) {
  EXPECT_EQ(commit(commit_call("g", 1)), ErrorCode::kNone);
  // The first write is on its way when the second finds the disk full.
  auto first = begin_commit(commit_call("g", 2));
  broker.disk.set_capacity(0);
  auto second = begin_commit(commit_call("g", 3));
  auto joined = join("g", GroupUnderTest::call());
  ASSERT_TRUE(joined.came());
  broker.executor.run_all();
  EXPECT_THAT(first.get(), ElementsAre(ErrorCode::kNone));
  EXPECT_THAT(second.get(), ElementsAre(ErrorCode::kCoordinatorNotAvailable));
  EXPECT_EQ(fetch("g").offset, Offset{2});
  broker.disk.set_capacity(UINT64_MAX);
  restart();
  EXPECT_EQ(fetch("g").offset, Offset{2});
  EXPECT_EQ(commit(commit_call("g", 4)), ErrorCode::kNone);
  EXPECT_EQ(fetch("g").offset, Offset{4});
}

TEST_F(GroupCoordinatorTest, HoldsEveryAnsweredCommitAfterAPowerCutAtAnyMoment) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    SimulatedBroker cut{kQuick, seed};
    Random random{seed};
    cut.create("clicks", 4);
    Caught<Result<void>> ready;
    cut.core->groups().ensure(ready.callback());
    cut.executor.run_all();
    cut.disk.fail_power_after(1 + random.below(60));
    std::map<std::string, std::int64_t> answered;
    std::vector<std::pair<std::string, std::pair<std::int64_t, Caught<std::vector<ErrorCode>>>>> waiting;
    for (std::int64_t offset = 0; cut.disk.power_is_on() && offset < 500; ++offset) {
      const auto group = "g" + std::to_string(random.below(5));
      Caught<std::vector<ErrorCode>> answer;
      cut.core->groups().commit_offsets(commit_call(group, offset), answer.callback());
      waiting.emplace_back(group, std::pair{offset, answer});
      for (auto turns = random.below(4); turns > 0; --turns) cut.executor.run_one();
    }
    for (auto& [group, commit] : waiting) {
      if (commit.second.came() && commit.second.get().front() == ErrorCode::kNone) answered[group] = commit.first;
    }
    cut.core.reset();
    cut.executor.run_all();
    cut.disk.restore_power();
    cut.open(kQuick);
    for (const auto& [group, offset] : answered) {
      const PartitionRef wanted{.topic = {.name = "clicks"}, .partition = PartitionIndex{0}};
      const auto found = must(cut.core->groups().fetch_offsets(group, std::span{&wanted, 1})).front().offset.offset;
      EXPECT_GE(found, Offset{offset}) << group;
    }
    if (HasFailure()) return;
  }
}

TEST_F(GroupCoordinatorTest, GivesEachGroupThePartitionThatKafkaDoes) {
  // Java's "".hashCode() and so on, by hand: 'a' is 97, "ab" is 97 * 31 + 98.
  EXPECT_EQ(partition_of_group("", 50), PartitionIndex{0});
  EXPECT_EQ(partition_of_group("a", 50), PartitionIndex{97 % 50});
  EXPECT_EQ(partition_of_group("ab", 50), PartitionIndex{3105 % 50});
  // "polygenelubricants" is the known string whose hash has no positive counterpart.
  EXPECT_EQ(partition_of_group("polygenelubricants", 50), PartitionIndex{0});
  // One UTF-16 unit of é is 233; U+1F600 is 0xd83d 0xde00.
  EXPECT_EQ(partition_of_group("\u00e9", 50), PartitionIndex{233 % 50});
  EXPECT_EQ(partition_of_group("\U0001F600", 1000), PartitionIndex{(0xd83d * 31 + 0xde00) % 1000});
}

TEST(GroupCoordinatorWithoutATopic, SendsClientsToFindItFirst) {
  SimulatedBroker broker;
  auto& groups = broker.core->groups();
  EXPECT_EQ(groups.heartbeat("g", {.id = "x"}, 1), ErrorCode::kNotCoordinator);
  EXPECT_EQ(groups.heartbeat("", {.id = "x"}, 1), ErrorCode::kInvalidGroupId);
  EXPECT_EQ(groups.describe("g").error().code(), ErrorCode::kNotCoordinator);
  EXPECT_TRUE(must(groups.list()).empty());
  EXPECT_EQ(broker.core->metadata()->topic("__consumer_offsets"), nullptr);
}

TEST(GroupCoordinatorWithoutATopic, MakesItOnceForAllThatAsk) {
  SimulatedBroker broker;
  Caught<Result<void>> first;
  Caught<Result<void>> second;
  broker.core->groups().ensure(first.callback());
  broker.core->groups().ensure(second.callback());
  broker.executor.run_all();
  must(first.get());
  must(second.get());
  const auto topic = broker.core->metadata()->topic("__consumer_offsets");
  ASSERT_NE(topic, nullptr);
  EXPECT_EQ(topic->partitions.size(), 50U);
  EXPECT_EQ(topic->configs.at("cleanup.policy"), "compact");
  EXPECT_EQ(topic->configs.at("segment.bytes"), "104857600");
  EXPECT_TRUE(topic->internal);
}

}  // namespace
}  // namespace millrace::test
