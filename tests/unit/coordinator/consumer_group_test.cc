// A group of the consumer protocol: epochs, what moves when, who is fenced.

#include "coordinator/consumer_group.h"

#include <gmock/gmock.h>

#include "base/clock.h"
#include "base/random.h"

namespace millrace::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr seconds kSession{45};
constexpr seconds kRebalance{60};

/// A group with a clock moved by hand, topics made by hand, and a log of what it wanted to be written.
class ConsumerGroupTest : public testing::Test {
 protected:
  void SetUp() override { add_topic("clicks", 4); }

  void add_topic(const std::string& name, std::size_t partitions) {
    auto topic = std::make_shared<TopicImage>();
    topic->name = name;
    topic->id.bytes[0] = static_cast<std::uint8_t>(image.topics.size() + 1);
    if (const auto known = image.topic(name)) topic->id = known->id;
    topic->partitions.resize(partitions);
    image.topics[name] = topic;
    image.topics_by_id[topic->id] = topic;
    ++image.last_offset;
  }
  void delete_topic(const std::string& name) {
    image.topics_by_id.erase(image.topic(name)->id);
    image.topics.erase(name);
    ++image.last_offset;
  }
  [[nodiscard]] CoordinatorTime time() const { return {.now = clock.now(), .wall = clock.wall()}; }

  static ConsumerHeartbeat joining(const std::string& id, std::set<std::string> topics = {"clicks"}) {
    ConsumerHeartbeat call;
    call.member.id = id;
    call.client_id = "client";
    call.client_host = "/host";
    call.rebalance_timeout = kRebalance;
    call.topics = std::move(topics);
    call.owned.emplace();
    return call;
  }
  /// A heartbeat that tells only what the member has, as clients do while something changes.
  static ConsumerHeartbeat beat(const std::string& id, std::int32_t epoch, TopicPartitions owned = {}) {
    ConsumerHeartbeat call;
    call.member.id = id;
    call.epoch = epoch;
    call.client_id = "client";
    call.client_host = "/host";
    call.owned = std::move(owned);
    return call;
  }
  ConsumerHeartbeatAnswer send(ConsumerHeartbeat call) {
    auto answered = group.heartbeat(std::move(call), Uuid{}, image, time());
    written.insert(written.end(), answered.records.begin(), answered.records.end());
    last_records = std::move(answered.records);
    if (answered.answer.assignment) has[answered.answer.member_id] = *answered.answer.assignment;
    if (answered.answer.error == ErrorCode::kNone) epochs[answered.answer.member_id] = answered.answer.epoch;
    return answered.answer;
  }
  /// The member tells what it was last given, which it has taken or given back.
  ConsumerHeartbeatAnswer go_on(const std::string& id) { return send(beat(id, epochs[id], has[id])); }
  void settle(const std::vector<std::string>& ids) {
    for (int round = 0; round < 4; ++round) {
      for (const auto& id : ids) EXPECT_EQ(go_on(id).error, ErrorCode::kNone) << id;
    }
    EXPECT_EQ(group.state(), GroupState::kStable);
  }
  ErrorCode error_of(ConsumerHeartbeat call) { return send(std::move(call)).error; }
  void advance(milliseconds by) {
    clock.advance(by);
    while (group.next_timer() && *group.next_timer() <= clock.now()) {
      auto records = group.on_timer(time());
      written.insert(written.end(), records.begin(), records.end());
    }
  }
  [[nodiscard]] std::size_t count_of(const std::string& id) {
    std::size_t count = 0;
    for (const auto& [topic, partitions] : has[id]) count += partitions.size();
    return count;
  }
  [[nodiscard]] OffsetToCommit offset_of(std::int32_t partition) {
    OffsetToCommit offset;
    offset.topic = {"clicks", image.topic("clicks")->id};
    offset.partition = PartitionIndex{partition};
    return offset;
  }
  ErrorCode may_commit(const std::string& id, std::int32_t epoch, std::int32_t partition) {
    CommitOffsets call;
    call.member.id = id;
    call.generation = epoch;
    call.offsets.push_back(offset_of(partition));
    return group.may_commit(call);
  }
  /// What a restart makes of the records that were written.
  [[nodiscard]] ConsumerGroup replayed() const {
    StoredConsumerGroup stored;
    for (const auto& record : written) {
      std::visit(
          [&](const auto& said) {
            if constexpr (requires { stored.apply(said); }) stored.apply(said);
          },
          record);
    }
    return ConsumerGroup::restore("orders", config, stored, time());
  }

