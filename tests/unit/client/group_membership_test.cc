// A member's part of the classic protocol, with the coordinator and the clock in the test's hand.

#include "client/group/group_membership.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/clock.h"
#include "support/must.h"
#include "unit/client/orders.h"

namespace millrace::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;
using Kind = GroupMembership::Notice::Kind;

class Member {
 public:
  explicit Member(std::string_view strategies = "range", std::optional<std::string> instance = std::nullopt)
      : membership({.group = "shop",
                    .instance = std::move(instance),
                    .client_id = "test",
                    .assignors = must(parse_assignors(strategies)),
                    .session_timeout = 10s,
                    .heartbeat_interval = 3s,
                    .max_poll_interval = 60s}) {
    membership.subscribe({"orders"}, clock.now());
  }

  template <class Call>
  Call next() {
    auto call = membership.next_call(clock.now(), counter());
    EXPECT_TRUE(call && std::holds_alternative<Call>(*call));
    return call ? std::get<Call>(*std::move(call)) : Call{};
  }
  bool has_call() { return membership.next_call(clock.now(), counter()).has_value(); }
  GroupMembership::CountTopics counter() {
    return [this](const std::set<std::string>& topics) {
      PartitionCounts found;
      for (const auto& topic : topics) {
        if (counts.contains(topic)) found[topic] = counts[topic];
      }
      return found;
    };
  }

  void find() {
    next<GroupMembership::FindCoordinator>();
    membership.found(membership.call_number(), {}, clock.now());
  }
  void answer_join(ErrorCode error) {
    JoinedGroup answer;
    answer.error = error;
    answer.member_id = "me";
    membership.joined(membership.call_number(), answer, clock.now());
  }
  /// Lets it in; as leader it is told of the members.
  void let_in(std::int32_t generation, const std::string& leader = "other", std::vector<GroupMember> members = {}) {
    JoinedGroup answer;
    answer.generation = generation;
    answer.protocol_type = "consumer";
    answer.protocol = std::string{membership.settings().assignors.front()->name};
    answer.leader = leader;
    answer.member_id = "me";
    answer.members = std::move(members);
    membership.joined(membership.call_number(), std::move(answer), clock.now());
  }
  void give(const std::vector<TopicPartition>& partitions) {
    protocol::ConsumerAssignment assignment;
    assignment.assigned_partitions = protocol::by_topic(partitions);
    SyncedGroup answer;
    answer.assignment = protocol::encode_assignment(assignment);
    membership.synced(membership.call_number(), answer, clock.now());
  }
  /// A member with these partitions, told of them.
  void become_member(const std::vector<TopicPartition>& partitions, std::int32_t generation = 1) {
    find();
    next<JoinGroup>();
    let_in(generation);
    next<SyncGroup>();
    give(partitions);
    EXPECT_EQ(notice(Kind::kAssigned), partitions);
  }
  std::vector<TopicPartition> notice(Kind kind) {
    const auto told = membership.next_notice();
    EXPECT_TRUE(told && told->kind == kind);
    return told ? told->partitions : std::vector<TopicPartition>{};
  }
  void rebalance_begins() {
    const auto call = membership.on_timer((clock.advance(3s), clock.now()));
    ASSERT_TRUE(std::holds_alternative<GroupMembership::Heartbeat>(call));
    membership.beat(std::get<GroupMembership::Heartbeat>(call), ErrorCode::kRebalanceInProgress);
  }

  ManualClock clock;
  PartitionCounts counts{{"orders", 2}};
  GroupMembership membership;
};

protocol::ConsumerSubscription subscription_in(const JoinGroup& call) {
  return must(protocol::decode_subscription(call.protocols.at(0).metadata));
}

TEST(GroupMembership, FindsTheCoordinatorLearnsItsIdJoinsAndGetsItsPart) {
  Member member;
  member.find();
  EXPECT_EQ(member.next<JoinGroup>().member.id, "");
  EXPECT_FALSE(member.has_call()) << "one call at a time";
  member.answer_join(ErrorCode::kMemberIdRequired);

  const auto join = member.next<JoinGroup>();
  EXPECT_EQ(join.member.id, "me");
  EXPECT_EQ(join.protocol_type, "consumer");
  EXPECT_EQ(join.session_timeout, 10s);
  EXPECT_EQ(join.rebalance_timeout, 60s);
  EXPECT_THAT(subscription_in(join).topics, ElementsAre("orders"));
  member.let_in(5);
  const auto sync = member.next<SyncGroup>();
  EXPECT_EQ(sync.generation, 5);
  EXPECT_THAT(sync.assignments, IsEmpty());
  member.give({orders(1)});

  EXPECT_THAT(member.notice(Kind::kAssigned), ElementsAre(orders(1)));
  EXPECT_EQ(member.membership.generation(), 5);
  EXPECT_FALSE(member.has_call());
}

