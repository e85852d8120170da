// Writes a data folder with all that a segment can hold, for the tools of Kafka to read: write_log DIRECTORY

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "base/logger.h"
#include "log/log_manager.h"
#include "record/record_batch_builder.h"

namespace millrace {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) {
    fmt::print(stderr, "write_log: {}\n", result.error().message());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// Batches of several records with keys, values, headers and absent ones, from an idempotent producer, over several
/// segments.
void write_partition(LogManager& manager, PartitionIndex index, Compression compression, BufferPool& pool) {
  LogConfig config;
  config.segment_bytes = 64 << 10;
  config.index_interval_bytes = 2048;
  const auto log = must(
      manager.create({"conformance", index}, Uuid{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}, config));
  RecordBatchBuilder builder{pool, 1 << 20, {.compression = compression}};
  const Header headers[] = {{"trace", "abc"}, {"nothing", nullptr}};
  std::int32_t sequence = 0;
  for (int batch = 0; batch < 400; ++batch) {
    const int count = 1 + batch % 7;
    for (int i = 0; i < count; ++i) {
      // Timestamps go forward and, now and then, back.
      const Timestamp time{
          std::chrono::milliseconds{1'700'000'000'000 + batch * 10 + i - (batch % 50 == 49 ? 5000 : 0)}};
      const auto value =
          fmt::format("batch {} record {} {}", batch, i, std::string(static_cast<std::size_t>(batch % 90) * 5, 'v'));
      const auto key = fmt::format("key {}", i);
      const bool plain = i % 3 == 0;
      if (!builder.try_append(time, plain ? NullableBytes{} : NullableBytes{key},
                              i % 5 == 4 ? NullableBytes{} : NullableBytes{value},
                              plain ? std::span<const Header>{} : headers)) {
        std::exit(1);
      }
    }
    const auto built = must(
        builder.finish({.id = ProducerId{4000 + index.value()}, .epoch = ProducerEpoch{3}, .base_sequence = sequence}));
    sequence += count;
    (void)must(log->append(built.bytes, LeaderEpoch{batch / 100}));
  }
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  using namespace millrace;
  if (argc != 2) return 2;
  PosixFileSystem files;
  BufferPool pool;
  ManualClock clock;
  NullLogger logger;
  auto manager = must(LogManager::open(files, argv[1], {}, pool, clock, logger));
  for (int codec = 0; codec <= 4; ++codec) {
    write_partition(*manager, PartitionIndex{codec}, static_cast<Compression>(codec), pool);
  }
  must(manager->close());
}
