// A partition's files with any content: opening recovers the log or refuses it with a reason; what is open reads from
// end to end, takes an append, and opens once more.

#include <cstring>
#include <string>

#include "base/assert.h"
#include "base/clock.h"
#include "base/logger.h"
#include "base/random.h"
#include "base/simulated_files.h"
#include "fuzz/fuzz_target.h"
#include "log/durable_positions.h"
#include "log/file_cache.h"
#include "log/flusher.h"
#include "log/partition_log.h"
#include "record/record_batch_builder.h"

namespace millrace {
namespace {

constexpr const char* kFolder = "/data/t-0";
constexpr const char* kSuffixes[] = {".log", ".index", ".timeindex"};

class NoLogger final : public Logger {
 public:
  void write(LogLevel, std::string_view) override {}
};

/// What a log needs around it.
struct Surroundings {
  Surroundings() {
    MILLRACE_ASSERT(disk.make_directories(kFolder));
    auto opened = DurablePositions::open(disk, "/data/durable-positions");
    MILLRACE_ASSERT(opened);
    positions = *std::move(opened);
    config.segment_bytes = 2000;
    config.index_interval_bytes = 100;
  }

  Result<std::shared_ptr<PartitionLog>> open(const LogHints& hints) {
    return PartitionLog::open({disk, open_files, pool, flusher, clock, logger, positions.get()},
                              {"t", PartitionIndex{0}}, kFolder, config, hints);
  }
  void append(PartitionLog& log, const std::string& value) {
    RecordBatchBuilder builder{pool, 1 << 20};
    MILLRACE_ASSERT(builder.try_append(clock.wall(), nullptr, value));
    const auto batch = builder.finish();
    MILLRACE_ASSERT(batch);
    // No epoch is newer: that of a batch is not under its checksum, so damage may have made it anything.
    MILLRACE_ASSERT(log.append(batch->bytes, LeaderEpoch{INT32_MAX}));
    while (flusher.run_round()) {
    }
  }
  static std::string path(const char* suffix) { return std::string{kFolder} + "/00000000000000000000" + suffix; }

  SimulatedFileSystem disk{7};
  FileCache open_files{disk, 16};
  BufferPool pool;
  ManualClock clock;
  NoLogger logger;
  Flusher flusher{Flusher::Options{0}};
  std::unique_ptr<DurablePositions> positions;
  LogConfig config;
};

/// Every batch from the beginning; all of them are there.
void read_to_the_end(const PartitionLog& log) {
  for (auto next = log.log_start(); next < log.log_end();) {
    const auto slice = log.read(next, 4096, Isolation::kLogEnd);
    MILLRACE_ASSERT(slice && !slice->bytes.empty());
    for (BatchCursor batches{slice->bytes}; batches.next();) {
      MILLRACE_ASSERT(batches.batch().next_offset() > next);
      next = batches.batch().next_offset();
    }
  }
}

}  // namespace
}  // namespace millrace

/// A byte that says how the log was left, then each file: its size in two bytes, its content.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;  // NOLINT: one function
  if (size == 0) return 0;
  const bool clean = data[0] % 2 == 1;
  auto rest = std::as_bytes(std::span{data + 1, size - 1});
  Surroundings around;
  for (const auto* suffix : kSuffixes) {
    if (rest.size() < 2) break;
    const auto wanted = std::to_integer<std::size_t>(rest[0]) << 8 | std::to_integer<std::size_t>(rest[1]);
    const auto content = rest.subspan(2, std::min(wanted, rest.size() - 2));
    auto file = around.disk.open(Surroundings::path(suffix), OpenMode::kCreateNew);
    MILLRACE_ASSERT(file && (*file)->write(0, content) && (*file)->sync());
    rest = rest.subspan(2 + content.size());
  }
  LogHints hints;
  hints.clean = clean;
  auto log = around.open(hints);
  if (!log) {
    MILLRACE_ASSERT(!log.error().message().empty());
    return 0;
  }
  // After a clean stop the content is not looked at before it is read: only an unclean one promises that all can be.
  if (clean) return 0;
  read_to_the_end(**log);
  const auto end = (*log)->log_end();
  around.append(**log, "one more");
  MILLRACE_ASSERT((*log)->log_end() == end + 1);
  read_to_the_end(**log);
  log->reset();
  const auto again = around.open({});
  MILLRACE_ASSERT(again && (*again)->log_end() == end + 1);
  return 0;
}

namespace millrace::test {

std::vector<std::uint8_t> valid_input(std::uint64_t seed) {
  Random random{seed};
  Surroundings around;
  {
    const auto log = around.open({});
    MILLRACE_ASSERT(log);
    for (auto left = 1 + random.below(8); left > 0; --left) {
      around.clock.advance(std::chrono::milliseconds{random.below(50)});
      around.append(**log, std::string(random.below(150), 'v'));
    }
  }
  std::vector<std::uint8_t> input{static_cast<std::uint8_t>(random.below(2))};
  for (const auto* suffix : kSuffixes) {
    std::vector<std::byte> content;
    if (const auto file = around.disk.open(Surroundings::path(suffix), OpenMode::kRead)) {
      content.resize((*file)->size().value_or(0));
      MILLRACE_ASSERT((*file)->read(0, content));
    }
    input.push_back(static_cast<std::uint8_t>(content.size() >> 8));
    input.push_back(static_cast<std::uint8_t>(content.size()));
    for (const auto byte : content) input.push_back(static_cast<std::uint8_t>(byte));
  }
  return input;
}

}  // namespace millrace::test
