#include "metadata/features.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace {
namespace {

constexpr SupportedFeature kFeatures[] = {
    // 30 is 4.3-IV0, whose record versions are the ones we write.
    {.name = "metadata.version", .min_level = 30, .max_level = 30, .initial_level = 30},
    // From 1 on there are groups of the consumer protocol (KIP-848).
    {.name = "group.version", .min_level = 0, .max_level = 1, .initial_level = 1},
    // From 2 on each transaction has an epoch of its own (KIP-890).
    {.name = "transaction.version", .min_level = 0, .max_level = 2, .initial_level = 2},
};

}  // namespace

std::span<const SupportedFeature> supported_features() { return kFeatures; }

Result<MetadataRecords> change_feature(const MetadataImage& image, const FeatureChange& change) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::kInvalidUpdateVersion,
                fmt::format("cannot set feature \"{}\" to level {}: {}", change.name, change.level, why));
  };
  const auto feature = std::ranges::find(kFeatures, change.name, &SupportedFeature::name);
  if (feature == std::end(kFeatures)) return refuse("this version has no such feature");
  const auto known = image.features.find(change.name);
  const auto current = known == image.features.end() ? std::int16_t{0} : known->second;
  if (change.level == current) return MetadataRecords{};
  if (change.level < feature->min_level || change.level > feature->max_level) {
    return refuse(fmt::format("this version has levels {} to {}", feature->min_level, feature->max_level));
  }
  if (change.level < current && change.step == FeatureStep::kUpgrade) {
    return refuse(fmt::format("it is at level {}; to go below that, ask for a downgrade", current));
  }
  if (current != 0 && change.level > current && change.step != FeatureStep::kUpgrade) {
    return refuse(fmt::format("it is at level {}, which is no downgrade", current));
  }
  protocol::FeatureLevelRecord record;
  record.name = change.name;
  record.feature_level = change.level;
  return MetadataRecords{std::move(record)};
}

}  // namespace millrace