  ManualClock clock;
  MetadataImage image;
  ConsumerGroupConfig config{.times = {.session_timeout = kSession}};
  ConsumerGroup group{"orders", config};
  GroupRecords written;
  GroupRecords last_records;
  std::map<std::string, TopicPartitions> has;
  std::map<std::string, std::int32_t> epochs;
};

TEST_F(ConsumerGroupTest, GivesItsFirstMemberEverythingAtOnce) {
  const auto answer = send(joining("a"));
  EXPECT_EQ(answer.error, ErrorCode::kNone);
  EXPECT_EQ(answer.epoch, 1);
  EXPECT_EQ(answer.heartbeat_interval, seconds{5});
  EXPECT_EQ(count_of("a"), 4U);
  EXPECT_EQ(group.state(), GroupState::kStable);
}

TEST_F(ConsumerGroupTest, SaysNothingNewWhileNothingChanges) {
  send(joining("a"));
  const auto answer = send(beat("a", 1, has["a"]));
  EXPECT_FALSE(answer.assignment);
  EXPECT_THAT(last_records, IsEmpty());
}

TEST_F(ConsumerGroupTest, GivesAPartitionToItsNewOwnerOnlyWhenTheOldOneHasGivenItBack) {
  send(joining("a"));
  const auto all = has["a"];
  const auto joined = send(joining("b"));
  EXPECT_EQ(joined.epoch, 2);
  EXPECT_EQ(count_of("b"), 0U);
  EXPECT_EQ(group.state(), GroupState::kReconciling);
  // The first learns what it may keep, and stays at its epoch until it says that it has given back the rest.
  EXPECT_EQ(send(beat("a", 1, all)).epoch, 1);
  EXPECT_EQ(count_of("a"), 2U);
  EXPECT_EQ(go_on("b").epoch, 2);
  EXPECT_EQ(count_of("b"), 0U);
  EXPECT_EQ(send(beat("a", 1, all)).epoch, 1);
  EXPECT_EQ(go_on("a").epoch, 2);
  go_on("b");
  EXPECT_EQ(count_of("b"), 2U);
  settle({"a", "b"});
  for (const auto& [topic, partitions] : has["a"]) {
    for (const auto partition : partitions) EXPECT_FALSE(has["b"][topic].contains(partition));
  }
}

TEST_F(ConsumerGroupTest, GivesWhatALeaverHadToTheOthers) {
  send(joining("a"));
  send(joining("b"));
  settle({"a", "b"});
  EXPECT_EQ(send(beat("b", kLeavesGroup)).epoch, kLeavesGroup);
  go_on("a");
  EXPECT_EQ(count_of("a"), 4U);
  settle({"a"});
}

TEST_F(ConsumerGroupTest, IsEmptyWhenTheLastMemberHasLeft) {
  send(joining("a"));
  send(beat("a", kLeavesGroup));
  EXPECT_EQ(group.state(), GroupState::kEmpty);
  EXPECT_EQ(error_of(beat("a", 1)), ErrorCode::kUnknownMemberId);
}

TEST_F(ConsumerGroupTest, LosesAMemberThatIsSilentForItsSession) {
  send(joining("a"));
  send(joining("b"));
  settle({"a", "b"});
  advance(kSession - seconds{1});
  go_on("a");
  advance(seconds{1});
  EXPECT_THAT(group.view().members, SizeIs(1));
  go_on("a");
  EXPECT_EQ(count_of("a"), 4U);
  EXPECT_EQ(error_of(beat("b", epochs["b"])), ErrorCode::kUnknownMemberId);
}

TEST_F(ConsumerGroupTest, LosesAMemberThatDoesNotGiveBackInTime) {
  send(joining("a"));
  const auto all = has["a"];
  send(joining("b"));
  send(beat("a", 1, all));
  for (auto left = kRebalance; left > seconds{0}; left -= seconds{10}) {
    advance(seconds{10});
    go_on("b");
    if (left > seconds{10}) {
      EXPECT_EQ(error_of(beat("a", 1, all)), ErrorCode::kNone);
    }
  }
  EXPECT_EQ(error_of(beat("a", 1, all)), ErrorCode::kUnknownMemberId);
  go_on("b");
  EXPECT_EQ(count_of("b"), 4U);
}

