#include <algorithm>

#include "base/random.h"
#include "log/segment.h"
#include "unit/log/log_fixture.h"

namespace millrace {
namespace {

constexpr auto kSegment = "/data/t-0/00000000000000000000.log";
constexpr auto kIndex = "/data/t-0/00000000000000000000.index";
constexpr auto kTimeIndex = "/data/t-0/00000000000000000000.timeindex";

class RecoveryTest : public LogFixture {
 protected:
  std::uint64_t size_of(const Path& path) { return disk.info(path).value().size; }

  /// An empty log in an empty folder.
  void start_over() {
    disk.fail_power();
    end_process();
    disk.restore_power();
    ASSERT_TRUE(remove_tree(disk, "/data"));
    ASSERT_TRUE(disk.make_directories("/data/t-0"));
    begin_process();
    open();
  }

  /// Everything below the high watermark, or why it cannot be read.
  Result<std::vector<std::string>> try_read_all() {
    std::vector<std::string> values;
    for (auto next = log->log_start(); next < log->high_watermark();) {
      MILLRACE_TRY(slice, log->read(next, 700, Isolation::kHighWatermark));
      const auto some = values_in(slice.bytes, pool);
      values.insert(values.end(), some.begin(), some.end());
      for (BatchCursor cursor{slice.bytes}; cursor.next();) next = cursor.batch().next_offset();
    }
    return values;
  }

  /// The segments' files, oldest first.
  std::vector<Path> segment_files() {
    std::vector<Path> logs;
    const auto entries = disk.list("/data/t-0").value();
    for (const auto& entry : entries) {
      if (entry.name.ends_with(".log")) logs.push_back(join("/data/t-0", entry.name));
    }
    std::ranges::sort(logs);
    return logs;
  }
  /// Thirty records in segments of a few.
  void fill_segments() {
    config.segment_bytes = 500;
    config.index_interval_bytes = 100;
    start_over();
    for (int i = 0; i < 30; ++i) append({"value " + std::to_string(i)});
    flush();
  }
  /// Expects that a log with a hole after `from` is refused, and that nothing is changed.
  void expect_hole(const LogHints& hints, const std::string& from) {
    const auto changes = disk.changes();
    const auto opened = try_open(hints);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), ErrorCode::kCorruptLog);
    const auto& message = opened.error().message();
    EXPECT_EQ(message.find("t-0 is offline: no segment holds the offsets " + from + " to "), 0U) << message;
    EXPECT_EQ(disk.changes(), changes);
  }

  /// The process dies; everything it wrote is there.
  void kill() {
    disk.fail_power();
    end_process();
    disk.restart_process();
    begin_process();
  }
};

TEST_F(RecoveryTest, AfterACleanCloseNothingIsScanned) {
  open();
  for (int i = 0; i < 1000; ++i) append({std::string(100, 'x')});
  close_and_open();
  EXPECT_TRUE(log->recovery_report().clean);
  EXPECT_LT(log->recovery_report().scanned_bytes, 20'000U);
  EXPECT_EQ(log->log_end(), Offset{1000});
  EXPECT_EQ(append({"next"}).base_offset, Offset{1000});
}

TEST_F(RecoveryTest, ATornTailIsCutAndReported) {
  open();
  append({"durable"});
  flush();
  const auto sound = size_of(kSegment);
  append({"torn"});
  kill();
  ASSERT_TRUE(disk.open(kSegment, OpenMode::kReadWrite).value()->truncate(size_of(kSegment) - 3));
  open();
  EXPECT_EQ(read_all(*log, pool), std::vector<std::string>{"durable"});
  const auto& report = log->recovery_report();
  EXPECT_EQ(report.cut_at, Offset{1});
  EXPECT_EQ(report.cut_position, sound);
  EXPECT_GT(report.cut_bytes, 0U);
  EXPECT_EQ(size_of(kSegment), sound);
  ASSERT_EQ(logger.lines().size(), 1U);
  EXPECT_NE(logger.lines()[0].find("offset 1 (00000000000000000000.log at byte " + std::to_string(sound) + ": "),
            std::string::npos)
      << logger.lines()[0];
  EXPECT_EQ(append({"again"}).base_offset, Offset{1});
}

TEST_F(RecoveryTest, DamageBelowTheDurablePositionIsAnErrorThatNamesThePlaceAndChangesNothing) {
  open();
  append({"first"});
  const auto second = size_of(kSegment);
  append({"second"});
  append({"third", "fourth"});
  flush();
  append({"not durable"});
  kill();
  damage(kSegment, second + 65);
  const auto before = read_file(disk, kSegment).value();
  const auto changes = disk.changes();

  const auto opened = try_open();

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorruptLog);
  const auto& message = opened.error().message();
  EXPECT_NE(message.find("wrong checksum"), std::string::npos) << message;
  EXPECT_NE(message.find("00000000000000000000.log at byte " + std::to_string(second)), std::string::npos) << message;
  EXPECT_NE(message.find("(offset 1)"), std::string::npos) << message;
  EXPECT_NE(message.find("3 later records look intact"), std::string::npos) << message;
  EXPECT_EQ(disk.changes(), changes);
  EXPECT_EQ(read_file(disk, kSegment).value(), before);
}

