// How a group's partitions are divided: every partition once, evenly, and moved as little as can be.

#include "client/group/assignor.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "base/random.h"
#include "support/must.h"

namespace millrace::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TopicPartition tp(const std::string& topic, std::int32_t index) { return {topic, PartitionIndex{index}}; }

std::vector<AssignorMember> members_of(const std::vector<std::string>& ids, const std::vector<std::string>& topics) {
  std::vector<AssignorMember> members;
  for (const auto& id : ids) members.push_back({.id = id, .topics = topics});
  return members;
}

void remember(std::vector<AssignorMember>& members, const GroupAssignment& assignment, std::int32_t generation) {
  for (auto& member : members) {
    const auto found = assignment.find(member.id);
    member.owned = found == assignment.end() ? std::vector<TopicPartition>{} : found->second;
    member.generation = generation;
  }
}

void expect_each_once(const PartitionCounts& counts, const std::vector<AssignorMember>& members,
                      const GroupAssignment& assignment) {
  std::set<TopicPartition> given;
  for (const auto& member : members) {
    for (const auto& partition : assignment.at(member.id)) {
      EXPECT_TRUE(given.insert(partition).second) << partition.to_string() << " is given twice";
      EXPECT_NE(std::ranges::find(member.topics, partition.topic), member.topics.end())
          << member.id << " did not ask for " << partition.topic;
    }
  }
  for (const auto& [topic, count] : counts) {
    const bool wanted = std::ranges::any_of(members, [&, &topic = topic](const auto& member) {
      return std::ranges::find(member.topics, topic) != member.topics.end();
    });
    for (std::int32_t i = 0; wanted && i < count; ++i) {
      EXPECT_TRUE(given.contains(tp(topic, i))) << topic << "-" << i << " is given to nobody";
    }
  }
}

TEST(RangeAssignor, GivesContiguousRangesOfEachTopicAndTheFirstOnesOneMore) {
  const PartitionCounts counts{{"a", 3}, {"b", 3}};
  const auto assignment = assign_range(counts, members_of({"m1", "m2"}, {"a", "b"}));
  EXPECT_THAT(assignment.at("m1"), ElementsAre(tp("a", 0), tp("a", 1), tp("b", 0), tp("b", 1)));
  EXPECT_THAT(assignment.at("m2"), ElementsAre(tp("a", 2), tp("b", 2)));
}

TEST(RangeAssignor, OrdersStaticMembersByTheNameTheyKeep) {
  auto members = members_of({"z", "a"}, {"t"});
  members[0].instance = "1";
  members[1].instance = "2";
  EXPECT_THAT(assign_range({{"t", 2}}, members).at("z"), ElementsAre(tp("t", 0)));
}

TEST(RoundRobinAssignor, GivesAllPartitionsInTurnAndSkipsWhoDidNotAsk) {
  auto members = members_of({"m1", "m2", "m3"}, {"a", "b"});
  members[1].topics = {"b"};
  const auto assignment = assign_round_robin({{"a", 3}, {"b", 2}}, members);
  EXPECT_THAT(assignment.at("m1"), ElementsAre(tp("a", 0), tp("a", 2)));
  EXPECT_THAT(assignment.at("m2"), ElementsAre(tp("b", 0)));
  EXPECT_THAT(assignment.at("m3"), ElementsAre(tp("a", 1), tp("b", 1)));
}

TEST(Assignors, GiveNothingOfATopicThatDoesNotExist) {
  for (const auto& assignor : assignors()) {
    EXPECT_THAT(assignor.assign({}, members_of({"m"}, {"gone"})).at("m"), IsEmpty()) << assignor.name;
  }
}

TEST(Assignors, GiveEveryPartitionOnceWhateverTheGroup) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Random random{seed};
    PartitionCounts counts;
    for (std::uint64_t i = 0; i < 1 + random.below(4); ++i) {
      counts["t" + std::to_string(i)] = static_cast<std::int32_t>(random.below(9));
    }
    std::vector<AssignorMember> members;
    for (std::uint64_t i = 0; i < 1 + random.below(6); ++i) {
      members.push_back({.id = "m" + std::to_string(i)});
      for (const auto& [topic, count] : counts) {
        if (random.below(3) > 0) members.back().topics.push_back(topic);
      }
    }
    for (const auto& assignor : assignors()) {
      SCOPED_TRACE(assignor.name);
      expect_each_once(counts, members, assignor.assign(counts, members));
    }
  }
}