TEST_F(ConsumerGroupTest, FencesAMemberWithAnotherEpochButNotTheOneWhoseAnswerWasLost) {
  send(joining("a"));
  send(joining("b"));
  settle({"a", "b"});
  EXPECT_EQ(error_of(beat("a", 3, has["a"])), ErrorCode::kFencedMemberEpoch);
  EXPECT_EQ(error_of(beat("a", 0, has["a"])), ErrorCode::kInvalidRequest);
  // Its epoch rises to 3, which it does not hear of.
  send(beat("b", kLeavesGroup));
  const auto before = has["a"];
  go_on("a");
  EXPECT_EQ(epochs["a"], 3);
  EXPECT_EQ(send(beat("a", 2, before)).epoch, 3);
  EXPECT_EQ(error_of(beat("a", 1, before)), ErrorCode::kFencedMemberEpoch);
}

TEST_F(ConsumerGroupTest, LetsAMemberJoinAgain) {
  send(joining("a"));
  const auto again = send(joining("a"));
  EXPECT_EQ(again.error, ErrorCode::kNone);
  EXPECT_EQ(again.epoch, 1);
  ASSERT_TRUE(again.assignment);
  EXPECT_EQ(again.assignment->begin()->second.size(), 4U);
}

TEST_F(ConsumerGroupTest, KeepsThePartitionsOfAStaticMemberThatIsAwayForAWhile) {
  auto call = joining("a");
  call.member.instance = "one";
  send(call);
  auto twin = joining("b");
  twin.member.instance = "one";
  EXPECT_EQ(error_of(twin), ErrorCode::kUnreleasedInstanceId);
  auto away = beat("a", kLeavesForAWhile);
  away.member.instance = "one";
  EXPECT_EQ(send(away).epoch, kLeavesForAWhile);
  const auto group_epoch = group.view().epoch;
  EXPECT_EQ(send(twin).epoch, 1);
  EXPECT_EQ(count_of("b"), 4U);
  EXPECT_EQ(group.view().epoch, group_epoch);
  auto old = beat("a", 1);
  old.member.instance = "one";
  EXPECT_EQ(error_of(old), ErrorCode::kFencedInstanceId);
  EXPECT_EQ(replayed().view().members.front().id, "b");
}

TEST_F(ConsumerGroupTest, LosesAStaticMemberThatIsAwayForTooLong) {
  auto call = joining("a");
  call.member.instance = "one";
  send(call);
  auto away = beat("a", kLeavesForAWhile);
  away.member.instance = "one";
  send(away);
  advance(kSession);
  EXPECT_EQ(group.state(), GroupState::kEmpty);
}

TEST_F(ConsumerGroupTest, DividesAnewWhenATopicGrowsIsMadeOrIsDeleted) {
  send(joining("a", {"clicks", "views"}));
  EXPECT_EQ(count_of("a"), 4U);
  add_topic("views", 2);
  EXPECT_EQ(go_on("a").epoch, 2);
  EXPECT_EQ(count_of("a"), 6U);
  add_topic("clicks", 5);
  EXPECT_EQ(go_on("a").epoch, 3);
  EXPECT_EQ(count_of("a"), 7U);
  add_topic("others", 5);
  EXPECT_EQ(go_on("a").epoch, 3);
  delete_topic("views");
  go_on("a");
  settle({"a"});
  EXPECT_EQ(count_of("a"), 5U);
}

TEST_F(ConsumerGroupTest, ReadsTheTopicsThatAnExpressionMeans) {
  auto call = joining("a");
  call.topics.reset();
  call.topic_pattern = "cl.*|v.*";
  send(call);
  EXPECT_EQ(count_of("a"), 4U);
  add_topic("views", 3);
  add_topic("aviews", 3);
  go_on("a");
  EXPECT_EQ(count_of("a"), 7U);
  EXPECT_TRUE(group.is_subscribed_to("views"));
  EXPECT_FALSE(group.is_subscribed_to("aviews"));
  EXPECT_TRUE(replayed().is_subscribed_to("views"));
}

