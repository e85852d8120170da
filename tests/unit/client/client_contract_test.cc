// What every implementation of `Client` does. A new one adds a line in logs.cc.

#include <gmock/gmock.h>

#include <map>
#include <mutex>
#include <thread>

#include "unit/client/logs.h"

namespace millrace::test {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class ClientContract : public ::testing::TestWithParam<LogKind> {
 protected:
  void SetUp() override {
    if (!GetParam().why_not.empty()) GTEST_SKIP() << GetParam().why_not;
    log_ = GetParam().make();
    client_ = log_->client({});
    admin_ = must(client_->admin());
  }

  void create(const std::string& topic, std::int32_t partitions = 1, const Properties& configs = {}) {
    must(admin_->create_topic({.name = topic, .partitions = partitions, .configs = configs}));
  }

  std::unique_ptr<Consumer> reader_of(std::vector<TopicPartition> partitions, Properties properties = {}) {
    properties.emplace("auto.offset.reset", "earliest");
    auto consumer = must(client_->consumer(properties));
    must(consumer->assign(std::move(partitions)));
    return consumer;
  }

  void send_all(const std::string& topic, const std::vector<std::string>& values, const Properties& properties = {}) {
    auto producer = must(client_->producer(properties));
    for (const auto& value : values) must(producer->send({.topic = topic, .value = value}));
    must(producer->flush(kPatience));
  }

  std::unique_ptr<LogUnderTest> log_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Admin> admin_;
};

const TopicPartition kOrders0{"orders", PartitionIndex{0}};
const TopicPartition kOrders1{"orders", PartitionIndex{1}};

std::vector<std::string> numbers(int count) {
  std::vector<std::string> values;
  values.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) values.push_back(std::to_string(i));
  return values;
}

// --- records ---

TEST_P(ClientContract, GivesTheRecordsOfAPartitionInTheOrderTheyWereSent) {
  create("orders");
  const auto sent = numbers(5000);
  send_all("orders", sent, {{"batch.size", "4096"}});

  const auto records = poll_records(*reader_of({kOrders0}), sent.size());

  ASSERT_EQ(records.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    ASSERT_EQ(records[i].offset, static_cast<std::int64_t>(i));
    ASSERT_EQ(records[i].value, sent[i]);
  }
}

TEST_P(ClientContract, KeepsAbsentAndEmptyApartAndHeadersAndTimestamps) {
  create("orders");
  auto producer = must(client_->producer());
  const Timestamp when{std::chrono::milliseconds{1'700'000'123'456}};
  const Header headers[] = {{"source", "a.log"}, {"empty", ""}, {"absent", nullptr}};
  must(producer->send({.topic = "orders", .key = "", .value = nullptr, .timestamp = when, .headers = headers}));
  must(producer->send({.topic = "orders", .key = nullptr, .value = ""}));
  must(producer->flush(kPatience));

  const auto batches = must(reader_of({kOrders0})->poll(kPatience));

  ASSERT_THAT(batches, SizeIs(1));
  const auto records = batches[0].records();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_FALSE(records[0].key.is_null());
  EXPECT_EQ(records[0].key.size(), 0U);
  EXPECT_TRUE(records[0].value.is_null());
  EXPECT_EQ(records[0].timestamp, when);
  EXPECT_TRUE(records[1].key.is_null());
  EXPECT_FALSE(records[1].value.is_null());
  const auto found = headers_of(records[0]);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].name, "source");
  EXPECT_EQ(found[0].value.text(), "a.log");
  EXPECT_FALSE(found[1].value.is_null());
  EXPECT_TRUE(found[2].value.is_null());
  EXPECT_TRUE(headers_of(records[1]).empty());
}

