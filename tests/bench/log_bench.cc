// What the log costs, piece by piece: checksum, building, checking, appending, reading. Prints a line each: processor
// time, but wall time where the disk is waited for.

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <ctime>
#include <mutex>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/files.h"
#include "base/logger.h"
#include "log/log_manager.h"
#include "record/record_batch_builder.h"

namespace millrace {
namespace {

double clock_seconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Processor time of this thread: what else runs on the machine hardly changes it.
struct Stopwatch {
  using time_point = double;
  static double now() { return clock_seconds(CLOCK_THREAD_CPUTIME_ID); }
};
double seconds_since(double start) { return Stopwatch::now() - start; }

constexpr std::size_t kValueBytes = 240;
constexpr int kRecordsABatch = 1000;

PooledBytes make_batch(RecordBatchBuilder& builder, std::string_view value) {
  for (int i = 0; i < kRecordsABatch; ++i) {
    if (!builder.try_append(Timestamp{std::chrono::milliseconds{1'700'000'000'000 + i}}, nullptr, value)) std::abort();
  }
  return builder.finish().value();
}

void bench_records() {
  BufferPool pool;
  const std::string value(kValueBytes, 'v');
  RecordBatchBuilder builder{pool, 1 << 20};
  constexpr int kRounds = 500;
  auto start = Stopwatch::now();
  for (int i = 0; i < kRounds; ++i) (void)make_batch(builder, value);
  fmt::print("build a record of {} B, checksum included   {:6.1f} ns\n", kValueBytes,
             seconds_since(start) / kRounds / kRecordsABatch * 1e9);

  const auto batch = make_batch(builder, value);
  start = Stopwatch::now();
  std::uint32_t sum = 0;
  for (int i = 0; i < 4 * kRounds; ++i) sum += crc32c(batch.bytes.subspan(sum & 1));
  fmt::print("crc32c of {} KB, from the cache             {:6.2f} GB/s\n", batch.bytes.size() / 1000,
             static_cast<double>(batch.bytes.size()) * 4 * kRounds / seconds_since(start) / 1e9);

  start = Stopwatch::now();
  for (int i = 0; i < kRounds; ++i) {
    if (!check_produced_batch(batch.bytes, {}, Timestamp{std::chrono::milliseconds{1'700'000'000'000}}, pool))
      std::abort();
  }
  fmt::print("check a produced batch of {} KB             {:6.0f} ns\n", batch.bytes.size() / 1000,
             seconds_since(start) / kRounds * 1e9);

  start = Stopwatch::now();
  std::size_t total = 0;
  for (int i = 0; i < kRounds; ++i) {
    auto cursor = RecordBatchView::trusted(batch.bytes).records(pool).value();
    while (cursor.next()) total += cursor.record().value.size();
  }
  fmt::print("walk over a record                           {:6.1f} ns\n",
             seconds_since(start) / static_cast<double>(total) * kValueBytes * 1e9);
}

void bench_log(const Path& directory, std::size_t batch_records, std::size_t total_bytes) {
  PosixFileSystem files;
  BufferPool pool;
  SystemClock clock;
  NullLogger logger;
  (void)remove_tree(files, directory);
  auto manager = LogManager::open(files, directory, {}, pool, clock, logger).value();
  auto log = manager->create({"bench", PartitionIndex{0}}, {}, {}).value();
  RecordBatchBuilder builder{pool, 1 << 20};
  const std::string value(kValueBytes, 'v');
  for (std::size_t i = 0; i < batch_records; ++i)
    (void)builder.try_append(Timestamp{std::chrono::milliseconds{1'700'000'000'000}}, nullptr, value);
  const auto batch = builder.finish().value();
  const auto count = total_bytes / batch.bytes.size();

  auto start = Stopwatch::now();
  const auto wall = clock_seconds(CLOCK_MONOTONIC);
  for (std::size_t i = 0; i < count; ++i) {
    if (!log->append(batch.bytes, LeaderEpoch{0})) std::abort();
  }
  const auto appended = seconds_since(start);
  std::mutex mutex;
  std::condition_variable changed;
  bool durable = false;
  log->when_durable(log->log_end(), [&](const Result<void>&) {
    const std::lock_guard lock{mutex};
    durable = true;
    changed.notify_all();
  });
  {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return durable; });
  }
  const auto synced = clock_seconds(CLOCK_MONOTONIC) - wall;
  start = Stopwatch::now();
  std::uint64_t read_bytes = 0;
  for (Offset next{0}; next < log->high_watermark();) {
    const auto slice = log->read(next, 1 << 20, Isolation::kHighWatermark).value();
    read_bytes += slice.bytes.size();
    BatchCursor batches{slice.bytes};
    while (batches.next()) next = batches.batch().next_offset();
  }
  const auto read = seconds_since(start);
  fmt::print(
      "append {:6.1f} KB batches: {:8.0f} ns each, {:5.2f} s a GB, durable after {:5.2f} s a GB; read {:5.2f} s a GB\n",
      static_cast<double>(batch.bytes.size()) / 1000, appended / static_cast<double>(count) * 1e9,
      appended / static_cast<double>(total_bytes) * 1e9, synced / static_cast<double>(total_bytes) * 1e9,
      read / static_cast<double>(read_bytes) * 1e9);

  // One after the other, each waiting for the disk: what a lone acks=all producer sees.
  constexpr int kWaits = 300;
  start = clock_seconds(CLOCK_MONOTONIC);
  for (int i = 0; i < kWaits; ++i) {
    const auto info = log->append(batch.bytes, LeaderEpoch{0}).value();
    durable = false;
    log->when_durable(info.last_offset + 1, [&](const Result<void>&) {
      const std::lock_guard lock{mutex};
      durable = true;
      changed.notify_all();
    });
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return durable; });
  }
  fmt::print("                          one at a time, until durable: {:6.0f} us\n",
             (clock_seconds(CLOCK_MONOTONIC) - start) / kWaits * 1e6);
  log.reset();
  manager.reset();
  (void)remove_tree(files, directory);
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  const std::string directory = argc > 1 ? argv[1] : "/tmp/millrace-log-bench";
  millrace::bench_records();
  millrace::bench_log(directory, 1, 100 << 20);
  millrace::bench_log(directory, 60, 500 << 20);
  millrace::bench_log(directory, 4000, 1000 << 20);
}
