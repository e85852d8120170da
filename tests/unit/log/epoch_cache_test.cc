#include "log/epoch_cache.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

/// Epochs 2, 3 and 7 began at 10, 20 and 30; the log ends at 40.
class EpochCacheTest : public testing::Test {
 protected:
  EpochCacheTest() {
    cache_.assign(LeaderEpoch{2}, Offset{10});
    cache_.assign(LeaderEpoch{3}, Offset{20});
    cache_.assign(LeaderEpoch{7}, Offset{30});
  }
  /// "EPOCH ends at OFFSET".
  std::string end_of(std::int32_t epoch, std::int32_t current) const {
    const auto end = cache_.end_of(LeaderEpoch{epoch}, LeaderEpoch{current}, Offset{40});
    return end ? std::to_string(end->epoch.value()) + " ends at " + std::to_string(end->offset.value()) : "none";
  }

  EpochCache cache_;
};

TEST_F(EpochCacheTest, AnEpochEndsWhereTheNextBegins) {
  EXPECT_EQ(end_of(2, 7), "2 ends at 20");
  EXPECT_EQ(end_of(3, 7), "3 ends at 30");
  EXPECT_EQ(end_of(7, 7), "7 ends at 40");
}

TEST_F(EpochCacheTest, AnEpochWithoutRecordsEndsWithTheOneBeforeIt) { EXPECT_EQ(end_of(5, 7), "3 ends at 30"); }

TEST_F(EpochCacheTest, AnEpochThatIsForgottenEndsWhereTheOldestBegins) { EXPECT_EQ(end_of(1, 7), "1 ends at 10"); }

TEST_F(EpochCacheTest, TheLeadersEpochGoesOnAtTheLogEndBeforeItHasARecord) {
  EXPECT_EQ(end_of(9, 9), "9 ends at 40");
  EXPECT_EQ(end_of(8, 9), "7 ends at 40");
  EXPECT_EQ(end_of(7, 9), "7 ends at 40");
}

TEST_F(EpochCacheTest, AnEpochThatIsStillToComeHasNoEnd) {
  EXPECT_EQ(end_of(8, 7), "none");
  EXPECT_EQ(end_of(-1, 7), "none");
}

TEST_F(EpochCacheTest, InAnEmptyLogOnlyTheLeadersEpochHasAnEnd) {
  cache_.clear();
  EXPECT_EQ(end_of(4, 4), "4 ends at 40");
  EXPECT_EQ(end_of(5, 4), "none");
}

}  // namespace
}  // namespace millrace