TEST(GroupMembership, DividesForAllWhenItLeads) {
  Member member;
  member.find();
  const auto mine = member.next<JoinGroup>().protocols.at(0).metadata;
  member.let_in(1, "me", {{.id = "me", .metadata = mine}, {.id = "you", .metadata = mine}});
  const auto sync = member.next<SyncGroup>();
  ASSERT_EQ(sync.assignments.size(), 2U);
  EXPECT_EQ(sync.assignments[0].first, "me");
  const auto part = [&](std::size_t i) {
    return protocol::one_by_one(must(protocol::decode_assignment(sync.assignments[i].second)).assigned_partitions);
  };
  EXPECT_THAT(part(0), ElementsAre(orders(0)));
  EXPECT_THAT(part(1), ElementsAre(orders(1)));
}

TEST(GroupMembership, GivesAMemberNothingWhoseSubscriptionCannotBeRead) {
  Member member;
  member.find();
  const auto mine = member.next<JoinGroup>().protocols.at(0).metadata;
  member.let_in(1, "me", {{.id = "me", .metadata = mine}, {.id = "you", .metadata = {std::byte{0}}}});
  const auto sync = member.next<SyncGroup>();
  ASSERT_EQ(sync.assignments.size(), 2U);
  EXPECT_THAT(must(protocol::decode_assignment(sync.assignments[1].second)).assigned_partitions, IsEmpty());
}

TEST(GroupMembership, GivesUpEverythingBeforeItJoinsAgain) {
  Member member;
  member.become_member({orders(0), orders(1)});
  member.rebalance_begins();
  EXPECT_THAT(member.notice(Kind::kRevoked), ElementsAre(orders(0), orders(1)));
  EXPECT_THAT(subscription_in(member.next<JoinGroup>()).owned_partitions, IsEmpty());
  member.let_in(2);
  member.next<SyncGroup>();
  member.give({orders(0)});
  EXPECT_THAT(member.notice(Kind::kAssigned), ElementsAre(orders(0)));
}

TEST(GroupMembership, KeepsWhatItHasAndGivesUpWhatMovesAfterwardsWhenCooperative) {
  Member member{"cooperative-sticky"};
  member.become_member({orders(0), orders(1)});
  member.rebalance_begins();
  EXPECT_FALSE(member.membership.next_notice());
  const auto subscription = subscription_in(member.next<JoinGroup>());
  EXPECT_THAT(protocol::one_by_one(subscription.owned_partitions), ElementsAre(orders(0), orders(1)));
  EXPECT_EQ(subscription.generation_id, 1);
  member.let_in(2);
  member.next<SyncGroup>();
  member.give({orders(0)});

  EXPECT_THAT(member.notice(Kind::kRevoked), ElementsAre(orders(1)));
  EXPECT_THAT(member.notice(Kind::kAssigned), IsEmpty());
  // So that somebody else can have what it let go.
  EXPECT_THAT(protocol::one_by_one(subscription_in(member.next<JoinGroup>()).owned_partitions), ElementsAre(orders(0)));
}

TEST(GroupMembership, TellsAStickyLeaderWhatItHadAlthoughItGaveItUp) {
  Member member{"sticky"};
  member.become_member({orders(1)}, 7);
  member.rebalance_begins();
  member.notice(Kind::kRevoked);
  const auto join = member.next<JoinGroup>();
  // As Java's StickyAssignor writes it: topics, their partitions, the generation.
  const std::string expected{"\0\0\0\1\0\6orders\0\0\0\1\0\0\0\1\0\0\0\7", 24};
  const auto said = subscription_in(join).user_data.value();
  EXPECT_EQ(std::string(said.begin(), said.end()), expected);
}

TEST(GroupMembership, SaysThatItIsAliveAtItsInterval) {
  Member member;
  member.become_member({orders(0)});
  EXPECT_EQ(member.membership.next_timer(), member.clock.now() + 3s);
  member.clock.advance(2999ms);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(member.membership.on_timer(member.clock.now())));
  member.clock.advance(1ms);
  EXPECT_TRUE(std::holds_alternative<GroupMembership::Heartbeat>(member.membership.on_timer(member.clock.now())));
}

