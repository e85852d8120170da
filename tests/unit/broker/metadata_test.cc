// Topics, settings and ids, as a broker keeps them through crashes.

#include <gmock/gmock.h>

#include <set>

#include "broker/kafka_keys.h"
#include "unit/broker/simulated_broker.h"

namespace millrace::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using namespace std::chrono_literals;

std::vector<std::string> topics_of(const SimulatedBroker& broker) {
  std::vector<std::string> names;
  for (const auto& [name, topic] : broker.core->metadata()->topics) names.push_back(name);
  return names;
}

TEST(Metadata, ShowsATopicOnlyWhenItIsDurable) {
  SimulatedBroker broker;
  Caught<std::vector<Result<CreatedTopic>>> answer;
  broker.core->create_topics({{.name = "orders"}}, ValidateOnly::kNo, answer.callback());
  EXPECT_FALSE(answer.came());
  EXPECT_THAT(topics_of(broker), IsEmpty());
  broker.executor.run_all();
  EXPECT_TRUE(answer.came());
  EXPECT_THAT(topics_of(broker), ElementsAre("orders"));
}

TEST(Metadata, AnswersEachTopicOfARequestByItself) {
  SimulatedBroker broker;
  broker.create("there");
  Caught<std::vector<Result<CreatedTopic>>> answer;
  broker.core->create_topics(
      {{.name = "new"}, {.name = "there"}, {.name = "twice"}, {.name = "twice"}, {.name = "b/d"}}, ValidateOnly::kNo,
      answer.callback());
  broker.executor.run_all();
  std::vector<ErrorCode> codes;
  for (const auto& topic : answer.get()) codes.push_back(topic ? ErrorCode::kNone : topic.error().code());
  EXPECT_THAT(codes, ElementsAre(ErrorCode::kNone, ErrorCode::kTopicAlreadyExists, ErrorCode::kInvalidRequest,
                                 ErrorCode::kInvalidRequest, ErrorCode::kInvalidTopic));
  EXPECT_THAT(topics_of(broker), ElementsAre("new", "there"));
}

TEST(Metadata, ARequestGetsNoFurtherThanWhatIsHeldInMemory) {
  SimulatedBroker broker;
  Caught<std::vector<Result<CreatedTopic>>> answer;
  broker.core->create_topics(
      {{.name = "a", .partitions = 9'000}, {.name = "b", .partitions = 9'000}, {.name = "c", .partitions = 1}},
      ValidateOnly::kYes, answer.callback());
  broker.executor.run_all();
  std::vector<ErrorCode> codes;
  for (const auto& topic : answer.get()) codes.push_back(topic ? ErrorCode::kNone : topic.error().code());
  EXPECT_THAT(codes, ElementsAre(ErrorCode::kNone, ErrorCode::kNone, ErrorCode::kPolicyViolation));
}

TEST(Metadata, OnlyChecksWhenItIsAskedTo) {
  SimulatedBroker broker;
  Caught<std::vector<Result<CreatedTopic>>> answer;
  broker.core->create_topics({{.name = "orders"}, {.name = "b/d"}}, ValidateOnly::kYes, answer.callback());
  broker.executor.run_all();
  EXPECT_TRUE(answer.get()[0]);
  EXPECT_FALSE(answer.get()[1]);
  EXPECT_THAT(topics_of(broker), IsEmpty());
}

TEST(Metadata, KeepsWhatItAnsweredWhenThePowerFails) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    SimulatedBroker broker{{}, seed};
    std::vector<std::string> created;
    broker.disk.fail_power_after(seed);
    for (int i = 0; i < 10 && broker.disk.power_is_on(); ++i) {
      const auto name = "topic-" + std::to_string(i);
      Caught<std::vector<Result<CreatedTopic>>> answer;
      broker.core->create_topics({{.name = name, .partitions = 2}}, ValidateOnly::kNo, answer.callback());
      broker.executor.run_all();
      if (answer.came() && answer.get()[0]) created.push_back(name);
    }
    broker.core.reset();
    broker.executor.run_all();
    broker.disk.restore_power();
    broker.open();
    EXPECT_THAT(topics_of(broker), ::testing::IsSupersetOf(created));
    for (const auto& name : created) EXPECT_TRUE(broker.produce_durably(name, broker.batch({"a"})));
  }
}

