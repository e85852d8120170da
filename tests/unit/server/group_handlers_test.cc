// The group APIs over frames, in every version: what a client asks reaches the coordinator, and the answer fits its
// version.

#include <gmock/gmock.h>

#include "protocol/delete_groups.h"
#include "protocol/describe_groups.h"
#include "protocol/find_coordinator.h"
#include "protocol/heartbeat.h"
#include "protocol/join_group.h"
#include "protocol/leave_group.h"
#include "protocol/list_groups.h"
#include "protocol/offset_commit.h"
#include "protocol/offset_delete.h"
#include "protocol/offset_fetch.h"
#include "protocol/produce.h"
#include "protocol/sync_group.h"
#include "unit/server/server_under_test.h"

namespace millrace::test {
namespace {

using namespace protocol;  // the wire's words are what this file is about
using testing::SizeIs;
using testing::StartsWith;

std::vector<std::byte> bytes(std::string_view text) {
  const auto raw = as_bytes(text);
  return {raw.begin(), raw.end()};
}

class GroupHandlers : public testing::Test {
 protected:
  void SetUp() override {
    server.broker.create("clicks", 2);
    FindCoordinatorRequest find;
    find.key = "g";
    EXPECT_EQ(server.ask<FindCoordinatorResponse>(find, 0).error_code, ErrorCode::kNone);
  }

  static JoinGroupRequest join_request(const std::string& group, const std::string& member = "") {
    JoinGroupRequest request;
    request.group_id = group;
    request.member_id = member;
    request.session_timeout_ms = 10'000;
    request.rebalance_timeout_ms = 20'000;
    request.protocol_type = "consumer";
    request.protocols.push_back({.name = "range", .metadata = bytes("topics")});
    return request;
  }

  /// Joins as a client of the version does.
  JoinGroupResponse join(const std::string& group, std::int16_t version) {
    auto answer = server.ask<JoinGroupResponse>(join_request(group), version);
    if (answer.error_code == ErrorCode::kMemberIdRequired) {
      EXPECT_GE(version, 4);
      answer = server.ask<JoinGroupResponse>(join_request(group, answer.member_id), version);
    }
    EXPECT_EQ(answer.error_code, ErrorCode::kNone);
    return answer;
  }
  JoinGroupResponse make_stable(const std::string& group) {
    const auto joined = join(group, 9);
    SyncGroupRequest request;
    request.group_id = group;
    request.generation_id = joined.generation_id;
    request.member_id = joined.member_id;
    request.assignments.push_back({.member_id = joined.member_id, .assignment = bytes("all")});
    EXPECT_EQ(server.ask<SyncGroupResponse>(request, 5).error_code, ErrorCode::kNone);
    return joined;
  }
  OffsetCommitRequest commit_request(const std::string& group, std::int64_t offset) {
    OffsetCommitRequest request;
    request.group_id = group;
    auto& topic = request.topics.emplace_back();
    topic.name = "clicks";
    topic.topic_id = server.broker.core->metadata()->topic("clicks")->id;
    auto& partition = topic.partitions.emplace_back();
    partition.partition_index = PartitionIndex{1};
    partition.committed_offset = Offset{offset};
    partition.committed_metadata = "note";
    return request;
  }