TEST(GroupMembership, LeavesWhenTheApplicationDoesNotPoll) {
  Member member;
  member.become_member({orders(0)});
  member.clock.advance(60s);
  const auto call = member.membership.on_timer(member.clock.now());
  ASSERT_TRUE(std::holds_alternative<GroupMembership::Leave>(call));
  EXPECT_EQ(std::get<GroupMembership::Leave>(call).member.id, "me");
  EXPECT_THAT(member.notice(Kind::kLost), ElementsAre(orders(0)));
  EXPECT_EQ(member.next<JoinGroup>().member.id, "");
}

TEST(GroupMembership, LosesWhatItHadWhenTheGroupHasForgottenIt) {
  Member member;
  member.become_member({orders(0)});
  const auto name = member.membership.name();
  member.membership.beat({name, 1}, ErrorCode::kUnknownMemberId);
  EXPECT_THAT(member.notice(Kind::kLost), ElementsAre(orders(0)));
  EXPECT_EQ(member.membership.generation(), -1);
  EXPECT_EQ(member.next<JoinGroup>().member.id, "");
}

TEST(GroupMembership, TriesAgainALittleLaterWhenTheCoordinatorIsBusy) {
  Member member;
  member.find();
  member.next<JoinGroup>();
  member.answer_join(ErrorCode::kCoordinatorLoadInProgress);
  EXPECT_FALSE(member.membership.take_error());
  EXPECT_FALSE(member.has_call());
  member.clock.advance(100ms);
  member.next<JoinGroup>();
}

TEST(GroupMembership, SaysOnceWhyItWasNotLetInAndTriesAgain) {
  Member member;
  member.find();
  member.next<JoinGroup>();
  member.answer_join(ErrorCode::kInconsistentGroupProtocol);
  EXPECT_THAT(member.membership.take_error()->message(), HasSubstr("INCONSISTENT_GROUP_PROTOCOL"));
  EXPECT_FALSE(member.membership.take_error());
  member.clock.advance(100ms);
  member.next<JoinGroup>();
}

TEST(GroupMembership, StaysOutWhenAnotherTookItsName) {
  Member member{"range", "first"};
  member.become_member({orders(0)});
  member.membership.beat({member.membership.name(), 1}, ErrorCode::kFencedInstanceId);
  EXPECT_THAT(member.notice(Kind::kLost), ElementsAre(orders(0)));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(member.membership.take_error()->code(), ErrorCode::kFencedInstanceId);
  member.clock.advance(1s);
  EXPECT_FALSE(member.has_call());
}

TEST(GroupMembership, DividesAgainWhenATopicGrows) {
  Member member;
  member.find();
  const auto mine = member.next<JoinGroup>().protocols.at(0).metadata;
  member.let_in(1, "me", {{.id = "me", .metadata = mine}});
  member.next<SyncGroup>();
  member.give({orders(0), orders(1)});
  member.notice(Kind::kAssigned);
  member.membership.look_at_topics(member.counter());
  EXPECT_FALSE(member.membership.next_notice());
  member.counts["orders"] = 3;
  member.membership.look_at_topics(member.counter());
  member.notice(Kind::kRevoked);
  member.next<JoinGroup>();
}

TEST(GroupMembership, DropsTheAnswerToACallOfAnEarlierMembership) {
  Member member;
  member.find();
  member.next<JoinGroup>();
  const auto old = member.membership.call_number();
  EXPECT_FALSE(member.membership.leave());
  member.membership.subscribe({"orders"}, member.clock.now());
  member.find();
  member.next<JoinGroup>();
  JoinedGroup late;
  late.generation = 9;
  late.protocol = "range";
  member.membership.joined(old, late, member.clock.now());
  EXPECT_EQ(member.membership.generation(), -1);
  EXPECT_FALSE(member.has_call());
}

TEST(GroupMembership, StaysInTheGroupUnderItsNameWhenAStaticMemberEnds) {
  Member dynamic;
  dynamic.become_member({orders(0)});
  EXPECT_EQ(dynamic.membership.leave().value().id, "me");
  Member fixed{"range", "first"};
  fixed.become_member({orders(0)});
  EXPECT_FALSE(fixed.membership.leave());
}

}  // namespace
}  // namespace millrace::test