TEST_P(ClientContract, ReadsBackWhatEveryCodecPacked) {
  for (const std::string codec : {"none", "gzip", "snappy", "lz4", "zstd"}) {
    SCOPED_TRACE(codec);
    create("by-" + codec);
    const std::vector<std::string> sent{std::string(30'000, 'x'), "short", std::string(1000, 'y')};
    send_all("by-" + codec, sent, {{"compression.type", codec}});
    const auto records = poll_records(*reader_of({{"by-" + codec, PartitionIndex{0}}}), sent.size());
    ASSERT_EQ(records.size(), sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) EXPECT_EQ(records[i].value, sent[i]);
  }
}

TEST_P(ClientContract, PutsAKeyWhereKafkasClientsPutIt) {
  create("orders", 100);
  std::map<std::string, std::int32_t> placed;
  std::mutex mutex;
  const std::vector<std::string> keys{"21", "foobar", "a-little-bit-long-string",
                                      "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"};
  auto producer = must(client_->producer({}, [&](const DeliveryReport& report) {
    const std::lock_guard lock{mutex};
    for (const auto token : report.tokens) placed[keys[token]] = report.partition.partition.value();
  }));
  for (std::size_t i = 0; i < keys.size(); ++i) must(producer->send({.topic = "orders", .key = keys[i], .token = i}));
  must(producer->flush(kPatience));

  // Kafka's own test of its murmur2: hashes -973932308, -790332482, -985981536, -58897971.
  const auto expected = [](std::int32_t hash) { return (hash & 0x7fffffff) % 100; };
  EXPECT_EQ(placed["21"], expected(-973932308));
  EXPECT_EQ(placed["foobar"], expected(-790332482));
  EXPECT_EQ(placed["a-little-bit-long-string"], expected(-985981536));
  EXPECT_EQ(placed["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"], expected(-58897971));
}

TEST_P(ClientContract, SpreadsRecordsRoundRobinWhenAsked) {
  create("orders", 4);
  send_all("orders", numbers(40), {{"partitioner", "round_robin"}});
  for (std::int32_t i = 0; i < 4; ++i) {
    const auto end = must(admin_->list_offset({"orders", PartitionIndex{i}}, {.kind = OffsetKind::kLatest}));
    EXPECT_EQ(end.offset, Offset{10});
  }
}

TEST_P(ClientContract, AsksTheProgramsPartitionerForEveryRecordThatNamesNoPartition) {
  create("orders", 4);
  std::vector<std::string> asked;
  // By hand: where it is named, by the first digit, or, for "key", by the key as without it.
  const auto partitioner = [&](const ProducerRecord& record, std::int32_t partitions) -> std::optional<PartitionIndex> {
    EXPECT_EQ(record.topic, "orders");
    EXPECT_EQ(partitions, 4);
    asked.emplace_back(record.value.text());
    if (!record.key.is_null()) return std::nullopt;
    return PartitionIndex{record.value.text().front() - '0'};
  };
  // Small batches, so that many of them begin with a record that the one before had no room for.
  auto producer = must(client_->producer({{"batch.size", "200"}}, {}, partitioner));
  std::vector<std::string> sent;
  for (int i = 0; i < 200; ++i) {
    sent.push_back(std::to_string(i % 3) + std::string(50, 'x') + std::to_string(i));
    must(producer->send({.topic = "orders", .value = sent.back()}));
  }
  must(producer->send({.topic = "orders", .key = "foobar", .value = "by its key"}));
  sent.emplace_back("by its key");
  must(producer->send({.topic = "orders", .partition = PartitionIndex{3}, .value = "named"}));
  must(producer->flush(kPatience));

  EXPECT_EQ(asked, sent);
  // Kafka's murmur2 of "foobar" is -790332482.
  const auto by_key = (-790332482 & 0x7fffffff) % 4;
  const std::int32_t expected[] = {67, 67, 66, 1};
  for (std::int32_t i = 0; i < 4; ++i) {
    const auto end = must(admin_->list_offset({"orders", PartitionIndex{i}}, {.kind = OffsetKind::kLatest}));
    EXPECT_EQ(end.offset, Offset{expected[i] + (i == by_key ? 1 : 0)}) << i;
  }
}

TEST_P(ClientContract, MakesWhatAPartitionerDoesWrongThatRecordsError) {
  create("orders", 2);
  const auto partitioner = [](const ProducerRecord& record, std::int32_t) -> PartitionIndex {
    if (record.value.text() == "throws") throw std::runtime_error{"no such customer"};
    if (record.value.text() == "throws a number") throw 7;
    if (record.value.text() == "too low") return PartitionIndex{-1};
    return PartitionIndex{record.value.text() == "too high" ? 2 : 1};
  };
  auto producer = must(client_->producer({}, {}, partitioner));
  const auto refused = [&](std::string_view value) {
    const auto sent = producer->send({.topic = "orders", .value = value});
    EXPECT_FALSE(sent) << value;
    EXPECT_EQ(sent ? ErrorCode::kNone : sent.error().code(), ErrorCode::kInvalidArgument);
    return sent ? "" : sent.error().message();
  };
  EXPECT_EQ(refused("throws"), "a record for \"orders\" is not sent: the partitioner threw \"no such customer\"");
  EXPECT_EQ(refused("throws a number"),
            "a record for \"orders\" is not sent: the partitioner threw something that is no std::exception");
  EXPECT_EQ(refused("too high"),
            "a record for \"orders\" is not sent: the partitioner put it into partition 2, and there are 2");
  EXPECT_EQ(refused("too low"),
            "a record for \"orders\" is not sent: the partitioner put it into partition -1, and there are 2");
  must(producer->send({.topic = "orders", .value = "right"}));
  must(producer->flush(kPatience));
  EXPECT_THAT(poll_records(*reader_of({kOrders1}), 1), ElementsAre(OwnedRecord{0, "", "right"}));
  EXPECT_EQ(must(admin_->list_offset(kOrders0, {.kind = OffsetKind::kLatest})).offset, Offset{0});
}

TEST_P(ClientContract, ReportsEveryTokenOnceWithItsOffset) {
  create("orders");
  std::vector<std::uint64_t> offset_of_token(3000, UINT64_MAX);
  std::mutex mutex;
  auto producer = must(client_->producer({{"batch.size", "2000"}}, [&](const DeliveryReport& report) {
    const std::lock_guard lock{mutex};
    ASSERT_TRUE(report.base_offset);
    auto offset = static_cast<std::uint64_t>(report.base_offset->value());
    for (const auto token : report.tokens) {
      EXPECT_EQ(offset_of_token[token], UINT64_MAX);
      offset_of_token[token] = offset++;
    }
  }));
  for (std::uint64_t i = 0; i < 3000; ++i) must(producer->send({.topic = "orders", .value = "v", .token = i}));
  must(producer->flush(kPatience));

  for (std::uint64_t i = 0; i < 3000; ++i) ASSERT_EQ(offset_of_token[i], i);
}

TEST_P(ClientContract, MakesATopicThatIsWrittenToForTheFirstTime) {
  send_all("made-by-itself", {"a"});
  EXPECT_EQ(must(admin_->describe_topic("made-by-itself")).partitions.size(), 1U);
}

TEST_P(ClientContract, RefusesRecordsThatCannotBeStored) {
  create("orders");
  auto producer = must(client_->producer({{"message.max.bytes", "1000"}}));
  const auto too_large = producer->send({.topic = "orders", .value = std::string(1001, 'x')});
  ASSERT_FALSE(too_large);
  EXPECT_EQ(too_large.error().code(), ErrorCode::kMessageTooLarge);
  const auto no_partition = producer->send({.topic = "orders", .partition = PartitionIndex{1}, .value = "x"});
  ASSERT_FALSE(no_partition);
  EXPECT_EQ(no_partition.error().code(), ErrorCode::kUnknownTopicOrPartition);
  const auto bad_name = producer->send({.topic = "no/topic", .value = "x"});
  ASSERT_FALSE(bad_name);
  EXPECT_EQ(bad_name.error().code(), ErrorCode::kUnknownTopicOrPartition);
}

TEST_P(ClientContract, ReportsABatchThatTheTopicRefusesAndGoesOn) {
  create("orders", 1, {{"max.message.bytes", "500"}});
  std::vector<ErrorCode> codes;
  std::mutex mutex;
  auto producer = must(client_->producer({}, [&](const DeliveryReport& report) {
    const std::lock_guard lock{mutex};
    codes.push_back(report.base_offset ? ErrorCode::kNone : report.base_offset.error().code());
  }));
  must(producer->send({.topic = "orders", .value = std::string(600, 'x')}));
  const auto flushed = producer->flush(kPatience);
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().code(), ErrorCode::kMessageTooLarge);

  must(producer->send({.topic = "orders", .value = "fits"}));
  must(producer->flush(kPatience));

  EXPECT_THAT(codes, ElementsAre(ErrorCode::kMessageTooLarge, ErrorCode::kNone));
  EXPECT_THAT(poll_records(*reader_of({kOrders0}), 1), ElementsAre(OwnedRecord{0, "", "fits"}));
}

TEST_P(ClientContract, SaysClosedAfterClose) {
  create("orders");
  auto producer = must(client_->producer());
  must(producer->close(kPatience));
  must(producer->close(kPatience));
  EXPECT_EQ(producer->send({.topic = "orders"}).error().code(), ErrorCode::kClosed);
  auto consumer = reader_of({kOrders0});
  (void)consumer->close(kPatience);
  (void)consumer->close(kPatience);
  EXPECT_EQ(consumer->poll(kPatience).error().code(), ErrorCode::kClosed);
}

// --- consumer ---

TEST_P(ClientContract, StartsWhereItIsTold) {
  create("orders");
  send_all("orders", numbers(10));
  auto consumer = reader_of({kOrders0});
  must(consumer->seek(kOrders0, Offset{7}));
  EXPECT_EQ(poll_records(*consumer, 3).front().value, "7");
  must(consumer->seek(kOrders0, StartAt::kEarliest));
  EXPECT_EQ(poll_records(*consumer, 10).front().value, "0");
  must(consumer->seek(kOrders0, StartAt::kLatest));
  EXPECT_EQ(must(consumer->position(kOrders0)), Offset{10});
  EXPECT_THAT(must(consumer->poll(Duration::zero())), SizeIs(0));
}

TEST_P(ClientContract, FindsAnOffsetByTime) {
  create("orders");
  auto producer = must(client_->producer());
  const Timestamp start{std::chrono::milliseconds{1'700'000'000'000}};
  for (int i = 0; i < 100; ++i) {
    must(producer->send({.topic = "orders", .value = "v", .timestamp = start + std::chrono::seconds{i}}));
  }
  must(producer->flush(kPatience));

  const auto at = [&](Timestamp time) { return must(admin_->list_offset(kOrders0, {OffsetKind::kByTime, time})); };
  EXPECT_EQ(at(start + std::chrono::milliseconds{41'500}).offset, Offset{42});
  EXPECT_EQ(at(start + std::chrono::milliseconds{41'500}).timestamp, start + std::chrono::seconds{42});
  EXPECT_EQ(at(start - std::chrono::hours{1}).offset, Offset{0});
  EXPECT_EQ(at(start + std::chrono::hours{1}).offset, kNoOffset);
  EXPECT_EQ(must(admin_->list_offset(kOrders0, {.kind = OffsetKind::kMaxTimestamp})).offset, Offset{99});
}

TEST_P(ClientContract, KeepsThePositionOfAPartitionThatStaysAssigned) {
  create("orders", 2);
  auto producer = must(client_->producer());
  for (int i = 0; i < 6; ++i) {
    must(producer->send({.topic = "orders", .partition = PartitionIndex{i % 2}, .value = std::to_string(i)}));
  }
  must(producer->flush(kPatience));
  auto consumer = reader_of({kOrders0});
  poll_records(*consumer, 3);

  must(consumer->assign({kOrders0, kOrders1}));

  EXPECT_EQ(must(consumer->position(kOrders0)), Offset{3});
  EXPECT_EQ(must(consumer->position(kOrders1)), Offset{0});
  EXPECT_EQ(consumer->assign({{"orders", PartitionIndex{2}}}).error().code(), ErrorCode::kUnknownTopicOrPartition);
}

TEST_P(ClientContract, ReadsAPartitionOnceThatIsNamedTwice) {
  create("orders");
  send_all("orders", numbers(3));
  const auto consumer = reader_of({kOrders0, kOrders0});
  EXPECT_THAT(consumer->assignment(), ElementsAre(kOrders0));
  EXPECT_THAT(poll_records(*consumer, 3), SizeIs(3));
  EXPECT_THAT(must(consumer->poll(Duration::zero())), SizeIs(0));
}

TEST_P(ClientContract, GivesNothingOfAPausedPartition) {
  create("orders", 2);
  auto producer = must(client_->producer());
  for (int i = 0; i < 2; ++i) must(producer->send({.topic = "orders", .partition = PartitionIndex{i}, .value = "v"}));
  must(producer->flush(kPatience));
  auto consumer = reader_of({kOrders0, kOrders1});
  must(consumer->pause(std::vector{kOrders0}));
  const auto batches = must(consumer->poll(kPatience));
  ASSERT_THAT(batches, SizeIs(1));
  EXPECT_EQ(batches[0].partition(), kOrders1);
  must(consumer->resume(std::vector{kOrders0}));
  EXPECT_EQ(must(consumer->poll(kPatience))[0].partition(), kOrders0);
}

TEST_P(ClientContract, LetsPartitionsTakeTurns) {
  if (GetParam().kind != LogKind::Kind::kEmbedded) GTEST_SKIP() << "librdkafka gives what it has fetched, in its order";
  create("orders", 3);
  auto producer = must(client_->producer());
  const std::string value(1000, 'x');
  for (int i = 0; i < 300; ++i) {
    must(producer->send({.topic = "orders", .partition = PartitionIndex{i % 3}, .value = value}));
    if (i % 30 == 29) must(producer->flush(kPatience));
  }
  auto consumer = reader_of({kOrders0, kOrders1, {"orders", PartitionIndex{2}}}, {{"fetch.max.bytes", "1"}});
  std::vector<std::int32_t> order;
  for (int i = 0; i < 6; ++i) {
    for (const auto& batch : must(consumer->poll(kPatience))) order.push_back(batch.partition().partition.value());
  }
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 0, 1, 2));
}

TEST_P(ClientContract, EndsAPollThatWaitsWhenARecordArrives) {
  create("orders");
  auto consumer = reader_of({kOrders0});
  auto producer = must(client_->producer({{"linger.ms", "0"}}));
  std::thread sender{[&] { must(producer->send({.topic = "orders", .value = "hello"})); }};
  const auto records = poll_records(*consumer, 1);
  sender.join();
  EXPECT_THAT(records, ElementsAre(OwnedRecord{0, "", "hello"}));
}

TEST_P(ClientContract, EndsAPollThatWaitsWhenItIsWokenUp) {
  create("orders");
  auto consumer = reader_of({kOrders0});
  std::thread waker{[&] { consumer->wakeup(); }};
  EXPECT_THAT(must(consumer->poll(std::chrono::hours{1})), SizeIs(0));
  waker.join();
}

TEST_P(ClientContract, KeepsTheBytesOfABatchAfterTheConsumerIsGone) {
  create("orders");
  send_all("orders", {"still here"});
  auto consumer = reader_of({kOrders0});
  const auto batches = must(consumer->poll(kPatience));
  consumer.reset();
  EXPECT_EQ(batches.at(0).records()[0].value.text(), "still here");
}

// --- admin ---

TEST_P(ClientContract, DescribesWhatItCreated) {
  const auto id =
      must(admin_->create_topic({.name = "orders", .partitions = 3, .configs = {{"retention.ms", "1000"}}}));
  const auto topic = must(admin_->describe_topic("orders"));
  EXPECT_EQ(topic.id, id);
  EXPECT_FALSE(id.is_nil());
  EXPECT_EQ(topic.partitions.size(), 3U);
  EXPECT_EQ(topic.partitions[2].leader, topic.partitions[2].replicas.at(0));
  EXPECT_THAT(must(admin_->list_topics()), ::testing::Contains("orders"));
  const auto configs = must(admin_->topic_configs("orders"));
  EXPECT_EQ(configs.at("retention.ms"), "1000");
  EXPECT_EQ(configs.at("segment.bytes"), "1073741824");
}

TEST_P(ClientContract, RefusesTopicsThatCannotBe) {
  create("orders");
  const auto code = [&](const NewTopic& topic) { return admin_->create_topic(topic).error().code(); };
  EXPECT_EQ(code({.name = "orders"}), ErrorCode::kTopicAlreadyExists);
  EXPECT_EQ(code({.name = "a b"}), ErrorCode::kInvalidTopic);
  EXPECT_EQ(code({.name = ".."}), ErrorCode::kInvalidTopic);
  EXPECT_EQ(code({.name = "x", .partitions = 0}), ErrorCode::kInvalidPartitions);
  EXPECT_EQ(code({.name = "x", .replication_factor = 3}), ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(code({.name = "x", .configs = {{"retention.ms", "soon"}}}), ErrorCode::kInvalidConfig);
  EXPECT_EQ(admin_->describe_topic("x").error().code(), ErrorCode::kUnknownTopicOrPartition);
  if (!GetParam().is_ours()) return;
  const auto unknown = admin_->create_topic({.name = "x", .configs = {{"retention.sm", "1"}}});
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message(), ::testing::HasSubstr("Did you mean \"retention.ms\"?"));
}

TEST_P(ClientContract, ChangesSomeSettingsAndLeavesTheOthers) {
  create("orders", 1, {{"retention.ms", "1000"}, {"retention.bytes", "5000"}});
  const std::vector<std::pair<std::string, std::optional<std::string>>> changes{{"retention.ms", std::nullopt},
                                                                                {"max.message.bytes", "2000"}};
  must(admin_->alter_topic_configs("orders", changes));
  const auto configs = must(admin_->topic_configs("orders"));
  EXPECT_EQ(configs.at("retention.ms"), "604800000");
  EXPECT_EQ(configs.at("retention.bytes"), "5000");
  EXPECT_EQ(configs.at("max.message.bytes"), "2000");
}

TEST_P(ClientContract, DeletesATopicAndMakesAnotherOfThatName) {
  create("orders");
  send_all("orders", {"old"});
  must(admin_->delete_topic("orders"));
  EXPECT_EQ(admin_->delete_topic("orders").error().code(), ErrorCode::kUnknownTopicOrPartition);
  create("orders");
  send_all("orders", {"new"});
  EXPECT_THAT(poll_records(*reader_of({kOrders0}), 1), ElementsAre(OwnedRecord{0, "", "new"}));
}

TEST_P(ClientContract, ForgetsDeletedRecords) {
  create("orders");
  send_all("orders", numbers(10));
  EXPECT_EQ(must(admin_->delete_records(kOrders0, Offset{4})), Offset{4});
  EXPECT_EQ(must(admin_->list_offset(kOrders0, {.kind = OffsetKind::kEarliest})).offset, Offset{4});
  EXPECT_EQ(admin_->delete_records(kOrders0, Offset{11}).error().code(), ErrorCode::kOffsetOutOfRange);

  auto consumer = reader_of({kOrders0});
  must(consumer->seek(kOrders0, Offset{0}));
  EXPECT_EQ(poll_records(*consumer, 6).front().value, "4");
  auto strict = must(client_->consumer({{"auto.offset.reset", "none"}}));
  must(strict->assign({kOrders0}));
  must(strict->seek(kOrders0, Offset{0}));
  EXPECT_EQ(strict->poll(kPatience).error().code(), ErrorCode::kOffsetOutOfRange);
}

TEST_P(ClientContract, TellsHowLargeAPartitionIs) {
  create("orders", 2);
  send_all("orders", {std::string(10'000, 'x')}, {{"partitioner", "round_robin"}});
  EXPECT_GT(must(admin_->partition_size(kOrders0)) + must(admin_->partition_size(kOrders1)), 10'000U);
  EXPECT_EQ(admin_->partition_size({"orders", PartitionIndex{2}}).error().code(), ErrorCode::kUnknownTopicOrPartition);
}

TEST_P(ClientContract, DoesNotDeleteRecordsOfACompactedTopic) {
  create("totals", 1, {{"cleanup.policy", "compact"}});
  EXPECT_EQ(admin_->delete_records({"totals", PartitionIndex{0}}, Offset{0}).error().code(),
            ErrorCode::kPolicyViolation);
}

TEST_P(ClientContract, NamesAnUnknownKeyAndTheOneThatWasMeant) {
  const auto producer = client_->producer({{"linger.sm", "5"}});
  ASSERT_FALSE(producer);
  EXPECT_EQ(producer.error().message(), "producer: unknown key \"linger.sm\". Did you mean \"linger.ms\"?");
}

INSTANTIATE_TEST_SUITE_P(Logs, ClientContract, ::testing::ValuesIn(log_kinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace millrace::test
