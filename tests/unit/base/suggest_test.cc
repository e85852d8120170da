#include "base/suggest.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr std::string_view kNames[] = {"tasks.max", "connector.class", "topic"};

TEST(Suggest, FindsTheKeyThatWasMeant) { EXPECT_EQ(did_you_mean("task.max", kNames), " Did you mean \"tasks.max\"?"); }

TEST(Suggest, TakesTheBeginningOfOneNameForIt) {
  EXPECT_EQ(did_you_mean("conn", kNames), " Did you mean \"connector.class\"?");
  EXPECT_EQ(did_you_mean("co", kNames), "");
  EXPECT_EQ(did_you_mean("t", kNames), "");
}

TEST(Suggest, SaysNothingWhenNothingIsNear) { EXPECT_EQ(did_you_mean("compression", kNames), ""); }

}  // namespace
}  // namespace millrace