TEST_F(RecoveryTest, ALostEndOfADurableFileIsAnError) {
  open();
  append({"first"});
  append({"second"});
  flush();
  kill();
  ASSERT_TRUE(disk.open(kSegment, OpenMode::kReadWrite).value()->truncate(size_of(kSegment) - 1));
  EXPECT_EQ(try_open().error().code(), ErrorCode::kCorruptLog);
  // Also after what looks like a clean close.
  EXPECT_EQ(try_open({.clean = true}).error().code(), ErrorCode::kCorruptLog);
}

TEST_F(RecoveryTest, ALostDurableSegmentIsAnError) {
  config.segment_bytes = 500;
  open();
  for (int i = 0; i < 30; ++i) append({"value " + std::to_string(i)});
  flush();
  kill();
  const auto entries = disk.list("/data/t-0").value();
  std::vector<Path> logs;
  for (const auto& entry : entries) {
    if (entry.name.ends_with(".log")) logs.push_back(join("/data/t-0", entry.name));
  }
  ASSERT_GT(logs.size(), 3U);
  ASSERT_TRUE(disk.remove(logs[1]));
  const auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorruptLog);
}

TEST_F(RecoveryTest, AMissingSegmentIsNoticedAfterACleanClose) {
  fill_segments();
  ASSERT_TRUE(log->close());
  log.reset();
  const auto lost = segment_files().at(2);
  const auto from = offset_of_file(file_name(lost), ".log").value();
  ASSERT_TRUE(disk.remove(lost));
  expect_hole({.clean = true, .recovery_point = Offset{30}}, std::to_string(from.value()));
}

TEST_F(RecoveryTest, ASegmentThatLostItsLastBatchIsNoticedAfterACleanClose) {
  for (const bool is_index_kept : {true, false}) {
    SCOPED_TRACE(is_index_kept);
    fill_segments();
    ASSERT_TRUE(log->close());
    log.reset();
    const auto path = segment_files().at(1);
    const auto next = offset_of_file(file_name(segment_files().at(2)), ".log").value();
    const auto content = read_file(disk, path).value();
    std::size_t last = 0;
    std::size_t before_last = 0;
    for (BatchCursor cursor{as_bytes(content)}; cursor.next();) {
      before_last = last;
      last = cursor.used();
    }
    ASSERT_TRUE(disk.open(path, OpenMode::kReadWrite).value()->truncate(before_last));
    if (!is_index_kept) {
      ASSERT_TRUE(disk.remove(path.substr(0, path.size() - 4) + ".index"));
    }
    expect_hole({.clean = true, .recovery_point = Offset{30}}, std::to_string(next.value() - 1));
  }
}

TEST_F(RecoveryTest, AMissingSegmentThatWasCheckedBeforeIsNoticedAfterACrash) {
  fill_segments();
  kill();
  const auto lost = segment_files().at(2);
  const auto from = offset_of_file(file_name(lost), ".log").value();
  ASSERT_TRUE(disk.remove(lost));
  // All but the last segments are settled.
  expect_hole({.recovery_point = Offset{30}}, std::to_string(from.value()));
}