TEST(Metadata, GivesPartitionsTheNextLeaderEpochAfterACrashAndNotAfterACleanStop) {
  SimulatedBroker broker;
  broker.create("orders");
  const auto epoch = [&] { return broker.core->metadata()->topic("orders")->partitions[0].leader_epoch; };
  broker.reopen();
  EXPECT_EQ(epoch(), LeaderEpoch{0});
  broker.disk.fail_power();
  broker.core.reset();
  broker.executor.run_all();
  broker.disk.restore_power();
  broker.open();
  EXPECT_EQ(epoch(), LeaderEpoch{1});
  must(broker.produce_durably("orders", broker.batch({"a"})));
}

TEST(Metadata, BoundsItsLogBySnapshots) {
  const Properties small{{"metadata.log.max.record.bytes.between.snapshots", "4000"}};
  SimulatedBroker broker{small};
  for (int i = 0; i < 200; ++i) broker.create("topic-" + std::to_string(i));
  Caught<std::vector<Result<DeletedTopic>>> deleted;
  broker.core->delete_topics({{.name = "topic-7"}}, deleted.callback());
  broker.executor.run_all();

  const auto folder = must(broker.disk.list("/data/__cluster_metadata-0"));
  std::uint64_t log_bytes = 0;
  int snapshots = 0;
  for (const auto& entry : folder) {
    if (entry.name.ends_with(".log"))
      log_bytes += must(broker.disk.info("/data/__cluster_metadata-0/" + entry.name)).size;
    snapshots += entry.name.ends_with(".checkpoint") ? 1 : 0;
  }
  EXPECT_LT(log_bytes, 6000U);
  EXPECT_EQ(snapshots, 1);

  const auto before = broker.core->metadata();
  broker.reopen(small);
  const auto after = broker.core->metadata();
  EXPECT_THAT(after->topics, SizeIs(199));
  EXPECT_EQ(after->topic("topic-150")->id, before->topic("topic-150")->id);
  EXPECT_THAT(broker.logger.troubles(), IsEmpty());
  broker.create("topic-7");
}

TEST(Metadata, RefusesADamagedSnapshot) {
  const Properties small{{"metadata.log.max.record.bytes.between.snapshots", "2000"}};
  SimulatedBroker broker{small};
  for (int i = 0; i < 50; ++i) broker.create("topic-" + std::to_string(i));
  broker.core.reset();
  broker.executor.run_all();
  for (const auto& entry : must(broker.disk.list("/data/__cluster_metadata-0"))) {
    if (!entry.name.ends_with(".checkpoint")) continue;
    const auto file = must(broker.disk.open("/data/__cluster_metadata-0/" + entry.name, OpenMode::kReadWrite));
    must(file->write(300, as_bytes("damage")));
  }
  const BrokerEnvironment environment{.executor = broker.executor,
                                      .clock = broker.clock,
                                      .files = broker.disk,
                                      .logger = broker.logger,
                                      .seed = 7,
                                      .flush_threads = 0};
  const auto opened = BrokerCore::open(environment, "/data", must(BrokerConfig::parse({})));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorruptLog);
  EXPECT_THAT(opened.error().message(), HasSubstr(".checkpoint is damaged: wrong checksum"));
}

TEST(Metadata, NeverGivesAProducerIdTwice) {
  SimulatedBroker broker;
  std::set<ProducerId> given;
  const auto take = [&] {
    Caught<Result<ProducerIdentity>> answer;
    broker.core->init_producer_id(answer.callback());
    broker.executor.run_all();
    return must(answer.get());
  };
  for (int i = 0; i < 1500; ++i) EXPECT_TRUE(given.insert(take().id).second);
  broker.reopen();
  for (int i = 0; i < 10; ++i) {
    const auto identity = take();
    EXPECT_TRUE(given.insert(identity.id).second);
    EXPECT_EQ(identity.epoch, ProducerEpoch{0});
  }
}

