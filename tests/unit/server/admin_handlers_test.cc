// What operators' tools ask: sizes, leaders, replicas, quotas, features.

#include <gtest/gtest.h>

#include <algorithm>

#include "server/handlers/handlers.h"
#include "unit/server/server_under_test.h"

namespace millrace {
namespace {

using test::ServerUnderTest;
using namespace protocol;  // NOLINT: the messages are what these tests are about

const BrokerId kSelf{1};

OffsetForLeaderEpochRequest epoch_question(LeaderEpoch current, LeaderEpoch epoch) {
  OffsetForLeaderEpochRequest request;
  auto& topic = request.topics.emplace_back();
  topic.topic = "orders";
  auto& partition = topic.partitions.emplace_back();
  partition.current_leader_epoch = current;
  partition.leader_epoch = epoch;
  return request;
}

TEST(OffsetForLeaderEpochHandler, TellsInEveryVersionWhereAnEpochEndsThatACrashEnded) {
  ServerUnderTest server;
  server.broker.create("orders");
  ASSERT_TRUE(server.broker.produce_durably("orders", server.broker.batch({"a", "b"})));
  test::for_versions(OffsetForLeaderEpochRequest::kVersions, [&](std::int16_t version) {
    const auto answer =
        server.ask<OffsetForLeaderEpochResponse>(epoch_question(kNoLeaderEpoch, LeaderEpoch{0}), version);
    const auto& end = answer.topics.at(0).partitions.at(0);
    EXPECT_EQ(end.error_code, ErrorCode::kNone);
    EXPECT_EQ(end.end_offset, Offset{2});
    EXPECT_EQ(end.leader_epoch, version >= 1 ? LeaderEpoch{0} : kNoLeaderEpoch);
  });
}

TEST(OffsetForLeaderEpochHandler, FencesWhoBelievesInAnotherLeaderAndKnowsNoFuture) {
  ServerUnderTest server;
  server.broker.create("orders");
  const auto ask = [&](LeaderEpoch current, LeaderEpoch epoch) {
    return server.ask<OffsetForLeaderEpochResponse>(epoch_question(current, epoch), 4).topics.at(0).partitions.at(0);
  };
  EXPECT_EQ(ask(LeaderEpoch{3}, LeaderEpoch{0}).error_code, ErrorCode::kUnknownLeaderEpoch);
  const auto future = ask(LeaderEpoch{0}, LeaderEpoch{1});
  EXPECT_EQ(future.error_code, ErrorCode::kNone);
  EXPECT_EQ(future.end_offset, kNoOffset);
  EXPECT_EQ(future.leader_epoch, kNoLeaderEpoch);
}

TEST(DescribeLogDirsHandler, TellsTheTrueSizesInEveryVersion) {
  ServerUnderTest server;
  server.broker.create("orders", 2);
  server.broker.create("empty");
  const auto batch = server.broker.batch({"a", "b"});
  ASSERT_TRUE(server.broker.produce_durably("orders", batch));
  server.broker.disk.set_capacity(1'000'000);
  test::for_versions(DescribeLogDirsRequest::kVersions, [&](std::int16_t version) {
    const auto all = server.ask<DescribeLogDirsResponse>(DescribeLogDirsRequest{}, version);
    ASSERT_EQ(all.results.size(), 1U);
    EXPECT_EQ(all.results[0].log_dir, "/data");
    ASSERT_EQ(all.results[0].topics.size(), 2U);  // the metadata log is nobody's topic
    EXPECT_EQ(all.results[0].topics[1].name, "orders");
    EXPECT_EQ(all.results[0].topics[1].partitions.at(0).partition_size, static_cast<std::int64_t>(batch.size()));
    EXPECT_EQ(all.results[0].topics[1].partitions.at(1).partition_size, 0);
    if (version >= 4) {
      EXPECT_EQ(all.results[0].total_bytes, 1'000'000);
      EXPECT_GT(all.results[0].usable_bytes, 0);
      EXPECT_LT(all.results[0].usable_bytes, 1'000'000);
    }
    DescribeLogDirsRequest one;
    auto& topic = one.topics.emplace().emplace_back();
    topic.topic = "orders";
    topic.partitions = {PartitionIndex{1}};
    const auto some = server.ask<DescribeLogDirsResponse>(one, version);
    ASSERT_EQ(some.results.at(0).topics.size(), 1U);
    ASSERT_EQ(some.results[0].topics[0].partitions.size(), 1U);
    EXPECT_EQ(some.results[0].topics[0].partitions[0].partition_index, PartitionIndex{1});
  });
}

TEST(AlterReplicaLogDirsHandler, HasOneDirectoryAndNoOther) {
  ServerUnderTest server;
  server.broker.create("orders");
  const auto moved_to = [&](const std::string& path, const std::string& topic_name) {
    AlterReplicaLogDirsRequest request;
    auto& directory = request.dirs.emplace_back();
    directory.path = path;
    auto& topic = directory.topics.emplace_back();
    topic.name = topic_name;
    topic.partitions = {PartitionIndex{0}};
    return server.ask<AlterReplicaLogDirsResponse>(request, 2).results.at(0).partitions.at(0).error_code;
  };
  EXPECT_EQ(moved_to("/data", "orders"), ErrorCode::kNone);
  EXPECT_EQ(moved_to("/data/", "orders"), ErrorCode::kNone);
  EXPECT_EQ(moved_to("/other", "orders"), ErrorCode::kLogDirNotFound);
  EXPECT_EQ(moved_to("data", "orders"), ErrorCode::kLogDirNotFound);
  EXPECT_EQ(moved_to("/data", "none"), ErrorCode::kUnknownTopicOrPartition);
}

TEST(DescribeTopicPartitionsHandler, GivesPagesThatTogetherAreEverything) {
  ServerUnderTest server;
  const auto orders = server.broker.create("orders", 3);
  server.broker.create("access", 2);
  DescribeTopicPartitionsRequest request;
  request.response_partition_limit = 2;
  std::vector<std::string> seen;
  for (int pages = 1;; ++pages) {
    ASSERT_LE(pages, 10);
    const auto page = server.ask<DescribeTopicPartitionsResponse>(request, 0);
    for (const auto& topic : page.topics) {
      EXPECT_EQ(topic.error_code, ErrorCode::kNone);
      if (topic.name == "orders") {
        EXPECT_EQ(topic.topic_id, orders.id);
      }
      for (const auto& partition : topic.partitions) {
        seen.push_back(*topic.name + "-" + std::to_string(partition.partition_index.value()));
        EXPECT_EQ(partition.leader_id, kSelf);
        EXPECT_EQ(partition.isr_nodes, std::vector{kSelf});
      }
    }
    if (!page.next_cursor) break;
    request.cursor = page.next_cursor;
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"access-0", "access-1", "orders-0", "orders-1", "orders-2"}));
}

