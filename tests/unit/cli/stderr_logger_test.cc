#include "cli/stderr_logger.h"

#include <gtest/gtest.h>

namespace millrace::cli {
namespace {

TEST(StderrLogger, KnowsWhichErrorsItHasSaid) {
  StderrLogger logger{"test"};
  logger.error("orders-0 is offline: {}", "wrong checksum");
  logger.warn("the disk is full");
  EXPECT_TRUE(logger.has_said("orders-0 is offline: wrong checksum"));
  EXPECT_TRUE(logger.has_said("cannot read orders: orders-0 is offline: wrong checksum"));
  EXPECT_FALSE(logger.has_said("orders-0 is offline"));
  EXPECT_FALSE(logger.has_said("the disk is full"));
}

}  // namespace
}  // namespace millrace::cli
