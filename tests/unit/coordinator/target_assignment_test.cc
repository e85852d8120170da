#include "coordinator/target_assignment.h"

#include <gmock/gmock.h>

#include "base/random.h"

namespace millrace::test {
namespace {

using testing::IsEmpty;

TopicId topic(std::uint8_t number) {
  TopicId id;
  id.bytes[15] = number;
  return id;
}
std::set<PartitionIndex> parts(std::initializer_list<std::int32_t> numbers) {
  std::set<PartitionIndex> made;
  for (const auto number : numbers) made.insert(PartitionIndex{number});
  return made;
}
TargetMember reader(std::string id, std::set<TopicId> topics, TopicPartitions target = {}) {
  return {.id = std::move(id),
          .instance = {},
          .topics = std::make_shared<const std::set<TopicId>>(std::move(topics)),
          .target = std::move(target)};
}
std::size_t size_of(const TopicPartitions& partitions) {
  std::size_t size = 0;
  for (const auto& [id, some] : partitions) size += some.size();
  return size;
}

TEST(UniformAssignor, GivesEverybodyAsManyAsTheOthers) {
  const auto target =
      assign(ServerAssignor::kUniform, {reader("a", {topic(1)}), reader("b", {topic(1)})}, {{topic(1), 5}});
  EXPECT_EQ(size_of(target.at(0)), 3U);
  EXPECT_EQ(size_of(target.at(1)), 2U);
}

TEST(UniformAssignor, LetsMembersKeepWhatTheyHave) {
  const std::vector members = {reader("a", {topic(1)}, {{topic(1), parts({1, 3, 5})}}), reader("b", {topic(1)}),
                               reader("c", {topic(1)}, {{topic(1), parts({0, 2, 4})}})};
  const auto target = assign(ServerAssignor::kUniform, members, {{topic(1), 6}});
  EXPECT_EQ(target.at(0).at(topic(1)), parts({1, 3}));
  EXPECT_EQ(target.at(1).at(topic(1)), parts({4, 5}));
  EXPECT_EQ(target.at(2).at(topic(1)), parts({0, 2}));
}

TEST(UniformAssignor, MovesOneOnlyWhenWhoHasMoreStays) {
  // Seven between two: who has four keeps four, wherever its id is in the order.
  const std::vector members = {reader("a", {topic(1)}, {{topic(1), parts({0, 1, 2})}}),
                               reader("b", {topic(1)}, {{topic(1), parts({3, 4, 5, 6})}})};
  const auto target = assign(ServerAssignor::kUniform, members, {{topic(1), 7}});
  EXPECT_EQ(target.at(0).at(topic(1)), parts({0, 1, 2}));
  EXPECT_EQ(target.at(1).at(topic(1)), parts({3, 4, 5, 6}));
}

TEST(UniformAssignor, GivesTopicsOnlyToThoseWhoReadThem) {
  const std::vector members = {reader("a", {topic(1)}), reader("b", {topic(1), topic(2)}), reader("c", {})};
  const auto target = assign(ServerAssignor::kUniform, members, {{topic(1), 2}, {topic(2), 2}});
  EXPECT_EQ(target.at(0), (TopicPartitions{{topic(1), parts({0, 1})}}));
  EXPECT_EQ(target.at(1), (TopicPartitions{{topic(2), parts({0, 1})}}));
  EXPECT_THAT(target.at(2), IsEmpty());
}

TEST(UniformAssignor, TakesBackWhatAMemberNoLongerReads) {
  const std::vector members = {reader("a", {topic(2)}, {{topic(1), parts({0})}}), reader("b", {topic(1)})};
  const auto target = assign(ServerAssignor::kUniform, members, {{topic(1), 1}, {topic(2), 1}});
  EXPECT_EQ(target.at(0), (TopicPartitions{{topic(2), parts({0})}}));
  EXPECT_EQ(target.at(1), (TopicPartitions{{topic(1), parts({0})}}));
}

TEST(RangeAssignor, GivesEachMemberARunOfNeighboursTheSameOfEachTopic) {
  const std::vector members = {reader("a", {topic(1), topic(2)}), reader("b", {topic(1), topic(2)})};
  const auto target = assign(ServerAssignor::kRange, members, {{topic(1), 3}, {topic(2), 3}});
  EXPECT_EQ(target.at(0), (TopicPartitions{{topic(1), parts({0, 1})}, {topic(2), parts({0, 1})}}));
  EXPECT_EQ(target.at(1), (TopicPartitions{{topic(1), parts({2})}, {topic(2), parts({2})}}));
}

TEST(RangeAssignor, OrdersStaticMembersByTheirNames) {
  auto late = reader("a", {topic(1)});
  auto early = reader("z", {topic(1)});
  early.instance = "1";
  const auto target = assign(ServerAssignor::kRange, {late, early}, {{topic(1), 2}});
  EXPECT_EQ(target.at(1).at(topic(1)), parts({0}));
  EXPECT_EQ(target.at(0).at(topic(1)), parts({1}));
}

TEST(EveryAssignor, GivesEachPartitionThatIsReadToOneOfItsReaders) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random{seed};
    TopicPartitionCounts counts;
    for (std::uint8_t i = 0; i < 4; ++i) counts[topic(i)] = static_cast<std::int32_t>(random.below(6));
    std::vector<TargetMember> members;
    std::set<TopicId> read;
    const bool same = random.below(2) == 0;
    for (auto left = 1 + random.below(5); left > 0; --left) {
      auto& member = members.emplace_back(reader("m" + std::to_string(left), {}));
      std::set<TopicId> topics;
      for (const auto& [id, count] : counts) {
        if (same || random.below(2) == 0) topics.insert(id);
        // Whatever it had, and others too.
        for (std::int32_t i = 0; i < 7; ++i) {
          if (random.below(4) == 0) member.target[id].insert(PartitionIndex{i});
        }
      }
      read.insert(topics.begin(), topics.end());
      member.topics = std::make_shared<const std::set<TopicId>>(std::move(topics));
    }
    for (const auto assignor : {ServerAssignor::kUniform, ServerAssignor::kRange}) {
      std::map<std::pair<TopicId, PartitionIndex>, int> given;
      std::size_t least = SIZE_MAX;
      std::size_t most = 0;
      auto member = members.begin();
      for (const auto& partitions : assign(assignor, members, counts)) {
        for (const auto& [one, some] : partitions) {
          EXPECT_TRUE(member->topics->contains(one));
          for (const auto partition : some) ++given[{one, partition}];
        }
        ++member;
        least = std::min(least, size_of(partitions));
        most = std::max(most, size_of(partitions));
      }
      for (const auto& id : read) {
        for (std::int32_t i = 0; i < counts.at(id); ++i) EXPECT_EQ((given[{id, PartitionIndex{i}}]), 1);
      }
      std::size_t wanted = 0;
      for (const auto& id : read) wanted += static_cast<std::size_t>(counts.at(id));
      EXPECT_EQ(given.size(), wanted);
      if (same && assignor == ServerAssignor::kUniform) {
        EXPECT_LE(most - least, 1U);
      }
    }
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace millrace::test
