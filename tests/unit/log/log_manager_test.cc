#include "log/log_manager.h"

#include <condition_variable>
#include <thread>

#include "unit/log/log_fixture.h"

namespace millrace {
namespace {

class LogManagerTest : public testing::Test {
 protected:
  static TopicPartition name(int i) { return {"topic", PartitionIndex{i}}; }
  static TopicId id(std::uint8_t i) { return {{i, 1, 2, 3}}; }

  Result<std::unique_ptr<LogManager>> try_open() {
    LogManager::Options options;
    options.flush_threads = 0;
    options.recovery_threads = 2;
    options.random_seed = 5;
    options.checkpoint_interval = std::chrono::milliseconds{0};
    return LogManager::open(disk, "/data", options, pool, clock, logger);
  }
  void open() {
    auto opened = try_open();
    ASSERT_TRUE(opened) << opened.error().message();
    manager = *std::move(opened);
  }
  void crash() {
    disk.fail_power();
    manager.reset();
    disk.restart_process();
  }
  static void append(PartitionLog& log, BufferPool& pool, const std::string& value) {
    const auto batch = Batches{pool}.of({value});
    ASSERT_TRUE(log.append(batch.bytes, LeaderEpoch{0}));
  }

  SimulatedFileSystem disk{3};
  BufferPool pool;
  ManualClock clock;
  MemoryLogger logger;
  std::unique_ptr<LogManager> manager;
};

TEST_F(LogManagerTest, FindsItsPartitionsAgain) {
  open();
  append(*manager->create(name(0), id(1), {}).value(), pool, "a");
  append(*manager->create(name(1), id(1), {}).value(), pool, "b");
  const auto cluster = manager->cluster_id();
  ASSERT_TRUE(manager->close());
  manager.reset();
  open();
  EXPECT_TRUE(manager->was_clean());
  EXPECT_EQ(manager->cluster_id(), cluster);
  ASSERT_EQ(manager->partitions().size(), 2U);
  EXPECT_EQ(manager->partitions()[1].topic_id, id(1));
  EXPECT_EQ(read_all(**manager->find(name(1)), pool), std::vector<std::string>{"b"});
  EXPECT_EQ(manager->create(name(0), id(1), {}).error().code(), ErrorCode::kTopicAlreadyExists);
  EXPECT_EQ(manager->find(name(2)).error().code(), ErrorCode::kUnknownTopicOrPartition);
  crash();
  open();
  EXPECT_FALSE(manager->was_clean());
  EXPECT_EQ(read_all(**manager->find(name(1)), pool), std::vector<std::string>{"b"});
}

TEST_F(LogManagerTest, OneOwnerAtATime) {
  open();
  const auto second = try_open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kInUse);
  EXPECT_NE(second.error().message().find("/data"), std::string::npos);
  ASSERT_TRUE(manager->close());
  EXPECT_TRUE(try_open());
}

TEST_F(LogManagerTest, RefusesAFolderOfANewerVersionOrAnotherNode) {
  open();
  ASSERT_TRUE(manager->close());
  manager.reset();
  ASSERT_TRUE(replace_file(disk, "/data/millrace.format", as_bytes("format=2\n")));
  EXPECT_EQ(try_open().error().code(), ErrorCode::kUnsupported);
  ASSERT_TRUE(replace_file(disk, "/data/millrace.format", as_bytes("format=1\n")));
  ASSERT_TRUE(replace_file(disk, "/data/meta.properties", as_bytes("version=1\nnode.id=2\ncluster.id=x\n")));
  EXPECT_EQ(try_open().error().code(), ErrorCode::kInvalidConfig);
}

TEST_F(LogManagerTest, OneDamagedPartitionIsOfflineAndTheOthersWork) {
  open();
  append(*manager->create(name(0), id(1), {}).value(), pool, "a");
  append(*manager->create(name(1), id(1), {}).value(), pool, "b");
  manager->run_flush_round();
  crash();
  auto file = disk.open("/data/topic-0/00000000000000000000.log", OpenMode::kReadWrite).value();
  ASSERT_TRUE(file->write(65, as_bytes("XXXX")));
  for (const bool again : {false, true}) {
    SCOPED_TRACE(again);
    open();
    EXPECT_EQ(manager->find(name(0)).error().code(), ErrorCode::kCorruptLog);
    EXPECT_FALSE(read_all(**manager->find(name(1)), pool).empty());
    append(**manager->find(name(1)), pool, "c");
    manager->tick();
    // Even a clean stop does not make the damage look settled.
    ASSERT_TRUE(manager->close());
    manager.reset();
  }
  open();
  ASSERT_TRUE(manager->remove(name(0)));
  ASSERT_TRUE(manager->create(name(0), id(2), {}));
}

TEST_F(LogManagerTest, ARemovedPartitionIsGoneAndItsNameCanBeUsedAgain) {
  open();
  auto log = manager->create(name(0), id(1), {}).value();
  for (int i = 0; i < 10; ++i) append(*log, pool, "old");
  manager->run_flush_round();
  ASSERT_TRUE(manager->delete_records(name(0), Offset{10}));
  append(*log, pool, "not flushed");
  ASSERT_TRUE(manager->remove(name(0)));
  EXPECT_EQ(log->append(Batches{pool}.of({"x"}).bytes, LeaderEpoch{0}).error().code(), ErrorCode::kClosed);
  log.reset();
  manager->run_flush_round();
  EXPECT_EQ(manager->find(name(0)).error().code(), ErrorCode::kUnknownTopicOrPartition);
  append(*manager->create(name(0), id(2), {}).value(), pool, "new");
  crash();
  open();
  EXPECT_EQ(read_all(**manager->find(name(0)), pool), std::vector<std::string>{"new"});
  EXPECT_EQ((*manager->find(name(0)))->log_start(), Offset{0});
  manager->tick();
  const auto entries = disk.list("/data").value();
  for (const auto& entry : entries) EXPECT_FALSE(entry.name.ends_with("-delete")) << entry.name;
  EXPECT_TRUE(logger.lines().empty()) << logger.lines()[0];
}

TEST_F(LogManagerTest, DeletedRecordsStayDeletedAfterACrash) {
  open();
  auto log = manager->create(name(0), id(1), {}).value();
  for (int i = 0; i < 10; ++i) append(*log, pool, std::to_string(i));
  manager->run_flush_round();
  ASSERT_TRUE(manager->delete_records(name(0), Offset{4}));
  log.reset();
  disk.fail_power();
  manager.reset();
  disk.restore_power();
  open();
  EXPECT_EQ((*manager->find(name(0)))->log_start(), Offset{4});
}

TEST_F(LogManagerTest, KeepsFewFilesOpenHoweverManyPartitions) {
  LogManager::Options options;
  options.flush_threads = 0;
  options.open_files = 8;
  manager = LogManager::open(disk, "/data", options, pool, clock, logger).value();
  for (int i = 0; i < 50; ++i) append(*manager->create(name(i), id(1), {}).value(), pool, std::to_string(i));
  manager->run_flush_round();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(read_all(**manager->find(name(i)), pool), std::vector{std::to_string(i)});
}

TEST(LogManagerOnThisMachine, ThreadsAppendAndReadAndEverythingIsDurableOnce) {
  PosixFileSystem files;
  const Path directory = testing::TempDir() + "millrace_log_manager_test";
  ASSERT_TRUE(remove_tree(files, directory));
  BufferPool pool;
  SystemClock clock;
  MemoryLogger logger;
  auto manager = LogManager::open(files, directory, {}, pool, clock, logger).value();
  constexpr int kThreads = 4;
  constexpr int kEach = 200;
  std::vector<std::shared_ptr<PartitionLog>> logs;
  for (int i = 0; i < 2; ++i)
    logs.push_back(manager->create({"t", PartitionIndex{i}}, {}, {.segment_bytes = 20'000}).value());
  std::mutex mutex;
  std::condition_variable changed;
  int durable = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        Batches batches{pool};
        for (int i = 0; i < kEach; ++i) {
          auto& log = *logs[static_cast<std::size_t>(t % 2)];
          const auto batch = batches.of({std::to_string(t) + ":" + std::to_string(i) + std::string(100, '.')});
          const auto info = log.append(batch.bytes, LeaderEpoch{0});
          ASSERT_TRUE(info);
          log.when_high_watermark(info->last_offset + 1, [&](const Result<void>& result) {
            const std::lock_guard lock{mutex};
            durable += result ? 1 : 0;
            changed.notify_all();
          });
          (void)log.read(log.log_start(), 10'000, Isolation::kHighWatermark);
        }
      });
    }
  }
  {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return durable == kThreads * kEach; });
  }
  for (const auto& log : logs) EXPECT_EQ(read_all(*log, pool).size(), 2U * kEach);
  logs.clear();
  ASSERT_TRUE(manager->close());
  manager.reset();
  manager = LogManager::open(files, directory, {}, pool, clock, logger).value();
  EXPECT_TRUE(manager->was_clean());
  EXPECT_EQ(read_all(**manager->find({"t", PartitionIndex{1}}), pool).size(), 2U * kEach);
  manager.reset();
  ASSERT_TRUE(remove_tree(files, directory));
}

}  // namespace
}  // namespace millrace