TEST_F(RecoveryTest, DamageSaysThatLaterSegmentsWereNotLookedAt) {
  fill_segments();
  kill();
  damage(segment_files().at(segment_files().size() - 3), 65);
  const auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message().find("and 2 later segments were not looked at"), std::string::npos)
      << opened.error().message();
}

TEST_F(RecoveryTest, DamageThatIsReadIsSaidOnce) {
  open();
  append({"first"});
  ASSERT_TRUE(log->close());
  log.reset();
  damage(kSegment, 65);
  open({.clean = true, .recovery_point = Offset{1}});
  const auto read = log->read(Offset{0}, 1, Isolation::kHighWatermark);
  ASSERT_FALSE(read);
  const auto batch = batches.of({"more"});
  EXPECT_EQ(log->append(batch.bytes, LeaderEpoch{0}).error().message(), read.error().message());
  EXPECT_EQ(log->close().error().message(), read.error().message());
  EXPECT_EQ(logger.lines(), std::vector<std::string>{read.error().message()});
  EXPECT_EQ(read.error().message().rfind("is offline"), read.error().message().find("is offline"));
}

TEST_F(RecoveryTest, WithoutRecordedPositionsDamageThatIntactBatchesFollowIsNoTornTail) {
  open();
  append({"first"});
  const auto second = size_of(kSegment);
  append({"second"});
  append({"third"});
  flush();
  kill();
  damage(kSegment, second + 65);
  LogHints unknown;
  const auto opened = PartitionLog::open(context(), {"t", PartitionIndex{0}}, "/data/t-0", config, unknown);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorruptLog);
}

TEST_F(RecoveryTest, DamageThatIsReadTakesThePartitionOffline) {
  open();
  append({"first"});
  const auto second = size_of(kSegment);
  append({"second"});
  ASSERT_TRUE(log->close());
  log.reset();
  damage(kSegment, second + 65);
  open({.clean = true, .recovery_point = Offset{2}});
  EXPECT_EQ(values_in(log->read(Offset{0}, 1, Isolation::kHighWatermark).value().bytes, pool),
            std::vector<std::string>{"first"});
  const auto read = log->read(Offset{1}, 100, Isolation::kHighWatermark);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::kCorruptLog);
  EXPECT_NE(read.error().message().find("byte " + std::to_string(second)), std::string::npos) << read.error().message();
  const auto batch = batches.of({"third"});
  EXPECT_EQ(log->append(batch.bytes, LeaderEpoch{0}).error().code(), ErrorCode::kStorageError);
  EXPECT_TRUE(log->failure().has_value());
}

TEST_F(RecoveryTest, DamageThatRecoveryDidNotLookForIsFoundWhenItIsRead) {
  open();
  append({"first"});
  const auto second = size_of(kSegment);
  append({"second"});
  flush();
  kill();
  damage(kSegment, second + 65);
  // Scanned, as after every kill, but not for checksums: all of it was durable.
  open({.recovery_point = Offset{2}});
  const auto read = log->read(Offset{1}, 100, Isolation::kHighWatermark);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::kCorruptLog);
}

