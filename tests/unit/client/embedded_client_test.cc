// What is special about the log in this process: its folder, its broker, its end.

#include "client/embedded/embedded_client.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <latch>
#include <thread>

#include "base/files.h"
#include "millrace/broker.h"
#include "support/temporary_folder.h"
#include "unit/client/log_under_test.h"

namespace millrace::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const TopicPartition kOrders{"orders", PartitionIndex{0}};

void send(Client& client, const std::string& topic, const std::vector<std::string>& values) {
  auto producer = must(client.producer());
  for (const auto& value : values) must(producer->send({.topic = topic, .value = value}));
  must(producer->flush(kPatience));
}

std::unique_ptr<Consumer> reader_of(Client& client, const TopicPartition& partition) {
  auto consumer = must(client.consumer({{"auto.offset.reset", "earliest"}}));
  must(consumer->assign({partition}));
  return consumer;
}

TEST(EmbeddedClient, SharesTheBrokerWithEveryClientOfTheProcessWhateverThePath) {
  const TemporaryFolder folder;
  const auto data = folder.path() + "/data";
  auto first = must(Client::open("embedded:" + data));
  std::filesystem::create_directory_symlink(data, folder.path() + "/link");
  auto second = must(Client::open("embedded:" + folder.path() + "/link"));

  send(*first, "orders", {"a"});
  EXPECT_THAT(poll_records(*reader_of(*second, kOrders), 1), ElementsAre(OwnedRecord{0, "", "a"}));
}

TEST(EmbeddedClient, KeepsTheBrokerOpenAsLongAsAnyHandleLives) {
  const TemporaryFolder folder;
  auto client = must(Client::open("embedded:" + folder.path()));
  auto producer = must(client->producer());
  client.reset();
  must(producer->send({.topic = "orders", .value = "a"}));
  must(producer->flush(kPatience));
  EXPECT_EQ(Broker::open(folder.path()).error().code(), ErrorCode::kInUse);
  producer.reset();
  must(Broker::open(folder.path()));
}

TEST(EmbeddedClient, FindsEverythingAgainWhenTheFolderIsOpenedAgain) {
  const TemporaryFolder folder;
  TopicId id;
  {
    auto client = must(Client::open("embedded:" + folder.path()));
    id = must(must(client->admin())->create_topic({.name = "orders", .configs = {{"retention.bytes", "12345"}}}));
    send(*client, "orders", {"a", "b"});
  }
  auto client = must(Client::open("embedded:" + folder.path()));
  auto admin = must(client->admin());
  EXPECT_EQ(must(admin->describe_topic("orders")).id, id);
  EXPECT_EQ(must(admin->topic_configs("orders")).at("retention.bytes"), "12345");
  send(*client, "orders", {"c"});
  EXPECT_THAT(poll_records(*reader_of(*client, kOrders), 3),
              ElementsAre(OwnedRecord{0, "", "a"}, OwnedRecord{1, "", "b"}, OwnedRecord{2, "", "c"}));
}

TEST(EmbeddedClient, IsToldWhoElseUsesTheFolder) {
  const TemporaryFolder folder;
  PosixFileSystem files;
  const auto other_process = must(files.lock(folder.path() + "/.lock"));
  const auto client = Client::open("embedded:" + folder.path());
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code(), ErrorCode::kInUse);
  EXPECT_THAT(client.error().message(), HasSubstr(folder.path()));
}

TEST(EmbeddedClient, SaysWhatAddressesThereAre) {
  EXPECT_EQ(Client::open("kafka:").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Client::open("kafka:no-port").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Client::open("embedded:").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Client::open("/var/lib/shop").error().code(), ErrorCode::kInvalidArgument);
}

TEST(EmbeddedClient, TakesADamagedPartitionOfflineAndGoesOnWithTheOthers) {
  const TemporaryFolder folder;
  {
    auto client = must(Client::open("embedded:" + folder.path()));
    for (int i = 0; i < 20; ++i) send(*client, "orders", {std::string(2000, 'x')});
    send(*client, "payments", {"fine"});
  }
  {
    std::fstream segment{folder.path() + "/orders-0/00000000000000000000.log",
                         std::ios::in | std::ios::out | std::ios::binary};
    segment.seekp(10'000);
    segment.write("damage", 6);
  }
  auto client = must(Client::open("embedded:" + folder.path()));
  auto consumer = reader_of(*client, kOrders);
  Result<std::vector<PolledBatch>> polled;
  do {
    polled = consumer->poll(kPatience);
  } while (polled && !polled->empty());
  ASSERT_FALSE(polled);
  EXPECT_EQ(polled.error().code(), ErrorCode::kStorageError);
  EXPECT_THAT(polled.error().message(), HasSubstr("orders-0 is offline: "));
  EXPECT_THAT(polled.error().message(), HasSubstr("00000000000000000000.log"));
  EXPECT_THAT(poll_records(*reader_of(*client, {"payments", PartitionIndex{0}}), 1), SizeIs(1));
}

TEST(Broker, ClosesWhateverHandlesAreAlive) {
  const TemporaryFolder folder;
  auto broker = must(Broker::open(folder.path()));
  auto client = must(broker->client());
  send(*client, "orders", {"a"});
  auto producer = must(client->producer());
  auto consumer = must(client->consumer());
  must(consumer->assign({kOrders}));
  std::latch polling{1};
  Result<std::vector<PolledBatch>> polled;
  std::thread poller{[&] {
    polling.count_down();
    polled = consumer->poll(std::chrono::hours{1});
  }};
  polling.wait();

  must(broker->close(kPatience));
  must(broker->close(kPatience));

  poller.join();
  EXPECT_EQ(polled.error().code(), ErrorCode::kClosed);
  must(producer->send({.topic = "orders", .value = "b"}));
  EXPECT_EQ(producer->flush(kPatience).error().code(), ErrorCode::kClosed);
  EXPECT_EQ(must(client->admin())->create_topic({.name = "x"}).error().code(), ErrorCode::kClosed);
  EXPECT_EQ(broker->listen("127.0.0.1:0").error().code(), ErrorCode::kClosed);
}

TEST(Broker, RefusesConfigurationsThatCannotBe) {
  const TemporaryFolder folder;
  const auto message = [&](const Properties& config) { return Broker::open(folder.path(), config).error().message(); };
  EXPECT_THAT(message({{"num.partition", "3"}}), HasSubstr("Did you mean \"num.partitions\"?"));
  EXPECT_THAT(message({{"log.preallocate", "true"}}), HasSubstr("not served here"));
  EXPECT_THAT(message({{"log.dirs", "/a,/b"}}), HasSubstr("names /a, but the folder that is opened is"));
  EXPECT_THAT(message({{"log.dirs", "/a,/b,/a/"}}), HasSubstr("names /a twice"));
  EXPECT_THAT(message({{"log.dirs", "/a,/b,/b/../a"}}), HasSubstr("names /b/../a twice"));
  EXPECT_THAT(message({{"node.id", "x"}}), HasSubstr("whole number"));
}

}  // namespace
}  // namespace millrace::test
