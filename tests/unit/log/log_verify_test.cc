#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "millrace/log_files.h"
#include "support/temporary_folder.h"
#include "unit/log/log_fixture.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(LogVerify, SaysOneDamageOnce) {
  const test::TemporaryFolder folder;
  PosixFileSystem files;
  FileCache open_files{files, 8};
  BufferPool pool;
  SystemClock clock;
  MemoryLogger logger;
  Flusher flusher{Flusher::Options{0}};
  const auto path = join(folder.path(), "t-0");
  LogConfig config;
  config.segment_bytes = 2000;
  config.index_interval_bytes = 100;
  auto log =
      PartitionLog::open({files, open_files, pool, flusher, clock, logger}, {"t", PartitionIndex{0}}, path, config)
          .value();
  for (int i = 0; i < 100; ++i) {
    const auto batch = Batches{pool}.of({"value " + std::to_string(i)});
    ASSERT_TRUE(log->append(batch.bytes, LeaderEpoch{0}));
  }
  ASSERT_TRUE(log->close());
  ASSERT_TRUE(verify_log(path).value().at(0).damages.empty());
  const auto segment = join(path, "00000000000000000000.log");
  const std::byte flipped{0x55};
  ASSERT_TRUE(files.open(segment, OpenMode::kReadWrite).value()->write(500, {&flipped, 1}));

  const auto check = verify_log(path).value().at(0);

  EXPECT_THAT(check.damages, ElementsAre(HasSubstr("wrong checksum in 00000000000000000000.log")));
  EXPECT_EQ(check.next, Offset{100});
}

}  // namespace
}  // namespace millrace