TEST_F(RecoveryTest, MissingOrDamagedIndexesAreRebuilt) {
  config.index_interval_bytes = 300;
  const auto prepare = [&] {
    open();
    for (int i = 0; i < 200; ++i) append({"value " + std::to_string(i)}, 1000 + i);
    flush();
    ASSERT_TRUE(log->close());
    log.reset();
  };
  prepare();
  const auto sound_index = read_file(disk, kIndex).value();
  const auto sound_times = read_file(disk, kTimeIndex).value();
  ASSERT_GT(sound_index.size(), 100U);
  const auto check = [&](const char* what) {
    SCOPED_TRACE(what);
    open({.clean = true, .recovery_point = Offset{200}});
    ASSERT_TRUE(log);
    EXPECT_EQ(read_all(*log, pool).size(), 200U);
    for (int i = 0; i < 200; i += 13) {
      EXPECT_EQ(values_in(log->read(Offset{i}, 1, Isolation::kHighWatermark).value().bytes, pool),
                std::vector{"value " + std::to_string(i)});
    }
    EXPECT_EQ(log->offset_for_time(at(1100)).value()->offset, Offset{100});
    log.reset();
  };
  ASSERT_TRUE(disk.remove(kIndex));
  check("no offset index");
  EXPECT_EQ(read_file(disk, kIndex).value(), sound_index);
  ASSERT_TRUE(disk.remove(kTimeIndex));
  check("no time index");
  EXPECT_EQ(read_file(disk, kTimeIndex).value(), sound_times);
  ASSERT_TRUE(disk.open(kIndex, OpenMode::kReadWrite).value()->truncate(13));
  check("offset index cut off");
  ASSERT_TRUE(disk.open(kTimeIndex, OpenMode::kReadWrite).value()->truncate(0));
  check("time index empty");
  for (std::uint64_t i = 4; i < sound_index.size(); i += 8) damage(kIndex, i + 2);
  check("offset index with wrong positions");
}

TEST_F(RecoveryTest, ARecoveryIsInterruptedAtAnyChangeAndTheNextOneEndsTheSame) {
  config.segment_bytes = 600;
  for (std::uint64_t stop = 1; stop < 40; ++stop) {
    SCOPED_TRACE(stop);
    start_over();
    for (int i = 0; i < 5; ++i) append({"durable " + std::to_string(i)});
    flush();
    for (int i = 0; i < 20; ++i) append({"not durable"});
    disk.fail_power();
    end_process();
    disk.restore_power();
    disk.fail_power_after(stop);
    // On a disk without power even this may fail.
    if (auto again = DurablePositions::open(disk, "/data/durable-positions")) {
      positions = *std::move(again);
      flusher = std::make_unique<Flusher>(Flusher::Options{0});
      (void)try_open();
    }
    disk.fail_power();
    end_process();
    disk.restore_power();
    begin_process();
    open();
    ASSERT_TRUE(log);
    const auto values = read_all(*log, pool);
    ASSERT_GE(values.size(), 5U);
    EXPECT_EQ(values[4], "durable 4");
    log.reset();
  }
}

TEST_F(RecoveryTest, ADamagedByteAnywhereIsFoundOrDoesNoHarm) {
  config.segment_bytes = 2000;
  config.index_interval_bytes = 200;
  int found = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(seed);
    Random random{seed};
    start_over();
    std::vector<std::string> expected;
    for (int i = 0; i < 40; ++i) {
      expected.push_back(std::to_string(i) + std::string(random.below(200), 'v'));
      append({expected.back()}, 1000 + i, {.id = ProducerId{1}, .epoch = ProducerEpoch{0}, .base_sequence = i});
    }
    flush();
    const bool clean = random.one_in(2);
    if (clean) {
      ASSERT_TRUE(log->close());
    }
    log.reset();
    if (!clean) kill();
    std::vector<Path> files;
    const auto entries = disk.list("/data/t-0").value();
    for (const auto& entry : entries) {
      const auto path = join("/data/t-0", entry.name);
      // Most of what there is to damage is in the segments.
      if (size_of(path) > 0) files.insert(files.end(), entry.name.ends_with(".log") ? 3 : 1, path);
    }
    const auto& path = files[random.below(files.size())];
    damage(path, random.below(size_of(path)));
    SCOPED_TRACE(path);

    const auto opened = try_open({.clean = clean, .recovery_point = clean ? Offset{40} : Offset{0}});

    if (opened) log = *opened;
    const auto values = opened ? try_read_all() : Result<std::vector<std::string>>{std::unexpected(opened.error())};
    if (values) {
      EXPECT_EQ(*values, expected);
    } else {
      EXPECT_EQ(values.error().code(), ErrorCode::kCorruptLog) << values.error().message();
      EXPECT_TRUE(path.ends_with(".log")) << values.error().message();
      ++found;
    }
  }
  EXPECT_GT(found, 100);
}

}  // namespace
}  // namespace millrace