TEST(StickyAssignor, IsAsEvenAsTheSubscriptionsAllow) {
  auto members = members_of({"m1", "m2"}, {"a"});
  members.push_back({.id = "m3", .topics = {"a", "b"}});
  const auto assignment = assign_sticky({{"a", 4}, {"b", 2}}, members);
  for (const auto& [id, partitions] : assignment) EXPECT_EQ(partitions.size(), 2U) << id;
}

TEST(StickyAssignor, MovesByWayOfOthersWhenThatIsTheOnlyWay) {
  // Only m2 can take from m1, and only m3 from m2.
  std::vector<AssignorMember> members{{.id = "m1", .topics = {"a"}, .owned = {tp("a", 0), tp("a", 1), tp("a", 2)}},
                                      {.id = "m2", .topics = {"a", "b"}, .owned = {tp("b", 0), tp("b", 1)}},
                                      {.id = "m3", .topics = {"b"}, .owned = {}}};
  for (auto& member : members) member.generation = 1;
  const auto assignment = assign_sticky({{"a", 3}, {"b", 2}}, members);
  EXPECT_EQ(assignment.at("m1").size(), 2U);
  EXPECT_EQ(assignment.at("m2").size(), 2U);
  EXPECT_EQ(assignment.at("m3").size(), 1U);
}

TEST(StickyAssignor, MovesOnlyWhatANewMemberNeeds) {
  const PartitionCounts counts{{"t", 12}};
  auto members = members_of({"m1", "m2", "m3"}, {"t"});
  const auto before = assign_sticky(counts, members);
  remember(members, before, 1);
  members.push_back({.id = "m4", .topics = {"t"}});

  const auto after = assign_sticky(counts, members);

  EXPECT_EQ(after.at("m4").size(), 3U);
  for (const auto& [id, partitions] : before) {
    EXPECT_TRUE(std::ranges::includes(partitions, after.at(id))) << id << " got what it did not have";
  }
}

TEST(StickyAssignor, LeavesEverybodyWhatTheyHaveWhenAMemberGoes) {
  const PartitionCounts counts{{"t", 12}};
  auto members = members_of({"m1", "m2", "m3"}, {"t"});
  const auto before = assign_sticky(counts, members);
  remember(members, before, 1);
  members.pop_back();

  const auto after = assign_sticky(counts, members);

  for (const auto& id : {"m1", "m2"}) {
    EXPECT_TRUE(std::ranges::includes(after.at(id), before.at(id))) << id << " lost something";
    EXPECT_EQ(after.at(id).size(), 6U);
  }
}

TEST(StickyAssignor, BelievesTheLaterGenerationAboutAPartitionThatTwoClaim) {
  std::vector<AssignorMember> members{{.id = "m1", .topics = {"t"}, .owned = {tp("t", 0)}, .generation = 4},
                                      {.id = "m2", .topics = {"t"}, .owned = {tp("t", 0)}, .generation = 5}};
  EXPECT_THAT(assign_sticky({{"t", 1}}, members).at("m2"), ElementsAre(tp("t", 0)));
}

TEST(CooperativeAssignor, GivesAPartitionThatMovesToNobodyBeforeItsOwnerLetGo) {
  const PartitionCounts counts{{"t", 4}};
  auto members = members_of({"m1", "m2"}, {"t"});
  members[0].owned = {tp("t", 0), tp("t", 1), tp("t", 2), tp("t", 3)};
  members[0].generation = 1;

  const auto first = assign_cooperative(counts, members);
  EXPECT_EQ(first.at("m1").size(), 2U);
  EXPECT_THAT(first.at("m2"), IsEmpty());

  remember(members, first, 2);
  const auto second = assign_cooperative(counts, members);
  EXPECT_EQ(second.at("m1"), first.at("m1"));
  EXPECT_EQ(second.at("m2").size(), 2U);
}

TEST(Assignors, AreNamedInTheOrderOfPreference) {
  const auto parsed = must(parse_assignors("roundrobin, range"));
  ASSERT_EQ(parsed.size(), 2U);
  EXPECT_EQ(parsed[0]->name, "roundrobin");
  const auto message = [](std::string_view names) { return parse_assignors(names).error().message(); };
  EXPECT_THAT(message("rang"), HasSubstr("Did you mean \"range\"?"));
  EXPECT_THAT(message("range,cooperative-sticky"), HasSubstr("mixes"));
  EXPECT_THAT(message(""), HasSubstr("is empty"));
}

}  // namespace
}  // namespace millrace::test
