#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metadata/metadata_delta.h"
#include "metadata/metadata_image.h"

namespace millrace {

/// A feature of the cluster whose level can be chosen, and the levels that this version can do.
struct SupportedFeature {
  std::string_view name;
  std::int16_t min_level;
  std::int16_t max_level;
  /// What a new cluster begins with.
  std::int16_t initial_level;
};

/// In the order in which a new metadata log has them: Kafka's readers want metadata.version first.
[[nodiscard]] std::span<const SupportedFeature> supported_features();

/// Numbers as on the wire (UpdateFeatures).
enum class FeatureStep : std::int8_t { kUpgrade = 1, kSafeDowngrade = 2, kUnsafeDowngrade = 3 };

struct FeatureChange {
  std::string name;
  /// 0: the feature is no longer finalised.
  std::int16_t level = 0;
  FeatureStep step = FeatureStep::kUpgrade;
};

/// The records that finalise one other level; none when it is the level already. Errors: `kInvalidUpdateVersion` for a
/// feature or level that is not supported here, and for a lower level that is not called a downgrade.
[[nodiscard]] Result<MetadataRecords> change_feature(const MetadataImage& image, const FeatureChange& change);

}  // namespace millrace
