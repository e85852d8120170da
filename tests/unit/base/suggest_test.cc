#include "base/suggest.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr std::string_view kNames[] = {"tasks.max", "connector.class", "topic"};

TEST(Suggest, FindsTheKeyThatWasMeant) { EXPECT_EQ(did_you_mean("task.max", kNames), " Did you mean \"tasks.max\"?"); }

TEST(Suggest, SaysNothingWhenNothingIsNear) { EXPECT_EQ(did_you_mean("compression", kNames), ""); }

}  // namespace
}  // namespace millrace
