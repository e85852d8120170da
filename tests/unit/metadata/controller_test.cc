#include "metadata/controller.h"

#include <gmock/gmock.h>

#include "base/uuid.h"
#include "support/must.h"

namespace millrace::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

/// A controller and the image that its decisions make.
class ControllerTest : public ::testing::Test {
 protected:
  ControllerTest() {
    controller_.use_directories({random_uuid(random_)});
    for (const auto id : {BrokerId{1}, BrokerId{2}, BrokerId{3}}) {
      MetadataRecords records;
      BrokerImage broker;
      broker.id = id;
      controller_.register_broker(*image_, broker, Controller::Bump::kNo, records);
      take(records);
    }
  }

  void take(const MetadataRecords& records) {
    image_ = must(apply_records(*image_, records, image_->last_offset + static_cast<std::int64_t>(records.size())));
  }
  Result<CreatedTopic> create(const CreateTopic& topic) {
    MetadataRecords records;
    auto created = controller_.create_topic(*image_, topic, records);
    if (created) take(records);
    return created;
  }
  ErrorCode refusal(const CreateTopic& topic) {
    const auto created = create(topic);
    return created ? ErrorCode::kNone : created.error().code();
  }
  std::vector<std::vector<BrokerId>> replicas_of(const std::string& topic) {
    std::vector<std::vector<BrokerId>> replicas;
    for (const auto& partition : image_->topic(topic)->partitions) replicas.push_back(partition.replicas);
    return replicas;
  }

  Random random_{5};
  Controller controller_{{.partitions = 2, .replication_factor = 1}, Random{6}};
  std::shared_ptr<const MetadataImage> image_ = std::make_shared<MetadataImage>();
};

TEST_F(ControllerTest, PlacesReplicasOnConsecutiveBrokers) {
  must(create({.name = "orders", .partitions = 4, .replication_factor = 2}));
  EXPECT_THAT(replicas_of("orders"),
              ElementsAre(ElementsAre(BrokerId{1}, BrokerId{2}), ElementsAre(BrokerId{2}, BrokerId{3}),
                          ElementsAre(BrokerId{3}, BrokerId{1}), ElementsAre(BrokerId{1}, BrokerId{2})));
  const auto& partition = image_->topic("orders")->partitions[1];
  EXPECT_EQ(partition.leader, BrokerId{2});
  EXPECT_EQ(partition.leader_epoch, LeaderEpoch{0});
  EXPECT_EQ(partition.in_sync, partition.replicas);
}

TEST_F(ControllerTest, UsesTheDefaultsAndTheAssignmentsItIsGiven) {
  EXPECT_EQ(must(create({.name = "defaults"})).partitions, 2);
  must(create({.name = "assigned", .assignments = {{0, {BrokerId{3}}}, {1, {BrokerId{2}, BrokerId{1}}}}}));
  EXPECT_THAT(replicas_of("assigned"), ElementsAre(ElementsAre(BrokerId{3}), ElementsAre(BrokerId{2}, BrokerId{1})));
}

