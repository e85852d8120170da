#include <gmock/gmock.h>

#include <algorithm>
#include <cerrno>

#include "broker/cluster_admin.h"
#include "unit/broker/simulated_broker.h"

namespace millrace::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Properties kTwo{{"log.dirs", "/data,/b"}};

/// A broker with a second folder, and a topic with a partition in each.
class SeveralFolders : public ::testing::Test {
 protected:
  SeveralFolders() {
    broker.create("orders", 2);
    for (const auto partition : {0, 1}) EXPECT_TRUE(produce("orders", partition, "before"));
    in_b = on_disk("/b", "orders", 0) ? 0 : 1;
  }

  bool produce(const std::string& topic, int partition, const std::string& value) {
    auto answer = broker.produce(topic, broker.batch({value}), kAcksAll, PartitionIndex{partition});
    broker.executor.run_all();
    last_error = answer.get().front() ? ErrorCode::kNone : answer.get().front().error().code();
    return last_error == ErrorCode::kNone;
  }
  bool on_disk(const std::string& folder, const std::string& topic, int partition) {
    return must(exists(broker.disk, folder + "/" + topic + "-" + std::to_string(partition)));
  }
  std::int64_t end_of(int partition) {
    return must(broker.core->list_offset({.name = "orders"}, PartitionIndex{partition}, {.kind = OffsetKind::kLatest},
                                         Isolation::kHighWatermark))
        .offset.value();
  }
  void stop() {
    must(broker.core->close(std::chrono::seconds{1}));
    broker.core.reset();
    broker.executor.run_all();
  }
  void let_b_fail() {
    broker.disk.inject({.operation = FileOperation::kOpen, .path_contains = "/b/", .error_number = EIO, .times = 1000});
  }
  void tick() {
    broker.executor.advance(std::chrono::seconds{11});
    broker.executor.run_all();
  }

  SimulatedBroker broker{kTwo};
  ErrorCode last_error = ErrorCode::kNone;
  int in_b = 0;
};

TEST_F(SeveralFolders, ANewPartitionGoesToTheOneThatHasTheFewest) {
  EXPECT_TRUE(on_disk("/b", "orders", in_b));
  EXPECT_TRUE(on_disk("/data", "orders", 1 - in_b));
  EXPECT_TRUE(must(exists(broker.disk, "/data/__cluster_metadata-0")));
  broker.create("more", 4);
  for (const auto* folder : {"/data", "/b"}) {
    int count = 0;
    for (int i = 0; i < 4; ++i) count += on_disk(folder, "more", i) ? 1 : 0;
    EXPECT_EQ(count, 2) << folder;
  }
  EXPECT_TRUE(broker.logger.troubles().empty());
}