TEST(DescribeTopicPartitionsHandler, ShowsWhatIsMissingAndWhatIsOffline) {
  ServerUnderTest server;
  server.broker.create("orders");
  server.broker.disk.inject(
      {.operation = FileOperation::kSync, .path_contains = "orders-0/00000000000000000000.log", .error_number = EIO});
  EXPECT_FALSE(server.broker.produce_durably("orders", server.broker.batch({"a"})));
  DescribeTopicPartitionsRequest request;
  request.topics.emplace_back().name = "orders";
  request.topics.emplace_back().name = "none";
  const auto response = server.ask<DescribeTopicPartitionsResponse>(request, 0);
  EXPECT_EQ(response.topics.at(0).error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(response.topics.at(1).partitions.at(0).leader_id, BrokerId{-1});
  EXPECT_EQ(response.topics.at(1).partitions.at(0).offline_replicas, std::vector{kSelf});
}

TEST(ElectLeadersHandler, HasNothingToElectWhileTheBrokerLeads) {
  ServerUnderTest server;
  server.broker.create("orders", 2);
  test::for_versions(ElectLeadersRequest::kVersions, [&](std::int16_t version) {
    ElectLeadersRequest request;
    auto& topic = request.topic_partitions.emplace().emplace_back();
    topic.topic = "orders";
    topic.partitions = {PartitionIndex{0}, PartitionIndex{7}};
    const auto some = server.ask<ElectLeadersResponse>(request, version);
    const auto& results = some.replica_election_results.at(0).partition_result;
    EXPECT_EQ(results.at(0).error_code, ErrorCode::kElectionNotNeeded);
    EXPECT_EQ(results.at(1).error_code, ErrorCode::kUnknownTopicOrPartition);
    request.topic_partitions.reset();
    EXPECT_TRUE(server.ask<ElectLeadersResponse>(request, version).replica_election_results.empty());
  });
}

TEST(ElectLeadersHandler, FindsNobodyElseForAPartitionThatIsOffline) {
  ServerUnderTest server;
  server.broker.create("orders");
  server.broker.disk.inject(
      {.operation = FileOperation::kSync, .path_contains = "orders-0/00000000000000000000.log", .error_number = EIO});
  EXPECT_FALSE(server.broker.produce_durably("orders", server.broker.batch({"a"})));
  const auto elected = [&](std::int8_t type) {
    ElectLeadersRequest request;
    request.election_type = type;
    return server.ask<ElectLeadersResponse>(request, 2);
  };
  EXPECT_EQ(elected(0).replica_election_results.at(0).partition_result.at(0).error_code,
            ErrorCode::kPreferredLeaderNotAvailable);
  EXPECT_EQ(elected(1).replica_election_results.at(0).partition_result.at(0).error_code,
            ErrorCode::kEligibleLeadersNotAvailable);
  EXPECT_EQ(elected(2).error_code, ErrorCode::kInvalidRequest);
}

TEST(ReassignmentHandlers, KeepReplicasWhereTheyAreAndNowhereElse) {
  ServerUnderTest server;
  server.broker.create("orders");
  const auto reassigned = [&](std::optional<std::vector<BrokerId>> replicas, PartitionIndex partition) {
    AlterPartitionReassignmentsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = "orders";
    auto& asked = topic.partitions.emplace_back();
    asked.partition_index = partition;
    asked.replicas = std::move(replicas);
    return server.ask<AlterPartitionReassignmentsResponse>(request, 0).responses.at(0).partitions.at(0).error_code;
  };
  using Replicas = std::vector<BrokerId>;
  EXPECT_EQ(reassigned(Replicas{kSelf}, PartitionIndex{0}), ErrorCode::kNone);
  EXPECT_EQ(reassigned(Replicas{BrokerId{2}}, PartitionIndex{0}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(reassigned(Replicas{kSelf, BrokerId{2}}, PartitionIndex{0}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(reassigned(Replicas{kSelf, kSelf}, PartitionIndex{0}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(reassigned(Replicas{}, PartitionIndex{0}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(reassigned(std::nullopt, PartitionIndex{0}), ErrorCode::kNoReassignmentInProgress);
  EXPECT_EQ(reassigned(Replicas{kSelf}, PartitionIndex{1}), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_TRUE(server.ask<ListPartitionReassignmentsResponse>(ListPartitionReassignmentsRequest{}, 0).topics.empty());
}

TEST(UnregisterBrokerHandler, ForgetsNeitherTheBrokerThatRunsNorOneItDoesNotKnow) {
  ServerUnderTest server;
  const auto forgotten = [&](BrokerId id) {
    UnregisterBrokerRequest request;
    request.broker_id = id;
    return server.ask<UnregisterBrokerResponse>(request, 0).error_code;
  };
  EXPECT_EQ(forgotten(kSelf), ErrorCode::kInvalidRequest);
  EXPECT_EQ(forgotten(BrokerId{9}), ErrorCode::kBrokerIdNotRegistered);
  EXPECT_EQ(server.broker.core->metadata()->brokers.size(), 1U);
}

AlterClientQuotasRequest user_quota(const std::string& user, double rate) {
  AlterClientQuotasRequest request;
  auto& entry = request.entries.emplace_back();
  auto& entity = entry.entity.emplace_back();
  entity.entity_type = "user";
  entity.entity_name = user;
  auto& op = entry.ops.emplace_back();
  op.key = "producer_byte_rate";
  op.value = rate;
  return request;
}

TEST(ClientQuotasHandlers, KeepQuotasThroughARestart) {
  ServerUnderTest server;
  test::for_versions(AlterClientQuotasRequest::kVersions, [&](std::int16_t version) {
    const auto altered = server.ask<AlterClientQuotasResponse>(user_quota("ann", 1000 + version), version);
    EXPECT_EQ(altered.entries.at(0).error_code, ErrorCode::kNone) << altered.entries[0].error_message.value_or("");
    const auto described = server.ask<DescribeClientQuotasResponse>(DescribeClientQuotasRequest{}, version);
    ASSERT_EQ(described.entries.value_or(std::vector<DescribedQuota>{}).size(), 1U);
    EXPECT_EQ(described.entries->at(0).entity.at(0).entity_name, "ann");
    EXPECT_EQ(described.entries->at(0).values.at(0).value, 1000 + version);
  });
  server.session.reset();
  server.broker.reopen();
  EXPECT_EQ(server.broker.core->metadata()->client_quotas.size(), 1U);
}

TEST(ClientQuotasHandlers, AnswerEachOwnerByItselfAndChangeNothingToValidate) {
  ServerUnderTest server;
  auto request = user_quota("ann", 1000);
  const auto wrong = user_quota("bob", -1);
  request.entries.push_back(wrong.entries[0]);
  request.entries.push_back(request.entries[0]);
  request.validate_only = true;
  for (const bool validate_only : {true, false}) {
    request.validate_only = validate_only;
    const auto altered = server.ask<AlterClientQuotasResponse>(request, 1);
    EXPECT_EQ(altered.entries.at(0).error_code, ErrorCode::kNone);
    EXPECT_EQ(altered.entries.at(1).error_code, ErrorCode::kInvalidRequest);
    EXPECT_EQ(altered.entries.at(2).error_code, ErrorCode::kInvalidRequest);
    EXPECT_EQ(server.broker.core->metadata()->client_quotas.size(), validate_only ? 0U : 1U);
  }
}

TEST(FeatureHandlers, FinaliseTheMetadataVersionAndRefuseAnother) {
  ServerUnderTest server;
  const auto versions = server.ask<ApiVersionsResponse>(
      [] {
        ApiVersionsRequest request;
        request.client_software_name = "test";
        request.client_software_version = "1";
        return request;
      }(),
      4);
  const auto metadata_version = [](const auto& feature) { return feature.name == "metadata.version"; };
  EXPECT_TRUE(std::ranges::any_of(versions.supported_features, metadata_version));
  EXPECT_TRUE(std::ranges::any_of(versions.finalized_features, metadata_version));
  EXPECT_GE(versions.finalized_features_epoch, 0);
  test::for_versions(UpdateFeaturesRequest::kVersions, [&](std::int16_t version) {
    UpdateFeaturesRequest request;
    auto& update = request.feature_updates.emplace_back();
    update.feature = "metadata.version";
    update.max_version_level = 30;
    EXPECT_EQ(server.ask<UpdateFeaturesResponse>(request, version).error_code, ErrorCode::kNone);
    update.max_version_level = 20;
    const auto refused = server.ask<UpdateFeaturesResponse>(request, version);
    EXPECT_EQ(refused.error_code, ErrorCode::kInvalidUpdateVersion);
    EXPECT_EQ(refused.results.size(), version <= 1 ? 1U : 0U);
    EXPECT_EQ(server.ask<UpdateFeaturesResponse>(UpdateFeaturesRequest{}, version).error_code,
              ErrorCode::kInvalidRequest);
  });
}

TEST(DescribeQuorumHandler, IsAQuorumOfOneAndLetsNobodyElseVote) {
  ServerUnderTest server;
  server.broker.create("orders");
  test::for_versions(DescribeQuorumRequest::kVersions, [&](std::int16_t version) {
    DescribeQuorumRequest request;
    auto& topic = request.topics.emplace_back();
    topic.topic_name = "__cluster_metadata";
    topic.partitions.emplace_back();
    const auto response = server.ask<DescribeQuorumResponse>(request, version);
    const auto& partition = response.topics.at(0).partitions.at(0);
    EXPECT_EQ(partition.error_code, ErrorCode::kNone);
    EXPECT_EQ(partition.leader_id, kSelf);
    EXPECT_GT(partition.high_watermark, Offset{0});
    EXPECT_EQ(partition.current_voters.at(0).log_end_offset, partition.high_watermark);
    if (version >= 2) {
      EXPECT_EQ(response.nodes.at(0).listeners.at(0).host, "broker.example");
    }
  });
  EXPECT_EQ(server.ask<AddRaftVoterResponse>(AddRaftVoterRequest{}, 1).error_code, ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(server.ask<RemoveRaftVoterResponse>(RemoveRaftVoterRequest{}, 0).error_code,
            ErrorCode::kUnsupportedVersion);
}

TEST(ListConfigResourcesHandler, NamesTopicsAndBrokersAndInVersionZeroNothing) {
  ServerUnderTest server;
  server.broker.create("orders");
  const auto all = server.ask<ListConfigResourcesResponse>(ListConfigResourcesRequest{}, 1);
  ASSERT_EQ(all.config_resources.size(), 2U);
  EXPECT_EQ(all.config_resources[0].resource_name, "orders");
  EXPECT_EQ(all.config_resources[1].resource_name, "1");
  EXPECT_TRUE(server.ask<ListConfigResourcesResponse>(ListConfigResourcesRequest{}, 0).config_resources.empty());
  ListConfigResourcesRequest unknown;
  unknown.resource_types = {99};
  EXPECT_EQ(server.ask<ListConfigResourcesResponse>(unknown, 1).error_code, ErrorCode::kUnsupportedVersion);
}

TEST(DescribeConfigsHandler, RefusesResourcesThatHaveNoSettingsHere) {
  ServerUnderTest server;
  DescribeConfigsRequest request;
  auto& logger = request.resources.emplace_back();
  logger.resource_type = 8;
  logger.resource_name = "1";
  EXPECT_EQ(server.ask<DescribeConfigsResponse>(request, 4).results.at(0).error_code, ErrorCode::kInvalidRequest);
}

TEST(AccessControlHandlers, SayThatThereIsNoAccessControl) {
  ServerUnderTest server;
  EXPECT_EQ(server.ask<DescribeAclsResponse>(DescribeAclsRequest{}, 3).error_code, ErrorCode::kSecurityDisabled);
  CreateAclsRequest create;
  create.creations.resize(2);
  const auto created = server.ask<CreateAclsResponse>(create, 3);
  ASSERT_EQ(created.results.size(), 2U);
  EXPECT_EQ(created.results[1].error_code, ErrorCode::kSecurityDisabled);
  DeleteAclsRequest remove;
  remove.filters.resize(1);
  EXPECT_EQ(server.ask<DeleteAclsResponse>(remove, 3).filter_results.at(0).error_code, ErrorCode::kSecurityDisabled);
}

TEST(ScramHandlers, HaveNoCredentialsAndTakeNone) {
  ServerUnderTest server;
  DescribeUserScramCredentialsRequest describe;
  const auto all = server.ask<DescribeUserScramCredentialsResponse>(describe, 0);
  EXPECT_EQ(all.error_code, ErrorCode::kNone);
  EXPECT_TRUE(all.results.empty());
  describe.users.emplace().emplace_back().name = "ann";
  EXPECT_EQ(server.ask<DescribeUserScramCredentialsResponse>(describe, 0).results.at(0).error_code,
            ErrorCode::kResourceNotFound);
  AlterUserScramCredentialsRequest alter;
  alter.upsertions.emplace_back().name = "ann";
  EXPECT_EQ(server.ask<AlterUserScramCredentialsResponse>(alter, 0).results.at(0).error_code,
            ErrorCode::kUnsupportedSaslMechanism);
}

}  // namespace
}  // namespace millrace
