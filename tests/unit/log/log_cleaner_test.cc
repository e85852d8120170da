#include "log/log_cleaner.h"

#include "unit/log/compaction_fixture.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;

/// A data folder with compacted partitions.
class LogCleanerTest : public testing::Test {
 protected:
  LogCleanerTest() : disk(3) {
    options.flush_threads = 0;
    options.recovery_threads = 1;
    options.random_seed = 4;
    options.cleaner.step_bytes = 2000;
    options.initial_config.cleanup_compact = true;
    options.initial_config.cleanup_delete = false;
  }
  void open() { manager = LogManager::open(disk, "/data", options, pool, clock, logger).value(); }
  void close() {
    ASSERT_TRUE(manager->close());
    manager.reset();
  }
  static TopicPartition name(const std::string& topic) { return {topic, PartitionIndex{0}}; }
  std::shared_ptr<PartitionLog> create(const std::string& topic) {
    return manager->create(name(topic), {}, options.initial_config).value();
  }
  /// So many records with few keys, in a segment that is closed and durable.
  void fill(PartitionLog& log, int count) {
    for (int i = 0; i < count; ++i) {
      RecordBatchBuilder builder{pool, 1 << 20};
      ASSERT_TRUE(builder.try_append(at(1000), "k" + std::to_string(i % 3), std::to_string(i)));
      const auto batch = builder.finish().value();
      ASSERT_TRUE(log.append(batch.bytes, LeaderEpoch{0}));
    }
    while (manager->run_flush_round()) {
    }
    ASSERT_TRUE(log.roll());
  }
  /// Steps until there is nothing to do; gives how many did something.
  int clean_all() {
    int steps = 0;
    while (manager->clean() < options.cleaner.backoff && steps < 10'000) ++steps;
    return steps;
  }
  std::string checkpoint() { return read_file(disk, "/data/cleaner-offset-checkpoint").value_or(std::string{"none"}); }
  std::size_t count(const PartitionLog& log) { return read_all(log, pool).size(); }

  SimulatedFileSystem disk;
  BufferPool pool;
  ManualClock clock;
  MemoryLogger logger;
  LogManager::Options options;
  std::unique_ptr<LogManager> manager;
};

TEST_F(LogCleanerTest, CleansEveryDirtyLogAndWritesDownHowFar) {
  open();
  const auto one = create("one");
  const auto two = create("two");
  fill(*one, 20);
  fill(*two, 30);
  EXPECT_GT(clean_all(), 2);
  EXPECT_EQ(count(*one), 3U);
  EXPECT_EQ(count(*two), 3U);
  EXPECT_EQ(checkpoint(), "0\n2\none 0 20\ntwo 0 30\n");
  EXPECT_EQ(clean_all(), 0);
}

TEST_F(LogCleanerTest, TheDirtiestIsFirst) {
  options.initial_config.min_cleanable_dirty_ratio = 0;
  open();
  const auto one = create("one");
  const auto two = create("two");
  for (const auto& log : {one, two}) {
    for (int i = 0; i < 300; i += 100) {
      RecordBatchBuilder builder{pool, 1 << 20};
      ASSERT_TRUE(builder.try_append(at(1000), "unique" + std::to_string(i), std::string(3000, 'v')));
      const auto batch = builder.finish().value();
      ASSERT_TRUE(log->append(batch.bytes, LeaderEpoch{0}));
    }
    fill(*log, 1);
  }
  clean_all();
  fill(*one, 10);
  fill(*two, 50);
  const auto text = checkpoint();
  for (int i = 0; i < 1000 && checkpoint() == text; ++i) (void)manager->clean();
  EXPECT_EQ(checkpoint(), "0\n2\none 0 4\ntwo 0 54\n");
}

TEST_F(LogCleanerTest, GoesOnWhereItWasAfterAStart) {
  open();
  fill(*create("one"), 20);
  clean_all();
  close();
  open();
  const auto log = manager->find(name("one")).value();
  EXPECT_EQ(clean_all(), 0);
  EXPECT_EQ(count(*log), 3U);
  fill(*log, 100);
  clean_all();
  EXPECT_EQ(checkpoint(), "0\n1\none 0 120\n");
  EXPECT_EQ(count(*log), 3U);
}

TEST_F(LogCleanerTest, APartitionOfTheSameNameBeginsDirty) {
  open();
  fill(*create("one"), 20);
  clean_all();
  ASSERT_TRUE(manager->remove(name("one")));
  EXPECT_EQ(checkpoint(), "0\n0\n");
  const auto again = create("one");
  fill(*again, 10);
  clean_all();
  EXPECT_EQ(count(*again), 3U);
}

TEST_F(LogCleanerTest, APartitionThatIsRemovedWhileItIsCleanedIsLetGo) {
  open();
  const auto log = create("one");
  fill(*log, 200);
  (void)manager->clean();
  (void)manager->clean();
  ASSERT_TRUE(manager->remove(name("one")));
  const auto again = create("one");
  clean_all();
  EXPECT_EQ(again->log_end(), Offset{0});
  const auto entries = disk.list("/data/one-0").value();
  for (const auto& entry : entries) EXPECT_FALSE(entry.name.ends_with(".cleaned")) << entry.name;
  EXPECT_TRUE(logger.lines().empty()) << logger.lines().front();
}

TEST_F(LogCleanerTest, WaitsAsLongAsItsSpeedDemands) {
  options.cleaner.max_bytes_per_second = 1000;
  open();
  fill(*create("one"), 200);
  const auto wait = manager->clean();
  EXPECT_GE(wait, 1900ms);
  EXPECT_LT(wait, 10s);
}

TEST_F(LogCleanerTest, DoesNothingOnceItIsClosedOrDisabled) {
  open();
  fill(*create("one"), 20);
  (void)manager->clean();
  ASSERT_TRUE(manager->close());
  EXPECT_EQ(manager->clean(), Duration::max());
  manager.reset();
  options.cleaner.enabled = false;
  open();
  EXPECT_EQ(manager->clean(), Duration::max());
}

TEST_F(LogCleanerTest, ALogThatCannotBeCleanedDoesNotKeepTheOthers) {
  open();
  const auto one = create("one");
  const auto two = create("two");
  fill(*one, 50);
  fill(*two, 20);
  disk.inject({.operation = FileOperation::kOpen,
               .path_contains = "one-0/00000000000000000000.log.cleaned",
               .error_number = 5,
               .times = 1000});
  clean_all();
  EXPECT_EQ(count(*two), 3U);
  EXPECT_EQ(count(*one), 50U);
  ASSERT_EQ(logger.lines().size(), 1U);
  EXPECT_NE(logger.lines()[0].find("one-0 could not be compacted this time"), std::string::npos) << logger.lines()[0];
  EXPECT_FALSE(one->failure());
}

}  // namespace
}  // namespace millrace
