#include "weblog/disk_full.h"

#include <gmock/gmock.h>

#include "support/memory_logger.h"

namespace millrace::weblog {
namespace {

using testing::ElementsAre;

TEST(BrokerMessages, LeaveAFullDiskToTheResultOfThePipeline) {
  test::MemoryLogger behind;
  BrokerMessages messages{&behind};

  messages.write(LogLevel::kError, "access-log-0: cannot write to a file: No space left on device. Free some space.");
  // A smaller batch may fit at once: what was not told has not ended either.
  messages.write(LogLevel::kWarn, "access-log-0: there is space again, writing goes on");
  messages.write(LogLevel::kWarn, "access-log-0: a torn tail was cut");

  EXPECT_THAT(behind.troubles(), ElementsAre("access-log-0: a torn tail was cut"));
}

}  // namespace
}  // namespace millrace::weblog
