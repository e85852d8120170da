#include "coordinator/classic_group.h"

#include <gmock/gmock.h>

#include "unit/coordinator/group_under_test.h"

namespace millrace::test {
namespace {

using testing::ElementsAre;
using testing::SizeIs;
using testing::StartsWith;
using testing::UnorderedElementsAre;

TEST(ClassicGroup, OfOneMemberGoesFromEmptyToStable) {
  GroupUnderTest under;
  EXPECT_EQ(under.group.state(), GroupState::kEmpty);
  const auto joining = under.join(GroupUnderTest::call("", "wants"));
  const auto joined = under.joined(joining);
  EXPECT_EQ(joined.error, ErrorCode::kNone);
  EXPECT_EQ(joined.generation, 1);
  EXPECT_EQ(joined.protocol_type, "consumer");
  EXPECT_EQ(joined.protocol, "range");
  EXPECT_THAT(joined.member_id, StartsWith("client-"));
  EXPECT_EQ(joined.leader, joined.member_id);
  ASSERT_THAT(joined.members, SizeIs(1));
  EXPECT_EQ(joined.members[0].metadata, bytes("wants"));
  EXPECT_EQ(under.group.state(), GroupState::kCompletingRebalance);

  const auto syncing = under.sync(joined.member_id, 1, {{joined.member_id, bytes("work")}});
  EXPECT_FALSE(under.syncs.contains(syncing)) << "answered before it was written";
  under.write_all();
  EXPECT_EQ(under.synced(syncing).assignment, bytes("work"));
  EXPECT_EQ(under.group.state(), GroupState::kStable);
  EXPECT_EQ(under.heartbeat(joined.member_id), ErrorCode::kNone);
}

TEST(ClassicGroup, TellsANewMemberItsIdFirstAndLetsItInWithIt) {
  GroupUnderTest under;
  auto call = GroupUnderTest::call();
  call.id_first = true;
  const auto told = under.joined(under.join(call));
  EXPECT_EQ(told.error, ErrorCode::kMemberIdRequired);
  EXPECT_EQ(under.group.state(), GroupState::kEmpty);
  EXPECT_FALSE(under.group.is_abandoned());

  call.member.id = told.member_id;
  const auto joined = under.joined(under.join(call));
  EXPECT_EQ(joined.error, ErrorCode::kNone);
  EXPECT_EQ(joined.member_id, told.member_id);
}

TEST(ClassicGroup, ForgetsAnIdThatNobodyCameBackWith) {
  GroupUnderTest under;
  auto call = GroupUnderTest::call();
  call.id_first = true;
  call.member.id = under.joined(under.join(call)).member_id;
  under.advance(seconds{11});
  EXPECT_TRUE(under.group.is_abandoned());
  EXPECT_EQ(under.joined(under.join(call)).error, ErrorCode::kUnknownMemberId);
}

TEST(ClassicGroup, IsNotDisturbedByAnIdThatNobodyCameBackWith) {
  GroupUnderTest under;
  const auto ids = under.make_stable(1);
  auto call = GroupUnderTest::call();
  call.id_first = true;
  const auto told = under.joined(under.join(call)).member_id;
  under.advance(seconds{6});
  EXPECT_EQ(under.heartbeat(ids[0]), ErrorCode::kNone);
  under.advance(seconds{6});
  EXPECT_EQ(under.group.state(), GroupState::kStable);
  EXPECT_EQ(under.leave({{.id = told}})[0].error, ErrorCode::kUnknownMemberId);
}

TEST(ClassicGroup, WaitsForMoreMembersBeforeItsFirstRebalance) {
  GroupUnderTest under{{.initial_rebalance_delay = seconds{3}}};
  const auto first = under.join(GroupUnderTest::call());
  under.advance(seconds{2});
  const auto second = under.join(GroupUnderTest::call());
  under.advance(seconds{2});
  EXPECT_FALSE(under.joins.contains(first)) << "a member came, so it waits again";
  under.advance(seconds{2});
  EXPECT_EQ(under.joined(first).generation, 1);
  EXPECT_EQ(under.joined(second).generation, 1);
  EXPECT_EQ(under.joined(first).leader, under.joined(second).leader);
  // Only the leader is told who is there.
  EXPECT_EQ(under.joined(first).members.size() + under.joined(second).members.size(), 2U);
}

TEST(ClassicGroup, DoesNotWaitForMoreMembersForLongerThanARebalanceMayTake) {
  GroupUnderTest under{{.initial_rebalance_delay = seconds{3}}};
  auto call = GroupUnderTest::call();
  call.rebalance_timeout = seconds{7};
  const auto first = under.join(call);
  for (int i = 0; i < 10 && !under.joins.contains(first); ++i) {
    under.advance(seconds{1});
    under.join(call);
  }
  EXPECT_EQ(under.clock.now() - TimePoint{}, seconds{7});
}

TEST(ClassicGroup, RebalancesWhenAMemberJoinsAndDropsThoseThatDoNotComeBack) {
  GroupUnderTest under;
  const auto ids = under.make_stable(2);
  const auto third = under.join(GroupUnderTest::call());
  EXPECT_EQ(under.group.state(), GroupState::kPreparingRebalance);
  EXPECT_EQ(under.heartbeat(ids[0]), ErrorCode::kRebalanceInProgress);
  const auto back = under.join(GroupUnderTest::call(ids[0]));
  for (int i = 0; i < 13 && !under.joins.contains(third); ++i) {
    EXPECT_EQ(under.heartbeat(ids[1]), ErrorCode::kRebalanceInProgress);
    under.advance(seconds{5});
  }
  EXPECT_EQ(under.joined(third).generation, 3);
  EXPECT_EQ(under.joined(back).generation, 3);
  EXPECT_EQ(under.group.size(), 2U);
  EXPECT_EQ(under.heartbeat(ids[1]), ErrorCode::kUnknownMemberId);
}

TEST(ClassicGroup, LosesAMemberThatIsNotHeardOf) {
  GroupUnderTest under;
  const auto ids = under.make_stable(2);
  under.advance(seconds{9});
  EXPECT_EQ(under.heartbeat(ids[0]), ErrorCode::kNone);
  under.advance(seconds{2});
  EXPECT_EQ(under.group.size(), 1U);
  EXPECT_EQ(under.group.state(), GroupState::kPreparingRebalance);
  const auto back = under.join(GroupUnderTest::call(ids[0]));
  EXPECT_EQ(under.joined(back).generation, 3);
}

TEST(ClassicGroup, KeepsAMemberThatWaitsForTheOthersThoughItSendsNoHeartbeats) {
  GroupUnderTest under;
  const auto ids = under.make_stable(2);
  const auto waits = under.join(GroupUnderTest::call(ids[0]));
  for (int i = 0; i < 5; ++i) {
    under.advance(seconds{9});
    EXPECT_EQ(under.heartbeat(ids[1]), ErrorCode::kRebalanceInProgress);
  }
  EXPECT_EQ(under.group.size(), 2U);
  under.join(GroupUnderTest::call(ids[1]));
  EXPECT_EQ(under.joined(waits).error, ErrorCode::kNone);
}

TEST(ClassicGroup, DropsANewMemberThatHasWaitedFiveMinutes) {
  GroupUnderTest under;
  const auto ids = under.make_stable(1);
  auto slow = GroupUnderTest::call();
  slow.rebalance_timeout = seconds{900};
  const auto stuck = under.join(slow);
  for (int i = 0; i < 61; ++i) {
    EXPECT_EQ(under.heartbeat(ids[0]), ErrorCode::kRebalanceInProgress);
    under.advance(seconds{5});
  }
  EXPECT_EQ(under.joined(stuck).error, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(under.group.size(), 1U);
}

TEST(ClassicGroup, DropsMembersThatDoNotAskForTheirWork) {
  GroupUnderTest under;
  const auto first = under.join(GroupUnderTest::call());
  const auto id = under.joined(first).member_id;
  for (int i = 0; i < 13; ++i) {
    EXPECT_EQ(under.group.state(), GroupState::kCompletingRebalance);
    EXPECT_EQ(under.heartbeat(id), ErrorCode::kNone);
    under.advance(seconds{5});
    if (under.group.size() == 0) break;
  }
  EXPECT_EQ(under.group.size(), 0U);
  EXPECT_EQ(under.group.state(), GroupState::kEmpty);
  EXPECT_THAT(under.stores, SizeIs(1));
}

TEST(ClassicGroup, IsEmptyAndWrittenDownWhenTheLastMemberLeaves) {
  GroupUnderTest under;
  const auto ids = under.make_stable(1);
  EXPECT_EQ(under.leave({{.id = ids[0]}})[0].error, ErrorCode::kNone);
  EXPECT_EQ(under.group.state(), GroupState::kEmpty);
  ASSERT_THAT(under.stores, SizeIs(1));
  EXPECT_EQ(under.stores[0].value.generation, 2);
  EXPECT_EQ(under.stores[0].value.protocol_type, "consumer");
  EXPECT_TRUE(under.stores[0].value.members.empty());
}

TEST(ClassicGroup, AnswersEachOfManyThatLeave) {
  GroupUnderTest under;
  auto call = GroupUnderTest::call();
  call.member.instance = "static";
  const auto named = under.join(call);
  const auto ids = under.make_stable({named});
  const auto left = under.leave({{.id = "nobody"},
                                 {.id = "", .instance = "other"},
                                 {.id = "x", .instance = "static"},
                                 {.id = "", .instance = "static"}});
  std::vector<ErrorCode> codes;
  for (const auto& member : left) codes.push_back(member.error);
  EXPECT_THAT(codes, ElementsAre(ErrorCode::kUnknownMemberId, ErrorCode::kUnknownMemberId, ErrorCode::kFencedInstanceId,
                                 ErrorCode::kNone));
  EXPECT_EQ(under.group.size(), 0U);
}

TEST(ClassicGroup, AnswersWhatWaitsWhenItsMemberLeaves) {
  GroupUnderTest under;
  const auto ids = under.make_stable(2);
  const auto waits = under.join(GroupUnderTest::call(ids[0]));
  under.leave({{.id = ids[0]}});
  EXPECT_EQ(under.joined(waits).error, ErrorCode::kUnknownMemberId);
}

TEST(ClassicGroup, GivesAStaticMemberItsPlaceBackWithoutARebalance) {
  GroupUnderTest under;
  auto call = GroupUnderTest::call();
  call.member.instance = "node-1";
  const auto id = under.make_stable({under.join(call)})[0];
  EXPECT_THAT(id, StartsWith("node-1-"));

  const auto back = under.join(call);
  EXPECT_FALSE(under.joins.contains(back)) << "answered before the new id was written";
  under.write_all();
  const auto& answer = under.joined(back);
  EXPECT_EQ(answer.error, ErrorCode::kNone);
  EXPECT_EQ(answer.generation, 1);
  EXPECT_NE(answer.member_id, id);
  EXPECT_TRUE(answer.skip_assignment);
  EXPECT_EQ(under.group.state(), GroupState::kStable);
  EXPECT_EQ(under.synced(under.sync(answer.member_id, 1)).assignment, bytes("work of " + id));
  EXPECT_EQ(under.last_written.members[0].member_id, answer.member_id);
  EXPECT_EQ(under.group.heartbeat({.id = id, .instance = "node-1"}, 1, under.time()), ErrorCode::kFencedInstanceId);
}

TEST(ClassicGroup, DoesNotMakeAStaticMemberOfOldVersionsLeaderAgain) {
  GroupUnderTest under;
  auto call = GroupUnderTest::call();
  call.member.instance = "node-1";
  call.may_skip_assignment = false;
  const auto id = under.make_stable({under.join(call)})[0];
  const auto back = under.join(call);
  under.write_all();
  EXPECT_EQ(under.joined(back).leader, id);
  EXPECT_FALSE(under.joined(back).skip_assignment);
  EXPECT_TRUE(under.joined(back).members.empty());
}

TEST(ClassicGroup, MakesAStaticMemberJoinAgainWhenItsIdCannotBeWritten) {
  GroupUnderTest under;
  auto call = GroupUnderTest::call();
  call.member.instance = "node-1";
  under.make_stable({under.join(call)});
  const auto back = under.join(call);
  under.write_all(ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(under.joined(back).error, ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(under.joined(under.join(call)).error, ErrorCode::kNone);
}

TEST(ClassicGroup, FencesTheOlderOfTwoStaticMembersWhileBothJoin) {
  GroupUnderTest under{{.initial_rebalance_delay = seconds{3}}};
  auto call = GroupUnderTest::call();
  call.member.instance = "node-1";
  const auto older = under.join(call);
  const auto newer = under.join(call);
  EXPECT_EQ(under.joined(older).error, ErrorCode::kFencedInstanceId);
  under.advance(seconds{10});
  EXPECT_EQ(under.joined(newer).error, ErrorCode::kNone);
  EXPECT_EQ(under.group.size(), 1U);
}

TEST(ClassicGroup, KeepsAStaticMemberThatMissesARebalanceUntilItsSessionEnds) {
  GroupUnderTest under;
  auto named = GroupUnderTest::call();
  named.member.instance = "node-1";
  named.session_timeout = seconds{1000};
  const auto id = under.make_stable({under.join(named)})[0];
  auto quick = GroupUnderTest::call();
  quick.rebalance_timeout = seconds{5};
  const auto other = under.join(quick);
  under.advance(seconds{61});
  EXPECT_EQ(under.joined(other).generation, 2);
  EXPECT_EQ(under.group.size(), 2U);
  EXPECT_EQ(under.joined(other).leader, under.joined(other).member_id) << "the one that is here leads";
}

TEST(ClassicGroup, TakesTheProtocolThatMostMembersPrefer) {
  GroupUnderTest under{{.initial_rebalance_delay = seconds{1}}};
  auto call = GroupUnderTest::call();
  call.protocols = {{.name = "sticky", .metadata = {}}, {.name = "range", .metadata = {}}};
  const auto first = under.join(call);
  under.join(call);
  call.protocols = {
      {.name = "mine", .metadata = {}}, {.name = "range", .metadata = {}}, {.name = "sticky", .metadata = {}}};
  under.join(call);
  under.advance(seconds{3});
  EXPECT_EQ(under.joined(first).protocol, "sticky");
}

TEST(ClassicGroup, RefusesAMemberThatSpeaksNothingThatAllOthersSpeak) {
  GroupUnderTest under;
  under.make_stable(1);
  auto call = GroupUnderTest::call();
  call.protocols = {{.name = "other", .metadata = {}}};
  EXPECT_EQ(under.joined(under.join(call)).error, ErrorCode::kInconsistentGroupProtocol);
  call = GroupUnderTest::call();
  call.protocol_type = "connect";
  EXPECT_EQ(under.joined(under.join(call)).error, ErrorCode::kInconsistentGroupProtocol);
  EXPECT_EQ(under.group.state(), GroupState::kStable);
  GroupUnderTest empty;
  call.protocols.clear();
  EXPECT_EQ(empty.joined(empty.join(call)).error, ErrorCode::kInconsistentGroupProtocol);
}

TEST(ClassicGroup, RefusesSessionTimeoutsOutsideOfItsBounds) {
  GroupUnderTest under;
  auto call = GroupUnderTest::call();
  call.session_timeout = milliseconds{5999};
  EXPECT_EQ(under.joined(under.join(call)).error, ErrorCode::kInvalidSessionTimeout);
  call.session_timeout = milliseconds{1'800'001};
  EXPECT_EQ(under.joined(under.join(call)).error, ErrorCode::kInvalidSessionTimeout);
}

TEST(ClassicGroup, DoesNotGrowBeyondItsMaximum) {
  GroupUnderTest under{{.initial_rebalance_delay = milliseconds{0}, .max_size = 2}};
  const auto ids = under.make_stable(2);
  EXPECT_EQ(under.joined(under.join(GroupUnderTest::call())).error, ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(under.group.state(), GroupState::kStable);
  // Those that are in may come back.
  const auto back = under.join(GroupUnderTest::call(ids[0]));
  under.join(GroupUnderTest::call(ids[1]));
  EXPECT_EQ(under.joined(back).error, ErrorCode::kNone);
}

TEST(ClassicGroup, TellsAFollowerThatAsksAgainWhatItWasTold) {
  GroupUnderTest under;
  const auto ids = under.make_stable(2);
  const auto again = under.joined(under.join(GroupUnderTest::call(ids[1])));
  EXPECT_EQ(again.generation, 2);
  EXPECT_TRUE(again.members.empty());
  EXPECT_EQ(under.group.state(), GroupState::kStable);
  // The leader knows why it asks, and a follower that wants something else does too.
  under.join(GroupUnderTest::call(ids[1], "other"));
  EXPECT_EQ(under.group.state(), GroupState::kPreparingRebalance);
}

TEST(ClassicGroup, TellsALeaderWhoseAnswerWasLostEverythingAgain) {
  GroupUnderTest under;
  const auto first = under.joined(under.join(GroupUnderTest::call()));
  const auto again = under.joined(under.join(GroupUnderTest::call(first.member_id)));
  EXPECT_EQ(again.generation, 1);
  EXPECT_THAT(again.members, SizeIs(1));
}

TEST(ClassicGroup, SendsWhoeverSyncsBackToJoinWhenARebalanceBegins) {
  GroupUnderTest under{{.initial_rebalance_delay = seconds{1}}};
  const auto a = under.join(GroupUnderTest::call());
  const auto b = under.join(GroupUnderTest::call());
  under.advance(seconds{5});
  const auto leader = under.joined(a).leader;
  const auto follower = leader == under.joined(a).member_id ? under.joined(b).member_id : under.joined(a).member_id;
  const auto waits = under.sync(follower, 1);
  under.join(GroupUnderTest::call());
  EXPECT_EQ(under.synced(waits).error, ErrorCode::kRebalanceInProgress);
  EXPECT_EQ(under.synced(under.sync(leader, 1)).error, ErrorCode::kRebalanceInProgress);
}

TEST(ClassicGroup, IgnoresAnAssignmentThatIsWrittenAfterItsGeneration) {
  GroupUnderTest under;
  const auto first = under.joined(under.join(GroupUnderTest::call())).member_id;
  const auto stale = under.sync(first, 1, {{first, bytes("stale")}});
  under.join(GroupUnderTest::call());
  EXPECT_EQ(under.synced(stale).error, ErrorCode::kRebalanceInProgress);
  const auto again = under.join(GroupUnderTest::call(first));
  EXPECT_EQ(under.joined(again).generation, 2);
  under.write_all();
  EXPECT_EQ(under.group.state(), GroupState::kCompletingRebalance);
}

TEST(ClassicGroup, RebalancesWhenAnAssignmentCannotBeWritten) {
  GroupUnderTest under;
  const auto id = under.joined(under.join(GroupUnderTest::call())).member_id;
  const auto syncing = under.sync(id, 1, {{id, bytes("work")}});
  under.write_all(ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(under.synced(syncing).error, ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(under.group.state(), GroupState::kPreparingRebalance);
}

TEST(ClassicGroup, RefusesSyncsOfStrangersOfOtherGenerationsAndOfOtherProtocols) {
  GroupUnderTest under;
  const auto ids = under.make_stable(1);
  EXPECT_EQ(under.synced(under.sync("nobody", 1)).error, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(under.synced(under.sync(ids[0], 2)).error, ErrorCode::kIllegalGeneration);
  SyncGroup wrong;
  wrong.member.id = ids[0];
  wrong.generation = 1;
  wrong.protocol = "sticky";
  const auto actions = under.group.sync(GroupRequestId{99}, wrong, under.time());
  ASSERT_THAT(actions.syncs, SizeIs(1));
  EXPECT_EQ(actions.syncs[0].second.error, ErrorCode::kInconsistentGroupProtocol);
}

TEST(ClassicGroup, SaysWhoMayCommit) {
  GroupUnderTest under;
  const auto commit = [&](const std::string& id, std::int32_t generation) {
    return under.group.may_commit({.id = id}, generation, under.time());
  };
  EXPECT_EQ(commit("", -1), ErrorCode::kNone);
  const auto id = under.joined(under.join(GroupUnderTest::call())).member_id;
  EXPECT_EQ(commit(id, 1), ErrorCode::kRebalanceInProgress);
  under.sync(id, 1);
  under.write_all();
  EXPECT_EQ(commit(id, 1), ErrorCode::kNone);
  EXPECT_EQ(commit(id, 2), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(commit("nobody", 1), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(commit("", -1), ErrorCode::kUnknownMemberId) << "somebody else reads";
  // A rebalance may begin with a commit of what was read before it.
  under.join(GroupUnderTest::call());
  EXPECT_EQ(commit(id, 1), ErrorCode::kNone);
}

TEST(ClassicGroup, IsTheSameAfterItWasWrittenAndRestored) {
  GroupUnderTest under;
  auto call = GroupUnderTest::call();
  call.member.instance = "node-1";
  const auto id = under.make_stable({under.join(call)})[0];
  auto restored = ClassicGroup::restore("orders", {}, under.last_written, under.time());
  EXPECT_EQ(restored.state(), GroupState::kStable);
  EXPECT_EQ(restored.generation(), 1);
  const auto shown = restored.describe();
  ASSERT_THAT(shown.members, SizeIs(1));
  EXPECT_EQ(shown.members[0].id, id);
  EXPECT_EQ(shown.members[0].instance, "node-1");
  EXPECT_EQ(shown.members[0].client_host, "/host");
  EXPECT_EQ(shown.members[0].assignment, bytes("work of " + id));
  EXPECT_EQ(shown.members[0].metadata, bytes("m"));
  EXPECT_EQ(restored.heartbeat({.id = id, .instance = "node-1"}, 1, under.time()), ErrorCode::kNone);
  EXPECT_EQ(restored.next_timer(), under.clock.now() + seconds{10});
}

TEST(ClassicGroup, KnowsTheTopicsThatItsMembersRead) {
  GroupUnderTest under;
  const std::string subscription{"\0\1\0\0\0\2\0\1a\0\2bc", 13};
  under.join(GroupUnderTest::call("", subscription));
  ASSERT_TRUE(under.group.subscribed_topics());
  EXPECT_THAT(*under.group.subscribed_topics(), UnorderedElementsAre("a", "bc"));
  GroupUnderTest odd;
  odd.join(GroupUnderTest::call("", subscription.substr(0, 8)));
  EXPECT_FALSE(odd.group.subscribed_topics());
}

}  // namespace
}  // namespace millrace::test
