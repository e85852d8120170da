#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct FeatureUpdate {
  std::string feature;
  std::int16_t max_version_level = 0;
  bool allow_downgrade = false;
  std::int8_t upgrade_type = 1;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("feature", self.feature);
    visit("max_version_level", self.max_version_level);
    visit("allow_downgrade", self.allow_downgrade, between(0, 0));
    visit("upgrade_type", self.upgrade_type, from(1));
  }

  friend bool operator==(const FeatureUpdate&, const FeatureUpdate&) = default;
};

/// Finalise other levels of features. Source: UpdateFeaturesRequest.json of Kafka 3.9 and 4.3.1.
struct UpdateFeaturesRequest {
  static constexpr const char* kName = "UpdateFeaturesRequest";
  static constexpr auto kApi = ApiKey::kUpdateFeatures;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(0);

  std::int32_t timeout_ms = 60000;
  std::vector<FeatureUpdate> feature_updates;
  bool validate_only = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("timeout_ms", self.timeout_ms);
    visit("feature_updates", self.feature_updates);
    visit("validate_only", self.validate_only, from(1));
  }

  friend bool operator==(const UpdateFeaturesRequest&, const UpdateFeaturesRequest&) = default;
};

struct FeatureUpdateResult {
  std::string feature;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("feature", self.feature);
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
  }

  friend bool operator==(const FeatureUpdateResult&, const FeatureUpdateResult&) = default;
};

/// Whether they are finalised. Source: UpdateFeaturesResponse.json of Kafka 3.9 and 4.3.1.
struct UpdateFeaturesResponse {
  static constexpr const char* kName = "UpdateFeaturesResponse";
  static constexpr auto kApi = ApiKey::kUpdateFeatures;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(0);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::vector<FeatureUpdateResult> results;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
    visit("results", self.results, between(0, 1));
  }

  friend bool operator==(const UpdateFeaturesResponse&, const UpdateFeaturesResponse&) = default;
};

}  // namespace millrace::protocol