TEST_F(ControllerTest, RefusesWhatKafkaRefuses) {
  must(create({.name = "or.ders"}));
  EXPECT_EQ(refusal({.name = "or.ders"}), ErrorCode::kTopicAlreadyExists);
  EXPECT_EQ(refusal({.name = "or_ders"}), ErrorCode::kInvalidTopic);
  EXPECT_EQ(refusal({.name = ""}), ErrorCode::kInvalidTopic);
  EXPECT_EQ(refusal({.name = "a/b"}), ErrorCode::kInvalidTopic);
  EXPECT_EQ(refusal({.name = std::string(250, 'a')}), ErrorCode::kInvalidTopic);
  EXPECT_EQ(refusal({.name = "x", .partitions = 0}), ErrorCode::kInvalidPartitions);
  EXPECT_EQ(refusal({.name = "x", .replication_factor = 4}), ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(refusal({.name = "x", .assignments = {{0, {BrokerId{9}}}}}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(refusal({.name = "x", .assignments = {{1, {BrokerId{1}}}}}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(refusal({.name = "x", .assignments = {{0, {BrokerId{1}, BrokerId{1}}}}}),
            ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(refusal({.name = "x", .partitions = 1, .assignments = {{0, {BrokerId{1}}}}}), ErrorCode::kInvalidRequest);
}

TEST_F(ControllerTest, MakesNoMorePartitionsAtOnceThanKafka) {
  EXPECT_EQ(refusal({.name = "x", .partitions = 2147483647}), ErrorCode::kPolicyViolation);
  EXPECT_EQ(refusal({.name = "x", .partitions = 10'001}), ErrorCode::kPolicyViolation);
  must(create({.name = "orders", .partitions = 10'000}));
  MetadataRecords records;
  const auto more = controller_.create_partitions(*image_, {.topic = "orders", .total = 2147483647}, records);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code(), ErrorCode::kPolicyViolation);
  EXPECT_THAT(more.error().message(), HasSubstr("\"orders\""));
}

TEST_F(ControllerTest, ALogThatMakesATopicTwiceIsRefused) {
  // What is removed by its id would leave the other one's name behind.
  must(create({.name = "orders"}));
  protocol::TopicRecord same_name;
  same_name.name = "orders";
  same_name.topic_id = random_uuid(random_);
  protocol::TopicRecord same_id;
  same_id.name = "payments";
  same_id.topic_id = image_->topic("orders")->id;
  for (const MetadataRecord& record : {MetadataRecord{same_name}, MetadataRecord{same_id}}) {
    const auto applied = apply_records(*image_, {&record, 1}, Offset{99});
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().code(), ErrorCode::kCorruptLog);
    EXPECT_THAT(applied.error().message(), HasSubstr("made twice"));
  }
}

TEST_F(ControllerTest, DeletesATopicWithItsSettings) {
  must(create({.name = "orders", .configs = {{"retention.ms", "5"}}}));
  EXPECT_EQ(image_->topic("orders")->configs.at("retention.ms"), "5");
  MetadataRecords records;
  const auto deleted =
      must(controller_.delete_topic(*image_, {.name = {}, .id = image_->topic("orders")->id}, records));
  take(records);
  EXPECT_EQ(deleted.name, "orders");
  EXPECT_EQ(image_->topic("orders"), nullptr);
  EXPECT_EQ(image_->topic(deleted.id), nullptr);
  EXPECT_EQ(controller_.delete_topic(*image_, {.name = "orders"}, records).error().code(),
            ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(controller_.delete_topic(*image_, {.name = {}, .id = deleted.id}, records).error().code(),
            ErrorCode::kUnknownTopicId);
}

TEST_F(ControllerTest, AddsPartitionsAndNeverTakesAny) {
  must(create({.name = "orders", .partitions = 2}));
  MetadataRecords records;
  must(controller_.create_partitions(*image_, {.topic = "orders", .total = 5}, records));
  take(records);
  EXPECT_THAT(image_->topic("orders")->partitions, SizeIs(5));
  const auto fewer = controller_.create_partitions(*image_, {.topic = "orders", .total = 5}, records);
  ASSERT_FALSE(fewer);
  EXPECT_EQ(fewer.error().code(), ErrorCode::kInvalidPartitions);
  EXPECT_THAT(fewer.error().message(), HasSubstr("has 5 partitions already"));
}

TEST_F(ControllerTest, GivesAPartitionTheNextEpochWhenItsLeaderStoppedUncleanly) {
  must(create({.name = "orders", .partitions = 2}));
  MetadataRecords records;
  BrokerImage broker;
  broker.id = BrokerId{1};
  controller_.register_broker(*image_, broker, Controller::Bump::kYes, records);
  take(records);
  EXPECT_EQ(image_->topic("orders")->partitions[0].leader_epoch, LeaderEpoch{1});
  EXPECT_EQ(image_->topic("orders")->partitions[1].leader_epoch, LeaderEpoch{0}) << "another broker leads it";
}

TEST_F(ControllerTest, ASnapshotOfAnImageMakesTheSameImage) {
  must(create({.name = "orders", .partitions = 3, .replication_factor = 2, .configs = {{"retention.ms", "5"}}}));
  must(create({.name = "payments"}));
  MetadataRecords records;
  Controller::set_configs({ResourceType::kBroker, ""}, {}, {{"log.retention.ms", "7"}}, records);
  Controller::set_configs({ResourceType::kGroup, "g"}, {}, {{"consumer.session.timeout.ms", "50000"}}, records);
  Controller::set_configs({ResourceType::kGroup, "h"}, {}, {{"consumer.session.timeout.ms", "50000"}}, records);
  Controller::set_configs({ResourceType::kGroup, "h"}, {{"consumer.session.timeout.ms", "50000"}}, {}, records);
  take(records);

  const auto snapshot = records_of(*image_);
  const auto again = must(apply_records({}, snapshot, image_->last_offset));

  EXPECT_EQ(records_of(*again), snapshot);
  EXPECT_EQ(again->topic("orders")->partitions[2].replicas, image_->topic("orders")->partitions[2].replicas);
  EXPECT_EQ(again->broker_configs.at("").at("log.retention.ms"), "7");
  EXPECT_EQ(again->group_configs.at("g").at("consumer.session.timeout.ms"), "50000");
  EXPECT_FALSE(again->group_configs.contains("h"));
  EXPECT_THAT(again->brokers, SizeIs(3));
}

}  // namespace
}  // namespace millrace::test