  ServerUnderTest server{{{"group.initial.rebalance.delay.ms", "0"}, {"offsets.topic.num.partitions", "3"}}};
};

TEST_F(GroupHandlers, NameThisBrokerAsCoordinatorInEveryVersion) {
  for_versions(FindCoordinatorRequest::kVersions, [&](std::int16_t version) {
    FindCoordinatorRequest request;
    request.key = "g";
    request.coordinator_keys = {"g", "h"};
    const auto response = server.ask<FindCoordinatorResponse>(request, version);
    if (version < 4) {
      EXPECT_EQ(response.error_code, ErrorCode::kNone);
      EXPECT_EQ(response.host, "broker.example");
      EXPECT_EQ(response.port, 9092);
      return;
    }
    ASSERT_THAT(response.coordinators, SizeIs(2));
    EXPECT_EQ(response.coordinators[1].key, "h");
    EXPECT_EQ(response.coordinators[1].host, "broker.example");
    EXPECT_EQ(response.coordinators[1].node_id, server.broker.core->id());
  });
}

TEST_F(GroupHandlers, HaveNoCoordinatorForKeysOfOtherTypes) {
  FindCoordinatorRequest request;
  request.key_type = 2;
  request.coordinator_keys = {"s"};
  const auto response = server.ask<FindCoordinatorResponse>(request, 4);
  ASSERT_THAT(response.coordinators, SizeIs(1));
  EXPECT_EQ(response.coordinators[0].error_code, ErrorCode::kUnsupportedVersion);
}

TEST_F(GroupHandlers, LetMembersJoinSyncBeatAndLeaveInEveryVersion) {
  for_versions(JoinGroupRequest::kVersions, [&](std::int16_t version) {
    const auto group = "join-" + std::to_string(version);
    const auto joined = join(group, version);
    EXPECT_EQ(joined.generation_id, 1);
    EXPECT_EQ(joined.leader, joined.member_id);
    EXPECT_THAT(joined.member_id, StartsWith("test-"));
    ASSERT_THAT(joined.members, SizeIs(1));
    EXPECT_EQ(joined.members[0].metadata, bytes("topics"));

    SyncGroupRequest sync;
    sync.group_id = group;
    sync.generation_id = 1;
    sync.member_id = joined.member_id;
    sync.assignments.push_back({.member_id = joined.member_id, .assignment = bytes("all")});
    const auto sync_version = std::min(version, SyncGroupRequest::kVersions.last);
    EXPECT_EQ(server.ask<SyncGroupResponse>(sync, sync_version).assignment, bytes("all"));

    HeartbeatRequest beat;
    beat.group_id = group;
    beat.generation_id = 1;
    beat.member_id = joined.member_id;
    const auto beat_version = std::min(version, HeartbeatRequest::kVersions.last);
    EXPECT_EQ(server.ask<HeartbeatResponse>(beat, beat_version).error_code, ErrorCode::kNone);

    LeaveGroupRequest leave;
    leave.group_id = group;
    leave.member_id = joined.member_id;
    leave.members.push_back({.member_id = joined.member_id, .group_instance_id = {}, .reason = {}});
    const auto leave_version = std::min(version, LeaveGroupRequest::kVersions.last);
    EXPECT_EQ(server.ask<LeaveGroupResponse>(leave, leave_version).error_code, ErrorCode::kNone);
    const auto again = server.ask<LeaveGroupResponse>(leave, leave_version);
    const auto error = leave_version < 3 ? again.error_code : again.members.at(0).error_code;
    EXPECT_EQ(error, ErrorCode::kUnknownMemberId);
    EXPECT_EQ(server.ask<HeartbeatResponse>(beat, beat_version).error_code, ErrorCode::kUnknownMemberId);
  });
}

TEST_F(GroupHandlers, StoreAndGiveOffsetsInEveryVersion) {
  for_versions(OffsetCommitRequest::kVersions, [&](std::int16_t version) {
    const auto group = "commit-" + std::to_string(version);
    const auto committed = server.ask<OffsetCommitResponse>(commit_request(group, 40 + version), version);
    ASSERT_THAT(committed.topics, SizeIs(1));
    EXPECT_EQ(committed.topics[0].partitions.at(0).error_code, ErrorCode::kNone);
    for_versions(OffsetFetchRequest::kVersions, [&](std::int16_t fetch_version) {
      OffsetFetchTopic topic;
      topic.name = "clicks";
      topic.topic_id = server.broker.core->metadata()->topic("clicks")->id;
      topic.partition_indexes = {PartitionIndex{0}, PartitionIndex{1}};
      OffsetFetchRequest request;
      request.group_id = group;
      request.topics.emplace().push_back(topic);
      auto& named = request.groups.emplace_back();
      named.group_id = group;
      named.topics.emplace().push_back(topic);
      const auto response = server.ask<OffsetFetchResponse>(request, fetch_version);
      const auto& topics = fetch_version < 8 ? response.topics : response.groups.at(0).topics;
      ASSERT_THAT(topics, SizeIs(1));
      ASSERT_THAT(topics[0].partitions, SizeIs(2));
      EXPECT_EQ(topics[0].partitions[0].committed_offset, kNoOffset);
      EXPECT_EQ(topics[0].partitions[1].committed_offset, Offset{40 + version});
      EXPECT_EQ(topics[0].partitions[1].metadata, "note");
    });
  });
}

TEST_F(GroupHandlers, GiveAllOffsetsOfAGroupThatNamesNone) {
  server.ask<OffsetCommitResponse>(commit_request("g", 5), 9);
  for (std::int16_t version = 2; version <= OffsetFetchRequest::kVersions.last; ++version) {
    SCOPED_TRACE(version);
    OffsetFetchRequest request;
    request.group_id = "g";
    request.groups.emplace_back().group_id = "g";
    const auto response = server.ask<OffsetFetchResponse>(request, version);
    const auto& topics = version < 8 ? response.topics : response.groups.at(0).topics;
    ASSERT_THAT(topics, SizeIs(1));
    ASSERT_THAT(topics[0].partitions, SizeIs(1));
    EXPECT_EQ(topics[0].partitions[0].committed_offset, Offset{5});
    if (version >= 10) {
      EXPECT_EQ(topics[0].topic_id, server.broker.core->metadata()->topic("clicks")->id);
    }
  }
}

TEST_F(GroupHandlers, TellOldClientsOfErrorsInEachPartition) {
  ServerUnderTest without_topic;
  OffsetFetchRequest request;
  request.group_id = "g";
  request.topics.emplace().emplace_back();
  request.topics->at(0).partition_indexes = {PartitionIndex{0}};
  const auto old = without_topic.ask<OffsetFetchResponse>(request, 1);
  EXPECT_EQ(old.topics.at(0).partitions.at(0).error_code, ErrorCode::kNotCoordinator);
  EXPECT_EQ(without_topic.ask<OffsetFetchResponse>(request, 2).error_code, ErrorCode::kNotCoordinator);
}

TEST_F(GroupHandlers, ListGroupsByStateAndType) {
  make_stable("stable");
  server.ask<OffsetCommitResponse>(commit_request("alone", 5), 9);
  for_versions(ListGroupsRequest::kVersions, [&](std::int16_t version) {
    const auto response = server.ask<ListGroupsResponse>(ListGroupsRequest{}, version);
    ASSERT_THAT(response.groups, SizeIs(2));
    EXPECT_EQ(response.groups[0].group_id, "alone");
    EXPECT_EQ(response.groups[0].protocol_type, "");
    EXPECT_EQ(response.groups[1].protocol_type, "consumer");
    if (version >= 4) {
      EXPECT_EQ(response.groups[1].group_state, "Stable");
    }
    if (version >= 5) {
      EXPECT_EQ(response.groups[1].group_type, "classic");
    }
  });
  ListGroupsRequest request;
  request.states_filter = {"stable"};
  EXPECT_THAT(server.ask<ListGroupsResponse>(request, 5).groups, SizeIs(1));
  request.types_filter = {"consumer"};
  EXPECT_THAT(server.ask<ListGroupsResponse>(request, 5).groups, SizeIs(0));
}

TEST_F(GroupHandlers, DescribeGroupsWithTheirMembers) {
  const auto joined = make_stable("g");
  for_versions(DescribeGroupsRequest::kVersions, [&](std::int16_t version) {
    DescribeGroupsRequest request;
    request.groups = {"g", "nothing"};
    request.include_authorized_operations = true;
    const auto response = server.ask<DescribeGroupsResponse>(request, version);
    ASSERT_THAT(response.groups, SizeIs(2));
    const auto& group = response.groups[0];
    EXPECT_EQ(group.group_state, "Stable");
    EXPECT_EQ(group.protocol_data, "range");
    ASSERT_THAT(group.members, SizeIs(1));
    EXPECT_EQ(group.members[0].member_id, joined.member_id);
    EXPECT_EQ(group.members[0].client_id, "test");
    EXPECT_THAT(group.members[0].client_host, StartsWith("/"));
    EXPECT_EQ(group.members[0].member_assignment, bytes("all"));
    EXPECT_EQ(response.groups[1].group_state, "Dead");
    EXPECT_EQ(response.groups[1].error_code, version < 6 ? ErrorCode::kNone : ErrorCode::kGroupIdNotFound);
  });
}

TEST_F(GroupHandlers, DeleteGroupsAndOffsets) {
  make_stable("busy");
  for_versions(DeleteGroupsRequest::kVersions, [&](std::int16_t version) {
    server.ask<OffsetCommitResponse>(commit_request("alone", 5), 9);
    DeleteGroupsRequest request;
    request.groups_names = {"busy", "alone", "nothing"};
    const auto response = server.ask<DeleteGroupsResponse>(request, version);
    ASSERT_THAT(response.results, SizeIs(3));
    EXPECT_EQ(response.results[0].error_code, ErrorCode::kNonEmptyGroup);
    EXPECT_EQ(response.results[1].error_code, ErrorCode::kNone);
    EXPECT_EQ(response.results[2].error_code, ErrorCode::kGroupIdNotFound);
  });
  server.ask<OffsetCommitResponse>(commit_request("alone", 5), 9);
  OffsetDeleteRequest request;
  request.group_id = "alone";
  auto& topic = request.topics.emplace_back();
  topic.name = "clicks";
  topic.partitions.emplace_back().partition_index = PartitionIndex{1};
  const auto response = server.ask<OffsetDeleteResponse>(request, 0);
  EXPECT_EQ(response.error_code, ErrorCode::kNone);
  EXPECT_EQ(response.topics.at(0).partitions.at(0).error_code, ErrorCode::kNone);
  request.group_id = "nothing";
  EXPECT_EQ(server.ask<OffsetDeleteResponse>(request, 0).error_code, ErrorCode::kGroupIdNotFound);
}

TEST_F(GroupHandlers, DoNotLetClientsWriteTheCoordinatorsTopic) {
  auto batch = server.broker.batch({"x"});
  EXPECT_EQ(server.broker.produce_durably("__consumer_offsets", batch).error().code(), ErrorCode::kInvalidTopic);
}

}  // namespace
}  // namespace millrace::test
