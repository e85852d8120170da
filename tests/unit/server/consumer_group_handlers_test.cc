// The APIs of the consumer protocol over frames, in every version.

#include <gmock/gmock.h>

#include "protocol/api_versions.h"
#include "protocol/consumer_group_describe.h"
#include "protocol/consumer_group_heartbeat.h"
#include "protocol/describe_groups.h"
#include "protocol/find_coordinator.h"
#include "protocol/list_groups.h"
#include "protocol/offset_commit.h"
#include "protocol/offset_fetch.h"
#include "unit/server/server_under_test.h"

namespace millrace::test {
namespace {

using namespace protocol;  // the wire's words are what this file is about
using testing::SizeIs;

class ConsumerGroupHandlers : public testing::Test {
 protected:
  void SetUp() override {
    server.broker.create("clicks", 2);
    FindCoordinatorRequest find;
    find.key = "g";
    EXPECT_EQ(server.ask<FindCoordinatorResponse>(find, 0).error_code, ErrorCode::kNone);
  }

  static ConsumerGroupHeartbeatRequest joining(const std::string& group, const std::string& id) {
    ConsumerGroupHeartbeatRequest request;
    request.group_id = group;
    request.member_id = id;
    request.rebalance_timeout_ms = 60'000;
    request.subscribed_topic_names = {"clicks"};
    request.topic_partitions.emplace();
    return request;
  }
  ErrorCode commit(const std::string& member, std::int32_t epoch, std::int16_t version = 9, std::string group = "g") {
    OffsetCommitRequest request;
    request.group_id = std::move(group);
    request.member_id = member;
    request.generation_id_or_member_epoch = epoch;
    auto& topic = request.topics.emplace_back();
    topic.name = "clicks";
    topic.partitions.emplace_back().committed_offset = Offset{5};
    return server.ask<OffsetCommitResponse>(request, version).topics.at(0).partitions.at(0).error_code;
  }
  OffsetFetchResponse fetch(std::optional<std::string> member, std::int32_t epoch) {
    OffsetFetchRequest request;
    auto& group = request.groups.emplace_back();
    group.group_id = "g";
    group.member_id = std::move(member);
    group.member_epoch = epoch;
    auto& topic = group.topics.emplace().emplace_back();
    topic.name = "clicks";
    topic.partition_indexes = {PartitionIndex{0}};
    return server.ask<OffsetFetchResponse>(request, 9);
  }