TEST(Metadata, RemovesTheFilesOfADeletedTopic) {
  SimulatedBroker broker{{{"log.retention.check.interval.ms", "1000"}}};
  broker.create("orders");
  must(broker.produce_durably("orders", broker.batch({"a"})));
  Caught<std::vector<Result<DeletedTopic>>> deleted;
  broker.core->delete_topics({{.name = "orders"}}, deleted.callback());
  broker.executor.run_all();
  broker.executor.advance(2s);
  for (const auto& entry : must(broker.disk.list("/data"))) EXPECT_THAT(entry.name, Not(HasSubstr("orders")));
}

TEST(Metadata, CreatesTopicsThatAreAskedForOnlyWhereItMay) {
  SimulatedBroker broker;
  bool done = false;
  broker.core->ensure_topics({"orders", "__internal", "b/d"}, [&] { done = true; });
  broker.executor.run_all();
  EXPECT_TRUE(done);
  EXPECT_THAT(topics_of(broker), ElementsAre("orders"));

  broker.reopen({{"auto.create.topics.enable", "false"}});
  done = false;
  broker.core->ensure_topics({"payments"}, [&] { done = true; });
  EXPECT_TRUE(done);
  EXPECT_THAT(topics_of(broker), ElementsAre("orders"));
}

TEST(Metadata, ShowsWhereItListens) {
  SimulatedBroker broker;
  broker.core->advertise({.listener = "PLAINTEXT", .host = "127.0.0.1", .port = 9092});
  const auto endpoints = [&] { return broker.core->metadata()->brokers.at(broker.core->id()).endpoints; };
  ASSERT_THAT(endpoints(), SizeIs(1));
  broker.create("orders");
  EXPECT_EQ(endpoints()[0].port, 9092);
  broker.core->withdraw("PLAINTEXT");
  EXPECT_THAT(endpoints(), IsEmpty());
}

TEST(Configs, AreTheTopicsOwnBeforeTheBrokers) {
  SimulatedBroker broker{{{"log.retention.hours", "1"}}};
  broker.create("orders", 1, {{"segment.bytes", "1000"}});
  const auto entry = [&](const std::string& key) {
    return must(broker.core->describe_configs({ResourceType::kTopic, "orders"}, std::span{&key, 1})).at(0);
  };
  EXPECT_EQ(entry("segment.bytes").source, ConfigSource::kTopic);
  EXPECT_EQ(entry("retention.ms").value, "3600000");
  EXPECT_EQ(entry("retention.ms").source, ConfigSource::kStaticBroker);
  EXPECT_EQ(entry("retention.bytes").source, ConfigSource::kDefault);

  Caught<Result<void>> altered;
  broker.core->alter_configs({ResourceType::kBroker, ""}, {{.name = "log.retention.ms", .value = "5000"}},
                             AlterMode::kIncremental, ValidateOnly::kNo, altered.callback());
  broker.executor.run_all();
  must(altered.get());
  EXPECT_EQ(entry("retention.ms").value, "5000");
  EXPECT_EQ(entry("retention.ms").source, ConfigSource::kDynamicDefaultBroker);
  EXPECT_THAT(entry("retention.ms").synonyms, SizeIs(3));
}

TEST(Configs, AreReplacedOrChangedOneByOne) {
  SimulatedBroker broker;
  broker.create("orders", 1, {{"retention.ms", "5000"}});
  const auto alter = [&](const ConfigChange& change, AlterMode mode) {
    Caught<Result<void>> altered;
    broker.core->alter_configs({ResourceType::kTopic, "orders"}, {change}, mode, ValidateOnly::kNo, altered.callback());
    broker.executor.run_all();
    return altered.get() ? ErrorCode::kNone : altered.get().error().code();
  };
  const auto own = [&] { return broker.core->metadata()->topic("orders")->configs; };
  EXPECT_EQ(alter({.name = "cleanup.policy", .op = ConfigOp::kAppend, .value = "compact"}, AlterMode::kIncremental),
            ErrorCode::kNone);
  EXPECT_EQ(own(), (Properties{{"cleanup.policy", "delete,compact"}, {"retention.ms", "5000"}}));
  EXPECT_EQ(alter({.name = "cleanup.policy", .op = ConfigOp::kSubtract, .value = "delete"}, AlterMode::kIncremental),
            ErrorCode::kNone);
  EXPECT_EQ(own().at("cleanup.policy"), "compact");
  EXPECT_EQ(alter({.name = "segment.bytes", .value = "2000"}, AlterMode::kReplace), ErrorCode::kNone);
  EXPECT_EQ(own(), (Properties{{"segment.bytes", "2000"}}));
  EXPECT_EQ(alter({.name = "segment.bytes", .op = ConfigOp::kAppend, .value = "1"}, AlterMode::kIncremental),
            ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter({.name = "preallocate", .value = "true"}, AlterMode::kIncremental), ErrorCode::kInvalidConfig);
}