TEST_F(SeveralFolders, OneThatCannotBeOpenedTakesOnlyItsPartitionsOfflineUntilItCan) {
  stop();
  let_b_fail();
  broker.open(kTwo);

  EXPECT_THAT(broker.logger.troubles(),
              ElementsAre(AllOf(HasSubstr("the data folder /b is offline"), HasSubstr("Input/output error")),
                          AllOf(HasSubstr("orders-" + std::to_string(in_b)), HasSubstr("is offline"))));
  EXPECT_TRUE(broker.core->is_offline({.name = "orders"}, PartitionIndex{in_b}));
  EXPECT_FALSE(produce("orders", in_b, "lost?"));
  EXPECT_EQ(last_error, ErrorCode::kStorageError);
  EXPECT_TRUE(produce("orders", 1 - in_b, "during"));
  // It is not made anew elsewhere, and what is new does not go there.
  EXPECT_FALSE(on_disk("/data", "orders", in_b));
  broker.create("more", 3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(on_disk("/data", "more", i));
  const auto directories = broker.core->admin().directories();
  ASSERT_EQ(directories.size(), 2U);
  EXPECT_FALSE(directories[0].offline);
  EXPECT_TRUE(directories[1].offline);

  tick();
  EXPECT_EQ(broker.logger.troubles().size(), 2U) << "each time it is tried is not news";
  broker.disk.clear_faults();
  tick();
  EXPECT_THAT(broker.logger.troubles(), Contains(HasSubstr("/b is open again")));
  EXPECT_TRUE(produce("orders", in_b, "after"));
  EXPECT_EQ(end_of(in_b), 2);
  EXPECT_EQ(end_of(1 - in_b), 2);
}

/// Groups with an offset and transactional ids, of which both folders have some.
class CoordinatorsInSeveralFolders : public SeveralFolders {
 protected:
  static constexpr int kIds = 16;

  static std::string id(int i) { return "id-" + std::to_string(i); }
  /// How many groups and ids take one.
  int write_each() {
    int written = 0;
    Caught<Result<void>> ensured[2];
    broker.core->groups().ensure(ensured[0].callback());
    broker.core->transactions().ensure(ensured[1].callback());
    broker.executor.run_all();
    for (int i = 0; i < kIds; ++i) {
      CommitOffsets call;
      call.group = id(i);
      call.offsets.push_back({.topic = {.name = "orders"}, .partition = PartitionIndex{0}, .offset = Offset{i}});
      Caught<std::vector<ErrorCode>> committed;
      broker.core->groups().commit_offsets(call, committed.callback());
      Caught<TransactionAnswer> begun;
      broker.core->transactions().init(id(i), {.timeout = std::chrono::seconds{60}}, begun.callback());
      broker.executor.run_all();
      written += committed.get().front() == ErrorCode::kNone ? 1 : 0;
      written += begun.get().error == ErrorCode::kNone ? 1 : 0;
    }
    return written;
  }
  std::size_t listed_groups() { return must(broker.core->groups().list()).size(); }
  std::size_t listed_transactions() { return must(broker.core->transactions().list({})).size(); }
};

TEST_F(CoordinatorsInSeveralFolders, ServeWhatIsInOneThatCannotBeOpenedOnceItCanBe) {
  ASSERT_EQ(write_each(), 2 * kIds);
  stop();
  let_b_fail();
  broker.open(kTwo);
  // Others are listed, as if another broker led what is missing.
  const auto groups = listed_groups();
  const auto transactions = listed_transactions();
  EXPECT_GT(groups, 0U);
  EXPECT_LT(groups, kIds);
  EXPECT_GT(transactions, 0U);
  EXPECT_LT(transactions, kIds);
  const auto told = broker.logger.troubles().size();
  tick();
  EXPECT_EQ(listed_groups(), groups);
  EXPECT_EQ(broker.logger.troubles().size(), told) << "each time it is tried is not news";

  broker.disk.clear_faults();
  tick();
  tick();
  EXPECT_EQ(listed_groups(), kIds);
  EXPECT_EQ(listed_transactions(), kIds);
  for (int i = 0; i < kIds; ++i) {
    const PartitionRef wanted{.topic = {.name = "orders"}, .partition = PartitionIndex{0}};
    EXPECT_EQ(must(broker.core->groups().fetch_offsets(id(i), std::span{&wanted, 1})).front().offset.offset, Offset{i});
  }
  EXPECT_EQ(write_each(), 2 * kIds);
}

TEST_F(CoordinatorsInSeveralFolders, ServeWhatADiskHadNoRoomForWhenTheTopicsWereMade) {
  for (const auto* topic : {"/b/__consumer_offsets-", "/b/__transaction_state-"}) {
    broker.disk.inject(
        {.operation = FileOperation::kOpen, .path_contains = topic, .error_number = ENOSPC, .times = 100'000});
  }
  ASSERT_LT(write_each(), 2 * kIds);
  broker.disk.clear_faults();
  tick();
  tick();
  EXPECT_EQ(write_each(), 2 * kIds);
}

TEST_F(SeveralFolders, AnEmptyMountPointDoesNotMakePartitionsAnew) {
  stop();
  must(broker.disk.rename("/b", "/b-not-mounted"));
  broker.open(kTwo);
  EXPECT_THAT(broker.logger.troubles(), ElementsAre(AllOf(HasSubstr("orders-" + std::to_string(in_b)),
                                                          HasSubstr("directory.id"), HasSubstr("mount"))));
  EXPECT_FALSE(produce("orders", in_b, "lost?"));
  EXPECT_EQ(last_error, ErrorCode::kStorageError);
  EXPECT_FALSE(on_disk("/b", "orders", in_b));
  EXPECT_TRUE(produce("orders", 1 - in_b, "during"));
}

TEST_F(SeveralFolders, AnotherDiskMountedOverAnOpenFolderIsNotWrittenTo) {
  must(broker.disk.rename("/b", "/b-before"));
  must(broker.disk.make_directories("/b"));
  const std::string other = "cluster.id=x\ndirectory.id=AAAAAAAAAAAAAAAAAAAABw\nnode.id=1\nversion=1\n";
  must(replace_file(broker.disk, "/b/meta.properties", as_bytes(other)));
  // What is held to be written from time to time is due after a minute.
  for (int i = 0; i < 7; ++i) tick();
  EXPECT_THAT(broker.logger.troubles(),
              Contains(AllOf(HasSubstr("/b is another folder"), HasSubstr("Stop the broker"))));
  broker.create("more", 4);
  EXPECT_FALSE(broker.core->close(std::chrono::seconds{1}));
  EXPECT_EQ(must(broker.disk.list("/b")).size(), 1U) << "only what was there";
  broker.core.reset();
  broker.executor.run_all();
}

TEST_F(SeveralFolders, APartitionIsNotMadeAnewWhileItMayLieInAFolderThatIsOffline) {
  const auto name = "orders-" + std::to_string(1 - in_b);
  stop();
  must(broker.disk.rename("/data/" + name, "/b/" + name));
  let_b_fail();
  broker.open(kTwo);
  EXPECT_FALSE(produce("orders", 1 - in_b, "lost?"));
  tick();
  EXPECT_FALSE(on_disk("/data", "orders", 1 - in_b));
  broker.disk.clear_faults();
  tick();
  EXPECT_TRUE(produce("orders", 1 - in_b, "after"));
  EXPECT_EQ(end_of(1 - in_b), 2);
}

TEST_F(SeveralFolders, OnePathThatCannotBeMadeDoesNotTakeItsFolderOffline) {
  for (const auto* folder : {"/data", "/b"}) must(replace_file(broker.disk, std::string{folder} + "/odd-0", {}));
  broker.create("odd");
  EXPECT_FALSE(produce("odd", 0, "refused"));
  for (const auto& directory : broker.core->admin().directories()) EXPECT_FALSE(directory.offline);
  const auto told = broker.logger.troubles().size();
  for (int i = 0; i < 3; ++i) tick();
  EXPECT_EQ(broker.logger.troubles().size(), told) << "each time it is tried is not news";
}

TEST_F(SeveralFolders, WhatWasDeletedWhileAFolderWasOfflineIsRemovedWhenItIsBack) {
  stop();
  let_b_fail();
  broker.open(kTwo);
  broker.core->delete_topics({{.name = "orders"}}, [](const auto&) {});
  broker.executor.run_all();
  tick();
  broker.disk.clear_faults();
  tick();
  EXPECT_FALSE(on_disk("/b", "orders", in_b));
}

TEST_F(SeveralFolders, APartitionThatWasMovedByHandIsFoundAndTheMetadataFollows) {
  const auto name = "orders-" + std::to_string(in_b);
  stop();
  must(broker.disk.rename("/b/" + name, "/data/" + name));
  broker.open(kTwo);
  EXPECT_TRUE(produce("orders", in_b, "after"));
  EXPECT_EQ(end_of(in_b), 2);
  const auto directories = broker.core->admin().directories();
  const auto replicas = broker.core->admin().replicas();
  for (const auto& replica : replicas) EXPECT_EQ(replica.directory_id, directories[0].id);
}

TEST_F(SeveralFolders, APartitionThatLiesInTwoIsOfflineAndNeitherIsGuessed) {
  const auto name = "orders-" + std::to_string(in_b);
  stop();
  must(broker.disk.make_directories("/data/" + name));
  for (const auto& entry : must(broker.disk.list("/b/" + name))) {
    const auto content = must(read_file(broker.disk, "/b/" + name + "/" + entry.name));
    must(replace_file(broker.disk, "/data/" + name + "/" + entry.name, as_bytes(content)));
  }
  broker.open(kTwo);
  EXPECT_THAT(broker.logger.troubles(),
              ElementsAre(AllOf(HasSubstr("/data/" + name), HasSubstr("/b/" + name), HasSubstr("is offline"))));
  EXPECT_FALSE(produce("orders", in_b, "which?"));
  EXPECT_EQ(last_error, ErrorCode::kStorageError);
  EXPECT_TRUE(produce("orders", 1 - in_b, "during"));
}

TEST_F(SeveralFolders, TheMetadataLogIsNotMadeAnewWhereItNeverWas) {
  stop();
  const auto refused = [&](const Properties& config, const std::string& directory) {
    const BrokerEnvironment environment{.executor = broker.executor,
                                        .clock = broker.clock,
                                        .files = broker.disk,
                                        .logger = broker.logger,
                                        .seed = 7,
                                        .flush_threads = 0};
    const auto opened = BrokerCore::open(environment, directory, must(BrokerConfig::parse(config)));
    return opened ? std::string{} : opened.error().message();
  };
  EXPECT_THAT(refused({{"log.dirs", "/b,/data"}}, "/b"),
              AllOf(HasSubstr("the metadata log lies in /data"), HasSubstr("metadata.log.dir")));
  EXPECT_THAT(refused({{"log.dirs", "/c,/data,/b"}}, "/c"), AllOf(HasSubstr("/c is new"), HasSubstr("mounted")));
  EXPECT_FALSE(must(exists(broker.disk, "/c/meta.properties")));
  broker.open({{"log.dirs", "/b,/data"}, {"metadata.log.dir", "/data"}});
  EXPECT_EQ(end_of(in_b), 1);
}

}  // namespace
}  // namespace millrace::test