  ServerUnderTest server;
};

TEST_F(ConsumerGroupHandlers, AssignAndDescribeInEveryVersion) {
  for_versions(ConsumerGroupHeartbeatRequest::kVersions, [&](std::int16_t version) {
    const auto group = "g" + std::to_string(version);
    const auto joined = server.ask<ConsumerGroupHeartbeatResponse>(joining(group, "me"), version);
    EXPECT_EQ(joined.error_code, ErrorCode::kNone);
    EXPECT_EQ(joined.member_id, "me");
    EXPECT_EQ(joined.member_epoch, 1);
    EXPECT_EQ(joined.heartbeat_interval_ms, 5000);
    ASSERT_TRUE(joined.assignment);
    EXPECT_THAT(joined.assignment->topic_partitions.at(0).partitions, SizeIs(2));

    ConsumerGroupDescribeRequest describe;
    describe.group_ids = {group, "none"};
    const auto shown = server.ask<ConsumerGroupDescribeResponse>(describe, version);
    ASSERT_THAT(shown.groups, SizeIs(2));
    EXPECT_EQ(shown.groups[0].group_state, "Stable");
    EXPECT_EQ(shown.groups[0].assignor_name, "uniform");
    EXPECT_EQ(shown.groups[0].members.at(0).assignment.topic_partitions.at(0).topic_name, "clicks");
    EXPECT_EQ(shown.groups[0].members.at(0).member_type, version == 0 ? -1 : 1);
    EXPECT_EQ(shown.groups[1].error_code, ErrorCode::kGroupIdNotFound);

    auto leaving = joining(group, "me");
    leaving.member_epoch = -1;
    EXPECT_EQ(server.ask<ConsumerGroupHeartbeatResponse>(leaving, version).member_epoch, -1);
  });
}

TEST_F(ConsumerGroupHandlers, MakeAMembersIdOnlyForClientsThatCannot) {
  const auto made = server.ask<ConsumerGroupHeartbeatResponse>(joining("g", ""), 0);
  EXPECT_EQ(made.error_code, ErrorCode::kNone);
  EXPECT_FALSE(made.member_id.value_or("").empty());
  EXPECT_EQ(server.ask<ConsumerGroupHeartbeatResponse>(joining("g", ""), 1).error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(server.ask<ConsumerGroupHeartbeatResponse>(joining("", "me"), 1).error_code, ErrorCode::kInvalidRequest);
}

TEST_F(ConsumerGroupHandlers, TakeAnExpressionFromVersion1) {
  auto request = joining("g", "me");
  request.subscribed_topic_names.reset();
  request.subscribed_topic_regex = "c.*s";
  const auto joined = server.ask<ConsumerGroupHeartbeatResponse>(request, 1);
  EXPECT_THAT(joined.assignment.value().topic_partitions, SizeIs(1));
  request.subscribed_topic_regex = "[";
  EXPECT_EQ(server.ask<ConsumerGroupHeartbeatResponse>(request, 1).error_code, ErrorCode::kInvalidRegularExpression);
}

TEST_F(ConsumerGroupHandlers, CheckTheMemberWhoseOffsetsAreCommittedAndFetched) {
  server.ask<ConsumerGroupHeartbeatResponse>(joining("g", "me"), 1);
  EXPECT_EQ(commit("me", 1), ErrorCode::kNone);
  EXPECT_EQ(commit("me", 2), ErrorCode::kStaleMemberEpoch);
  EXPECT_EQ(commit("you", 1), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(fetch("me", 1).groups.at(0).topics.at(0).partitions.at(0).committed_offset, Offset{5});
  EXPECT_EQ(fetch(std::nullopt, -1).groups.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(fetch("me", 0).groups.at(0).error_code, ErrorCode::kStaleMemberEpoch);
  EXPECT_EQ(fetch("you", 1).groups.at(0).error_code, ErrorCode::kUnknownMemberId);
}

TEST_F(ConsumerGroupHandlers, TellWhoCommitsOnlyWhatItsVersionCanSay) {
  server.ask<ConsumerGroupHeartbeatResponse>(joining("g", "me"), 1);
  EXPECT_EQ(commit("me", 1, 8), ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(commit("you", 1, 8), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(commit("me", 1, 8, "none"), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(commit("me", 1, 9, "none"), ErrorCode::kGroupIdNotFound);
}

TEST_F(ConsumerGroupHandlers, ListByTypeAndDescribeAsTheOtherProtocolSeesIt) {
  server.ask<ConsumerGroupHeartbeatResponse>(joining("g", "me"), 1);
  ListGroupsRequest list;
  list.types_filter = {"Consumer"};
  const auto found = server.ask<ListGroupsResponse>(list, 5);
  ASSERT_THAT(found.groups, SizeIs(1));
  EXPECT_EQ(found.groups[0].group_type, "consumer");
  EXPECT_EQ(found.groups[0].protocol_type, "consumer");
  EXPECT_EQ(found.groups[0].group_state, "Stable");
  list.types_filter = {"classic"};
  EXPECT_THAT(server.ask<ListGroupsResponse>(list, 5).groups, SizeIs(0));
  DescribeGroupsRequest describe;
  describe.groups = {"g"};
  EXPECT_EQ(server.ask<DescribeGroupsResponse>(describe, 6).groups.at(0).error_code, ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(server.ask<DescribeGroupsResponse>(describe, 5).groups.at(0).group_state, "Dead");
}

TEST_F(ConsumerGroupHandlers, AreAnnouncedByTheFeature) {
  const auto versions = server.ask<ApiVersionsResponse>(ApiVersionsRequest{}, 4);
  const auto is_it = [](const auto& feature) { return feature.name == "group.version"; };
  const auto finalized = std::ranges::find_if(versions.finalized_features, is_it);
  ASSERT_NE(finalized, versions.finalized_features.end());
  EXPECT_EQ(finalized->max_version_level, 1);
}

}  // namespace
}  // namespace millrace::test