TEST(Configs, OfAGroupAreItsOwnWithinWhatTheBrokerAllows) {
  SimulatedBroker broker{{{"group.consumer.max.session.timeout.ms", "50000"}}};
  const auto alter = [&](const std::string& key, const std::string& value, ConfigOp op = ConfigOp::kSet) {
    Caught<Result<void>> altered;
    broker.core->alter_configs({ResourceType::kGroup, "g"}, {{.name = key, .op = op, .value = value}},
                               AlterMode::kIncremental, ValidateOnly::kNo, altered.callback());
    broker.executor.run_all();
    return altered.get() ? std::string{} : altered.get().error().message();
  };
  const auto entry = [&](const std::string& key) {
    return must(broker.core->describe_configs({ResourceType::kGroup, "g"}, std::span{&key, 1})).at(0);
  };
  EXPECT_EQ(entry("consumer.session.timeout.ms").value, "45000");
  EXPECT_EQ(entry("consumer.session.timeout.ms").source, ConfigSource::kDefault);
  EXPECT_EQ(entry("consumer.session.timeout.ms").synonyms.at(0).name, "group.consumer.session.timeout.ms");
  EXPECT_EQ(alter("consumer.session.timeout.ms", "50000"), "");
  EXPECT_EQ(alter("consumer.heartbeat.interval.ms", "15000"), "");
  EXPECT_THAT(alter("consumer.session.timeout.ms", "50001"), HasSubstr("45000 to 50000"));
  EXPECT_THAT(alter("consumer.session.timeout.ms", "44999"), HasSubstr("45000 to 50000"));
  EXPECT_THAT(alter("consumer.heartbeat.interval.ms", "4999"), HasSubstr("5000 to 15000"));
  EXPECT_THAT(alter("consumer.session.timeout.ms", "soon"), HasSubstr("consumer.session.timeout.ms"));
  EXPECT_THAT(alter("share.session.timeout.ms", "45000"), HasSubstr("share groups are not served"));
  EXPECT_THAT(alter("consumer.sesion.timeout.ms", "45000"), HasSubstr("consumer.session.timeout.ms"));
  broker.reopen();
  EXPECT_EQ(entry("consumer.session.timeout.ms").value, "50000");
  EXPECT_EQ(entry("consumer.session.timeout.ms").source, ConfigSource::kGroup);
  EXPECT_EQ(alter("consumer.session.timeout.ms", "", ConfigOp::kDelete), "");
  EXPECT_EQ(alter("consumer.heartbeat.interval.ms", "", ConfigOp::kDelete), "");
  EXPECT_THAT(broker.core->metadata()->group_configs, IsEmpty());
  EXPECT_FALSE(broker.core->describe_configs({ResourceType::kGroup, ""}));
}

TEST(Configs, OfAGroupMustNotEndASessionBeforeTheNextHeartbeat) {
  const ConsumerGroupConfig broker{.times = {},
                                   .least_times = {.session_timeout = std::chrono::milliseconds{1000},
                                                   .heartbeat_interval = std::chrono::milliseconds{1000}}};
  EXPECT_TRUE(check_group_configs({{"consumer.session.timeout.ms", "5001"}}, broker));
  EXPECT_FALSE(check_group_configs({{"consumer.session.timeout.ms", "5000"}}, broker));
  // A broker that allows less than it did.
  EXPECT_EQ(times_of({{"consumer.session.timeout.ms", "70000"}}, broker).session_timeout, std::chrono::seconds{60});
}

TEST(KafkaKeys, NoneThatIsServedIsSaidNotToBe) {
  for (const auto& key : broker_config_table().keys()) EXPECT_EQ(why_kafkas_key_is_unserved(key.name), "") << key.name;
}

