#include <gtest/gtest.h>

#include "server/handlers/handlers.h"
#include "unit/server/server_under_test.h"

namespace millrace {
namespace {

using test::ServerUnderTest;
using namespace protocol;  // NOLINT: the messages are what these tests are about

TEST(MetadataHandler, ShowsTopicsPartitionsAndTheBrokersAddressOfTheListenerInEveryVersion) {
  ServerUnderTest server;
  const auto created = server.broker.create("orders", 3);
  server.broker.core->advertise(Endpoint{.listener = "OTHER", .host = "elsewhere", .port = 1});
  server.broker.executor.run_all();
  test::for_versions(MetadataRequest::kVersions, [&](std::int16_t version) {
    MetadataRequest request;
    request.topics.emplace().emplace_back().name = "orders";
    const auto response = server.ask<MetadataResponse>(request, version);
    ASSERT_EQ(response.brokers.size(), 1U);
    EXPECT_EQ(response.brokers[0].host, "broker.example");
    EXPECT_EQ(response.brokers[0].port, 9092);
    ASSERT_EQ(response.topics.size(), 1U);
    EXPECT_EQ(response.topics[0].error_code, ErrorCode::kNone);
    EXPECT_EQ(response.topics[0].name, "orders");
    EXPECT_EQ(response.topics[0].partitions.size(), 3U);
    if (version >= 10) {
      EXPECT_EQ(response.topics[0].topic_id, created.id);
    }
    if (version >= 1) {
      EXPECT_EQ(response.controller_id, response.brokers[0].node_id);
    }
  });
}

TEST(MetadataHandler, ShowsAPartitionThatIsOfflineWithoutALeader) {
  ServerUnderTest server;
  server.broker.create("orders");
  server.broker.disk.inject(
      {.operation = FileOperation::kSync, .path_contains = "orders-0/00000000000000000000.log", .error_number = EIO});
  EXPECT_FALSE(server.broker.produce_durably("orders", server.broker.batch({"a"})));
  MetadataRequest request;
  request.topics.emplace().emplace_back().name = "orders";
  const auto partition = server.ask<MetadataResponse>(request, 8).topics.at(0).partitions.at(0);
  EXPECT_EQ(partition.error_code, ErrorCode::kLeaderNotAvailable);
  EXPECT_EQ(partition.leader_id, BrokerId{-1});
  EXPECT_EQ(partition.offline_replicas, partition.replica_nodes);
}

TEST(MetadataHandler, TakesNoNamesForAllTopicsAsTheVersionSaysIt) {
  ServerUnderTest server;
  server.broker.create("orders");
  MetadataRequest none;
  none.topics.emplace();
  MetadataRequest all;
  // Version 0 has no null: an empty list asks for all. Later ones ask for none with it.
  EXPECT_FALSE(server.ask<MetadataResponse>(none, 0).topics.empty());
  EXPECT_TRUE(server.ask<MetadataResponse>(none, 1).topics.empty());
  EXPECT_FALSE(server.ask<MetadataResponse>(all, 1).topics.empty());
  EXPECT_FALSE(server.ask<MetadataResponse>(all, 12).topics.empty());
}

TEST(MetadataHandler, MakesAMissingTopicOnlyWhereBothSidesWantIt) {
  MetadataRequest request;
  request.topics.emplace().emplace_back().name = "new";
  request.allow_auto_topic_creation = false;
  {
    ServerUnderTest server;
    EXPECT_EQ(server.ask<MetadataResponse>(request, 8).topics.at(0).error_code, ErrorCode::kUnknownTopicOrPartition);
  }
  request.allow_auto_topic_creation = true;
  {
    ServerUnderTest server;
    EXPECT_EQ(server.ask<MetadataResponse>(request, 8).topics.at(0).error_code, ErrorCode::kNone);
  }
  ServerUnderTest server{{{"auto.create.topics.enable", "false"}}};
  EXPECT_EQ(server.ask<MetadataResponse>(request, 8).topics.at(0).error_code, ErrorCode::kUnknownTopicOrPartition);
}

TEST(MetadataHandler, FindsATopicByIdAndSaysWhichIdItDoesNotKnow) {
  ServerUnderTest server;
  const auto created = server.broker.create("orders");
  MetadataRequest request;
  request.topics.emplace().resize(2);
  (*request.topics)[0].topic_id = created.id;
  (*request.topics)[1].topic_id.bytes[0] = 1;
  const auto response = server.ask<MetadataResponse>(request, 12);
  EXPECT_EQ(response.topics.at(0).name, "orders");
  EXPECT_EQ(response.topics.at(1).error_code, ErrorCode::kUnknownTopicId);
  EXPECT_EQ(response.topics.at(1).name, std::nullopt);
}

TEST(MetadataHandler, RefusesANameThatNoTopicCanHave) {
  ServerUnderTest server;
  MetadataRequest request;
  request.topics.emplace().emplace_back().name = "no spaces";
  EXPECT_EQ(server.ask<MetadataResponse>(request, 8).topics.at(0).error_code, ErrorCode::kInvalidTopic);
}

TEST(TopicHandlers, CreateAndDeleteInEveryVersion) {
  ServerUnderTest server;
  test::for_versions(CreateTopicsRequest::kVersions, [&](std::int16_t version) {
    CreateTopicsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = "topic" + std::to_string(version);
    topic.num_partitions = 2;
    topic.replication_factor = 1;
    auto& config = topic.configs.emplace_back();
    config.name = "retention.ms";
    config.value = "1000";
    auto response = server.ask<CreateTopicsResponse>(request, version);
    EXPECT_EQ(response.topics.at(0).error_code, ErrorCode::kNone) << response.topics.at(0).error_message.value_or("");
    response = server.ask<CreateTopicsResponse>(request, version);
    EXPECT_EQ(response.topics.at(0).error_code, ErrorCode::kTopicAlreadyExists);
  });
  test::for_versions(DeleteTopicsRequest::kVersions, [&](std::int16_t version) {
    const auto name = "topic" + std::to_string(version);
    DeleteTopicsRequest request;
    if (version >= 6)
      request.topics.emplace_back().name = name;
    else
      request.topic_names = {name};
    auto response = server.ask<DeleteTopicsResponse>(request, version);
    EXPECT_EQ(response.responses.at(0).error_code, ErrorCode::kNone);
    EXPECT_EQ(response.responses.at(0).name, name);
    response = server.ask<DeleteTopicsResponse>(request, version);
    EXPECT_EQ(response.responses.at(0).error_code, ErrorCode::kUnknownTopicOrPartition);
  });
}

TEST(TopicHandlers, OnlyValidateWhenThatIsAsked) {
  ServerUnderTest server;
  CreateTopicsRequest request;
  request.validate_only = true;
  auto& topic = request.topics.emplace_back();
  topic.name = "maybe";
  topic.num_partitions = 1;
  topic.replication_factor = 1;
  EXPECT_EQ(server.ask<CreateTopicsResponse>(request, 7).topics.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(server.broker.core->metadata()->topic("maybe"), nullptr);
}

TEST(TopicHandlers, GiveATopicMorePartitionsInEveryVersion) {
  ServerUnderTest server;
  server.broker.create("orders", 1);
  std::int32_t count = 2;
  test::for_versions(CreatePartitionsRequest::kVersions, [&](std::int16_t version) {
    CreatePartitionsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = "orders";
    topic.count = count++;
    const auto response = server.ask<CreatePartitionsResponse>(request, version);
    EXPECT_EQ(response.results.at(0).error_code, ErrorCode::kNone);
  });
  EXPECT_EQ(server.broker.core->metadata()->topic("orders")->partitions.size(), static_cast<std::size_t>(count - 1));
}

TEST(ConfigHandlers, AlterDescribeAndListGroups) {
  constexpr std::int8_t kGroup = 32;
  ServerUnderTest server;
  IncrementalAlterConfigsRequest alter;
  auto& altered = alter.resources.emplace_back();
  altered.resource_type = kGroup;
  altered.resource_name = "g";
  altered.configs.emplace_back().name = "consumer.heartbeat.interval.ms";
  altered.configs.back().value = "7000";
  EXPECT_EQ(server.ask<IncrementalAlterConfigsResponse>(alter, 1).responses.at(0).error_code, ErrorCode::kNone);
  altered.configs.back().value = "1";
  const auto refused = server.ask<IncrementalAlterConfigsResponse>(alter, 1).responses.at(0);
  EXPECT_EQ(refused.error_code, ErrorCode::kInvalidConfig);

  DescribeConfigsRequest describe;
  describe.include_synonyms = true;
  auto& described = describe.resources.emplace_back();
  described.resource_type = kGroup;
  described.resource_name = "g";
  const auto shown = server.ask<DescribeConfigsResponse>(describe, 4).results.at(0);
  ASSERT_EQ(shown.configs.size(), 2U);
  EXPECT_EQ(shown.configs[0].name, "consumer.heartbeat.interval.ms");
  EXPECT_EQ(shown.configs[0].value, "7000");
  EXPECT_EQ(shown.configs[0].config_source, 8);
  EXPECT_EQ(shown.configs[0].synonyms.at(1).name, "group.consumer.heartbeat.interval.ms");
  EXPECT_FALSE(shown.configs[0].read_only);

  ListConfigResourcesRequest list;
  list.resource_types = {kGroup};
  const auto listed = server.ask<ListConfigResourcesResponse>(list, 1).config_resources;
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].resource_name, "g");
  EXPECT_EQ(listed[0].resource_type, kGroup);
}

TEST(ConfigHandlers, DescribeWhatWasAlteredInEveryVersion) {
  ServerUnderTest server;
  server.broker.create("orders");
  test::for_versions(IncrementalAlterConfigsRequest::kVersions, [&](std::int16_t version) {
    IncrementalAlterConfigsRequest request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = 2;
    resource.resource_name = "orders";
    auto& config = resource.configs.emplace_back();
    config.name = "retention.ms";
    config.value = "12345";
    const auto response = server.ask<IncrementalAlterConfigsResponse>(request, version);
    EXPECT_EQ(response.responses.at(0).error_code, ErrorCode::kNone)
        << response.responses.at(0).error_message.value_or("");
  });
  test::for_versions(DescribeConfigsRequest::kVersions, [&](std::int16_t version) {
    DescribeConfigsRequest request;
    request.include_synonyms = true;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = 2;
    resource.resource_name = "orders";
    resource.configuration_keys.emplace().push_back("retention.ms");
    const auto response = server.ask<DescribeConfigsResponse>(request, version);
    ASSERT_EQ(response.results.at(0).configs.size(), 1U);
    const auto& config = response.results[0].configs[0];
    EXPECT_EQ(config.name, "retention.ms");
    EXPECT_EQ(config.value, "12345");
    if (version >= 1) {
      EXPECT_EQ(config.config_source, 1);
      EXPECT_FALSE(config.synonyms.empty());
    }
  });
  test::for_versions(AlterConfigsRequest::kVersions, [&](std::int16_t version) {
    AlterConfigsRequest request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = 2;
    resource.resource_name = "orders";
    resource.configs.emplace_back().name = "no.such.key";
    resource.configs.back().value = "1";
    EXPECT_EQ(server.ask<AlterConfigsResponse>(request, version).responses.at(0).error_code, ErrorCode::kInvalidConfig);
  });
}

TEST(DescribeClusterHandler, ShowsTheBrokerInEveryVersion) {
  ServerUnderTest server;
  test::for_versions(DescribeClusterRequest::kVersions, [&](std::int16_t version) {
    const auto response = server.ask<DescribeClusterResponse>(DescribeClusterRequest{}, version);
    ASSERT_EQ(response.brokers.size(), 1U);
    EXPECT_EQ(response.brokers[0].host, "broker.example");
    EXPECT_FALSE(response.cluster_id.empty());
  });
}

}  // namespace
}  // namespace millrace
