#include "metadata/features.h"

#include <gtest/gtest.h>

#include "support/must.h"

namespace millrace::test {
namespace {

MetadataImage cluster_at(std::int16_t level) {
  MetadataImage image;
  image.features["metadata.version"] = level;
  return image;
}

ErrorCode refusal(const MetadataImage& image, const FeatureChange& change) {
  const auto records = change_feature(image, change);
  return records ? ErrorCode::kNone : records.error().code();
}

TEST(Features, ALevelThatItHasAlreadyIsNoChange) {
  EXPECT_TRUE(must(change_feature(cluster_at(30), {.name = "metadata.version", .level = 30})).empty());
}

TEST(Features, RefusesWhatThisVersionDoesNotHave) {
  const auto image = cluster_at(30);
  EXPECT_EQ(refusal(image, {.name = "no.such", .level = 1}), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(refusal(image, {.name = "metadata.version", .level = 31}), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(refusal(image, {.name = "metadata.version", .level = 29, .step = FeatureStep::kSafeDowngrade}),
            ErrorCode::kInvalidUpdateVersion);
}

TEST(Features, GoesDownOnlyWhenThatIsWhatWasAskedFor) {
  const auto above = cluster_at(31);  // as if a newer version had been here
  EXPECT_EQ(refusal(above, {.name = "metadata.version", .level = 30}), ErrorCode::kInvalidUpdateVersion);
  const auto records =
      must(change_feature(above, {.name = "metadata.version", .level = 30, .step = FeatureStep::kSafeDowngrade}));
  const auto after = must(apply_records(above, records, Offset{1}));
  EXPECT_EQ(after->features.at("metadata.version"), 30);
}

}  // namespace
}  // namespace millrace::test