TEST(Configs, OfTheBrokerDoNotBoundGroupsByNothing) {
  const auto parsed = BrokerConfig::parse({{"group.consumer.min.session.timeout.ms", "60001"}});
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message(), HasSubstr("group.consumer.max.session.timeout.ms"));
}

TEST(Configs, OfCompactionAreCheckedAndHaveTheBrokersAsDefaults) {
  const auto error = [](const Properties& configs) {
    const auto checked = check_topic_configs(configs);
    return checked ? std::string{} : checked.error().message();
  };
  EXPECT_EQ(error({{"cleanup.policy", "compact"}, {"min.cleanable.dirty.ratio", "0.01"}, {"delete.retention.ms", "0"}}),
            "");
  EXPECT_THAT(error({{"min.cleanable.dirty.ratio", "1.5"}}), HasSubstr("between 0 and 1"));
  EXPECT_THAT(error({{"min.cleanable.dirty.ratio", "nan"}}), HasSubstr("min.cleanable.dirty.ratio"));
  EXPECT_THAT(error({{"min.compaction.lag.ms", "-1"}}), HasSubstr("at least 0"));
  EXPECT_THAT(error({{"compression.type", "lzma"}}), HasSubstr("compression.type"));

  const Properties broker{{"log.cleaner.min.cleanable.ratio", "0.25"},
                          {"log.cleaner.delete.retention.ms", "7"},
                          {"log.roll.jitter.ms", "5"},
                          {"log.flush.interval.messages", "10"},
                          {"compression.type", "zstd"},
                          {"compression.zstd.level", "-5"}};
  const auto config = TopicSettings{{{"min.compaction.lag.ms", "3"}}, broker}.log_config();
  EXPECT_EQ(config.min_cleanable_dirty_ratio, 0.25);
  EXPECT_EQ(config.delete_retention, std::chrono::milliseconds{7});
  EXPECT_EQ(config.min_compaction_lag, std::chrono::milliseconds{3});
  EXPECT_EQ(config.max_compaction_lag, std::chrono::milliseconds::max());
  EXPECT_EQ(config.segment_jitter, std::chrono::milliseconds{5});
  EXPECT_EQ(config.flush_messages, 10);
  EXPECT_EQ(config.compression, Compression::kZstd);
  EXPECT_EQ(config.compression_level, -5);
  EXPECT_EQ((TopicSettings{{{"compression.type", "uncompressed"}}, {}}.log_config().compression), Compression::kNone);
  EXPECT_EQ((TopicSettings{{}, {}}.log_config().compression), std::nullopt);
}

TEST(Configs, OfTheBrokerKnowWhichKeysOfKafkaAreNotServed) {
  const auto message = [](const Properties& properties) { return BrokerConfig::parse(properties).error().message(); };
  EXPECT_EQ(message({{"num.partition", "3"}}),
            "configuration: unknown key \"num.partition\". Did you mean \"num.partitions\"?");
  EXPECT_THAT(message({{"sasl.enabled.mechanisms", "PLAIN"}}), HasSubstr("authentication and TLS are not served yet"));
  EXPECT_EQ(message({{"replica.lag.time.max.ms", "1"}}),
            "configuration: Kafka's key \"replica.lag.time.max.ms\" is not served here: replication is not served yet");
  EXPECT_THAT(message({{"config.providers", "file"}}), HasSubstr("Kafka's key"));
  EXPECT_THAT(message({{"listeners", "SSL://:9093"}}), HasSubstr("authentication and TLS are not served yet"));
  EXPECT_THAT(message({{"listeners", "PLAINTEXT//:9093"}}), HasSubstr("NAME://HOST:PORT"));
  const auto shipped = must(BrokerConfig::parse({{"process.roles", "broker,controller"},
                                                 {"listeners", "PLAINTEXT://:9092,CONTROLLER://:9093"},
                                                 {"controller.listener.names", "CONTROLLER"},
                                                 {"log.retention.hours", "2"},
                                                 {"num.io.threads", "8"}}));
  EXPECT_THAT(shipped.listeners(), SizeIs(1));
  EXPECT_THAT(shipped.without_effect(), ElementsAre("controller.listener.names", "num.io.threads", "process.roles"));
  EXPECT_EQ(shipped.get_long("log.retention.ms"), 7'200'000);
}

}  // namespace
}  // namespace millrace::test