TEST_F(ConsumerGroupTest, RefusesWhatItDoesNotUnderstand) {
  auto call = joining("a");
  call.topic_pattern = "(";
  const auto refused = send(call);
  EXPECT_EQ(refused.error, ErrorCode::kInvalidRegularExpression);
  EXPECT_THAT(refused.message.value_or(""), HasSubstr("`(`"));
  call = joining("a");
  call.assignor = "mine";
  EXPECT_EQ(error_of(call), ErrorCode::kUnsupportedAssignor);
  call = joining("a");
  call.rebalance_timeout.reset();
  EXPECT_EQ(error_of(call), ErrorCode::kInvalidRequest);
  EXPECT_EQ(error_of(beat("a", kLeavesForAWhile)), ErrorCode::kInvalidRequest);
  EXPECT_EQ(error_of(beat("a", -3)), ErrorCode::kInvalidRequest);
  EXPECT_EQ(error_of(beat("a", 5)), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(group.state(), GroupState::kEmpty);
  EXPECT_THAT(written, IsEmpty());
}

TEST_F(ConsumerGroupTest, HasNoMoreMembersThanAllowed) {
  config.max_size = 1;
  group = ConsumerGroup{"orders", config};
  send(joining("a"));
  EXPECT_EQ(error_of(joining("b")), ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(error_of(joining("a")), ErrorCode::kNone);
}

TEST_F(ConsumerGroupTest, TakesTheAssignorThatMostMembersAskFor) {
  auto call = joining("a", {"clicks", "views"});
  add_topic("views", 4);
  call.assignor = "range";
  send(call);
  send(joining("b", {"clicks", "views"}));
  EXPECT_EQ(group.view().assignor, "range");
  settle({"a", "b"});
  EXPECT_EQ(has["a"].begin()->second, (std::set{PartitionIndex{0}, PartitionIndex{1}}));
}

TEST_F(ConsumerGroupTest, LetsAMemberCommitWhatItHasHadSinceTheEpochThatItShows) {
  send(joining("a"));
  EXPECT_EQ(may_commit("a", 1, 0), ErrorCode::kNone);
  EXPECT_EQ(may_commit("a", 2, 0), ErrorCode::kStaleMemberEpoch);
  EXPECT_EQ(may_commit("b", 1, 0), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(may_commit("", -1, 0), ErrorCode::kUnknownMemberId);
  send(joining("b"));
  settle({"a", "b"});
  const auto kept = has["a"].begin()->second.begin()->value();
  const auto given_away = has["b"].begin()->second.begin()->value();
  // It has not heard of its new epoch: what it kept is still its own.
  EXPECT_EQ(may_commit("a", 1, kept), ErrorCode::kNone);
  EXPECT_EQ(may_commit("a", 1, given_away), ErrorCode::kStaleMemberEpoch);
  EXPECT_EQ(may_commit("b", 1, given_away), ErrorCode::kStaleMemberEpoch);
  EXPECT_EQ(may_commit("b", 2, given_away), ErrorCode::kNone);
  EXPECT_EQ(group.may_fetch("a", 2), ErrorCode::kNone);
  EXPECT_EQ(group.may_fetch("a", 1), ErrorCode::kStaleMemberEpoch);
  EXPECT_EQ(group.may_fetch(std::nullopt, -1), ErrorCode::kNone);
}

TEST_F(ConsumerGroupTest, IsAfterARestartWhatItWas) {
  send(joining("a"));
  const auto all = has["a"];
  send(joining("b"));
  send(beat("a", 1, all));
  group = replayed();
  EXPECT_EQ(group.state(), GroupState::kReconciling);
  EXPECT_EQ(group.view().epoch, 2);
  // The one that was to give back still is, and the other still waits.
  EXPECT_EQ(send(beat("a", 1, all)).epoch, 1);
  EXPECT_EQ(go_on("a").epoch, 2);
  go_on("b");
  EXPECT_EQ(count_of("b"), 2U);
  settle({"a", "b"});
  EXPECT_EQ(group.view().epoch, 2);
}

TEST_F(ConsumerGroupTest, WritesEverythingAgainWhenAWriteWasLost) {
  send(joining("a"));
  send(joining("b"));
  settle({"a", "b"});
  const auto before = written;
  send(beat("b", kLeavesGroup));
  group.write_failed(last_records, time());
  written = before;
  EXPECT_THAT(replayed().view().members, SizeIs(2));
  go_on("a");
  EXPECT_THAT(replayed().view().members, SizeIs(1));
  EXPECT_EQ(replayed().view().epoch, group.view().epoch);
  go_on("a");
  EXPECT_THAT(last_records, IsEmpty());
}

TEST_F(ConsumerGroupTest, WritesWhatWasLostAgainAlsoWhenNobodyIsLeftToAsk) {
  send(joining("a"));
  const auto before = written;
  send(beat("a", kLeavesGroup));
  group.write_failed(last_records, time());
  written = before;
  advance(seconds{1});
  EXPECT_THAT(replayed().view().members, IsEmpty());
  EXPECT_EQ(replayed().view().epoch, group.view().epoch);
  EXPECT_FALSE(group.next_timer());
}

TEST_F(ConsumerGroupTest, LeavesNothingBehindOfAMemberWhoseEndWasNotWritten) {
  send(joining("a"));
  const auto before = written;
  send(beat("a", kLeavesGroup));
  group.write_failed(last_records, time());
  written = before;
  for (const auto& record : group.tombstones()) written.push_back(record);
  EXPECT_THAT(replayed().view().members, IsEmpty());
}

TEST_F(ConsumerGroupTest, KeepsItsEpochWhileItHasMoreToGiveBack) {
  send(joining("a"));
  const auto all = has["a"];
  send(joining("b"));
  send(beat("a", 1, all));
  send(joining("c"));
  send(joining("d"));
  // What it had to give back it has, and there is more by now.
  EXPECT_EQ(go_on("a").epoch, 1);
  EXPECT_EQ(count_of("a"), 1U);
  EXPECT_EQ(go_on("a").epoch, 4);
}

TEST_F(ConsumerGroupTest, TakesBackAtOnceWhatAMemberReadsNoLongerWhileItHasMoreToGiveBack) {
  add_topic("views", 1);
  const auto views = image.topic("views")->id;
  send(joining("a", {"clicks", "views"}));
  const auto all = has["a"];
  send(joining("b"));
  // It is told what it is to give back, and does not yet.
  EXPECT_EQ(send(beat("a", 1, all)).epoch, 1);
  EXPECT_TRUE(has["a"].contains(views));
  auto call = beat("a", 1, all);
  call.topics = {"clicks"};
  EXPECT_EQ(send(call).epoch, 1);
  EXPECT_FALSE(has["a"].contains(views));
  // Nobody else has it before it is given back.
  send(joining("c", {"views"}));
  EXPECT_EQ(count_of("c"), 0U);
  group = replayed();
  EXPECT_EQ(send(beat("a", 1, {{views, {PartitionIndex{0}}}})).epoch, 1);
  settle({"a", "b", "c"});
  EXPECT_EQ(count_of("c"), 1U);
}

TEST_F(ConsumerGroupTest, LeavesNothingBehindWhenItIsDeleted) {
  auto call = joining("a");
  call.topic_pattern = "v.*";
  send(call);
  StoredConsumerGroup stored;
  for (const auto& records : {written, group.tombstones()}) {
    for (const auto& record : records) {
      std::visit(
          [&](const auto& said) {
            if constexpr (requires { stored.apply(said); }) stored.apply(said);
          },
          record);
    }
  }
  EXPECT_TRUE(stored.is_gone());
}

TEST_F(ConsumerGroupTest, NeverHasTwoOwnersOfAPartitionWhateverHappens) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random{seed};
    group = ConsumerGroup{"orders", config};
    written.clear();
    has.clear();
    epochs.clear();
    std::set<std::string> in;
    for (int step = 0; step < 120; ++step) {
      const std::string id(1, static_cast<char>('a' + random.below(4)));
      const auto what = random.below(20);
      if (!in.contains(id)) {
        if (error_of(joining(id)) == ErrorCode::kNone) in.insert(id);
      } else if (what == 0) {
        send(beat(id, kLeavesGroup));
        in.erase(id);
        has.erase(id);
      } else if (what == 1) {
        group = replayed();
      } else if (what == 2) {
        add_topic("clicks", 1 + random.below(8));
      } else if (go_on(id).error != ErrorCode::kNone) {
        ADD_FAILURE() << id << " was refused in step " << step;
      }
      // What members were told that they may read; they give back at once what they are told to.
      std::map<std::pair<TopicId, PartitionIndex>, std::string> owners;
      for (const auto& member : in) {
        for (const auto& [topic, partitions] : has[member]) {
          for (const auto partition : partitions) {
            EXPECT_TRUE(owners.emplace(std::pair{topic, partition}, member).second) << "step " << step;
          }
        }
      }
    }
    if (!in.empty()) settle({in.begin(), in.end()});
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace millrace::test
