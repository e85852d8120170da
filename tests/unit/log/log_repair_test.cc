#include "log/log_repair.h"

#include <gmock/gmock.h>

#include "unit/log/log_fixture.h"

namespace millrace {
namespace {

using testing::HasSubstr;

/// A damaged partition, whose broker has stopped.
class LogRepairTest : public LogFixture {
 protected:
  static constexpr auto kSegment = "/data/t-0/00000000000000000000.log";

  void stop() {
    disk.fail_power();
    end_process();
    disk.restart_process();
  }
  std::uint64_t size_of(const Path& path) { return disk.info(path).value().size; }
  void expect_reads(const std::vector<std::string>& values) {
    begin_process();
    open();
    ASSERT_TRUE(log);
    EXPECT_EQ(read_all(*log, pool), values);
  }
};

TEST_F(LogRepairTest, ASoundLogIsLeftAlone) {
  open();
  append({"first"});
  flush();
  append({"second"});
  stop();
  ASSERT_TRUE(disk.open(kSegment, OpenMode::kReadWrite).value()->truncate(size_of(kSegment) - 3));
  const auto changes = disk.changes();
  const auto repair = repair_log(disk, "/data/t-0", RepairMode::kCut).value();
  EXPECT_EQ(repair.damage, "");
  EXPECT_LE(disk.changes(), changes + 1);  // the lock
  expect_reads({"first"});
}

TEST_F(LogRepairTest, OnlyShowsWhatWouldBeLostUntilItIsToldToCut) {
  open();
  append({"first"});
  const auto second = size_of(kSegment);
  append({"second"});
  append({"third", "fourth"});
  flush();
  stop();
  damage(kSegment, second + 65);
  const auto content = read_file(disk, kSegment).value();

  const auto shown = repair_log(disk, "/data/t-0", RepairMode::kShow).value();
  EXPECT_THAT(shown.damage, HasSubstr("wrong checksum in 00000000000000000000.log at byte " + std::to_string(second)));
  EXPECT_EQ(shown.end, Offset{1});
  EXPECT_EQ(shown.lost_end, Offset{4});
  EXPECT_EQ(shown.intact_records, 2U);
  EXPECT_EQ(shown.cut_bytes, content.size() - second);
  EXPECT_TRUE(shown.side_files.empty());
  EXPECT_EQ(read_file(disk, kSegment).value(), content);
  begin_process();
  EXPECT_EQ(try_open().error().code(), ErrorCode::kCorruptLog);
  end_process();

  const auto cut = repair_log(disk, "/data/t-0", RepairMode::kCut).value();
  ASSERT_EQ(cut.side_files.size(), 1U);
  EXPECT_EQ(read_file(disk, cut.side_files[0]).value(), content.substr(second));
  expect_reads({"first"});
  EXPECT_EQ(append({"again"}).base_offset, Offset{1});
}

TEST_F(LogRepairTest, LaterSegmentsAreKeptAsideAsAWhole) {
  config.segment_bytes = 200;
  open();
  for (int i = 0; i < 10; ++i)
    append({"value " + std::to_string(i)}, 1000, {.id = ProducerId{1}, .epoch = ProducerEpoch{0}, .base_sequence = i});
  flush();
  const auto segments = log->segment_count();
  ASSERT_GT(segments, 3U);
  ASSERT_TRUE(log->close());
  log.reset();
  stop();
  damage(kSegment, 65);
  const auto cut = repair_log(disk, "/data/t-0", RepairMode::kCut).value();
  EXPECT_EQ(cut.end, Offset{0});
  EXPECT_EQ(cut.lost_end, Offset{10});
  EXPECT_EQ(cut.side_files.size(), segments);
  expect_reads({});
  EXPECT_EQ(append({"again"}).base_offset, Offset{0});
}

TEST_F(LogRepairTest, AMissingSegmentEndsTheLogBeforeIt) {
  config.segment_bytes = 200;
  open();
  for (int i = 0; i < 10; ++i) append({"value " + std::to_string(i)});
  flush();
  stop();
  ASSERT_TRUE(disk.remove("/data/t-0/00000000000000000002.log"));
  const auto cut = repair_log(disk, "/data/t-0", RepairMode::kCut).value();
  EXPECT_THAT(cut.damage, HasSubstr("no segment holds the offsets 2 to 3"));
  expect_reads({"value 0", "value 1"});
}

TEST_F(LogRepairTest, InterruptedAtAnyChangeItCanBeDoneAgain) {
  config.segment_bytes = 200;
  for (std::uint64_t stop_at = 1; stop_at < 60; ++stop_at) {
    SCOPED_TRACE(stop_at);
    disk.fail_power();
    end_process();
    disk.restore_power();
    ASSERT_TRUE(remove_tree(disk, "/data"));
    ASSERT_TRUE(disk.make_directories("/data/t-0"));
    begin_process();
    open();
    for (int i = 0; i < 10; ++i) append({"value " + std::to_string(i)});
    flush();
    stop();
    damage("/data/t-0/00000000000000000004.log", 65);
    disk.fail_power_after(stop_at);
    (void)repair_log(disk, "/data/t-0", RepairMode::kCut);
    disk.fail_power();
    disk.restore_power();
    ASSERT_TRUE(repair_log(disk, "/data/t-0", RepairMode::kCut));
    expect_reads({"value 0", "value 1", "value 2", "value 3"});
    if (HasFailure()) return;
  }
}

TEST_F(LogRepairTest, NothingIsDoneWhileABrokerUsesTheFolder) {
  open();
  append({"first"});
  const auto lock = disk.lock("/data/.lock").value();
  EXPECT_EQ(repair_log(disk, "/data/t-0", RepairMode::kCut).error().code(), ErrorCode::kInUse);
}

}  // namespace
}  // namespace millrace
