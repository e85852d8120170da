#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/logger.h"
#include "base/simulated_files.h"
#include "log/durable_positions.h"
#include "log/file_cache.h"
#include "log/flusher.h"
#include "log/log_manager.h"
#include "log/partition_log.h"
#include "record/record_batch_builder.h"

namespace millrace {

inline Timestamp at(std::int64_t ms) { return Timestamp{std::chrono::milliseconds{ms}}; }

/// Keeps what was logged.
class MemoryLogger final : public Logger {
 public:
  void write(LogLevel level, std::string_view line) override {
    const std::lock_guard lock{mutex_};
    if (level != LogLevel::kInfo) lines_.emplace_back(line);
  }
  std::vector<std::string> lines() const {
    const std::lock_guard lock{mutex_};
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

/// Batches to append.
class Batches {
 public:
  explicit Batches(BufferPool& pool) : pool_(&pool) {}

  PooledBytes of(const std::vector<std::string>& values, std::int64_t time = 1000, BatchProducer producer = {}) {
    RecordBatchBuilder builder{*pool_, 1 << 20};
    for (const auto& value : values) EXPECT_TRUE(builder.try_append(at(time), nullptr, value));
    return builder.finish(producer).value();
  }

 private:
  BufferPool* pool_;
};

/// The values of all records in some batches.
inline std::vector<std::string> values_in(Bytes bytes, BufferPool& pool) {
  std::vector<std::string> values;
  BatchCursor batches{bytes};
  while (batches.next()) {
    EXPECT_TRUE(batches.batch().crc_matches());
    auto records = batches.batch().records(pool).value();
    while (records.next()) values.emplace_back(records.record().value.text());
    EXPECT_TRUE(records.status().has_value());
  }
  EXPECT_TRUE(batches.status().has_value());
  EXPECT_EQ(batches.used(), bytes.size());
  return values;
}

inline std::vector<std::string> read_all(const PartitionLog& log, BufferPool& pool,
                                         Isolation isolation = Isolation::kHighWatermark,
                                         std::size_t max_bytes = 4096) {
  std::vector<std::string> values;
  auto next = log.log_start();
  while (true) {
    const auto slice = log.read(next, max_bytes, isolation);
    if (!slice) {
      ADD_FAILURE() << slice.error().message();
      return values;
    }
    if (slice->bytes.empty()) return values;
    const auto some = values_in(slice->bytes, pool);
    values.insert(values.end(), some.begin(), some.end());
    BatchCursor batches{slice->bytes};
    while (batches.next()) next = batches.batch().next_offset();
  }
}

/// One partition's log on a simulated disk, flushed by hand.
class LogFixture : public testing::Test {
 protected:
  LogFixture() : disk(7), open_files(disk, 16), flusher(std::make_unique<Flusher>(Flusher::Options{0})) {
    EXPECT_TRUE(disk.make_directories("/data/t-0"));
    positions = DurablePositions::open(disk, "/data/durable-positions").value();
  }

  LogContext context() { return {disk, open_files, pool, *flusher, clock, logger, positions.get()}; }

  Result<std::shared_ptr<PartitionLog>> try_open(LogHints hints = {}) {
    if (!hints.durable) hints.durable = positions->find({"t-0", {}});
    return PartitionLog::open(context(), {"t", PartitionIndex{0}}, "/data/t-0", config, hints);
  }
  void open(LogHints hints = {}) {
    log.reset();
    auto opened = try_open(hints);
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    log = *opened;
  }
  void close_and_open() {
    ASSERT_TRUE(log->close());
    const auto end = log->log_end();
    open({.clean = true, .recovery_point = end, .log_start = log->log_start()});
  }
  /// The process dies, and the disk keeps what it likes.
  void crash_and_open() {
    disk.fail_power();
    end_process();
    disk.restore_power();
    begin_process();
    open();
  }
  void end_process() {
    log.reset();
    flusher.reset();
    positions.reset();
  }
  void begin_process() {
    flusher = std::make_unique<Flusher>(Flusher::Options{0});
    positions = DurablePositions::open(disk, "/data/durable-positions").value();
  }
  AppendInfo append(const std::vector<std::string>& values, std::int64_t time = 1000, BatchProducer producer = {}) {
    const auto batch = batches.of(values, time, producer);
    auto info = log->append(batch.bytes, LeaderEpoch{0});
    EXPECT_TRUE(info.has_value()) << (info ? "" : info.error().message());
    return info.value_or(AppendInfo{});
  }
  void flush() {
    while (flusher->run_round()) {
    }
  }
  /// Changes a byte of a file behind the log's back.
  void damage(const Path& path, std::uint64_t position) {
    auto file = disk.open(path, OpenMode::kReadWrite).value();
    std::byte byte{};
    ASSERT_EQ(file->read(position, {&byte, 1}).value(), 1U);
    byte ^= std::byte{0x55};
    ASSERT_TRUE(file->write(position, {&byte, 1}));
    ASSERT_TRUE(file->sync());
  }

  SimulatedFileSystem disk;
  FileCache open_files;
  BufferPool pool;
  ManualClock clock;
  MemoryLogger logger;
  std::unique_ptr<Flusher> flusher;
  std::unique_ptr<DurablePositions> positions;
  LogConfig config;
  Batches batches{pool};
  std::shared_ptr<PartitionLog> log;
};

}  // namespace millrace
