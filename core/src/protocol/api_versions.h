#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// Which APIs in which versions? The first thing that a client asks. Source: ApiVersionsRequest.json of Kafka 3.9
/// and 4.3.1.
struct ApiVersionsRequest {
  static constexpr const char* kName = "ApiVersionsRequest";
  static constexpr auto kApi = ApiKey::kApiVersions;
  static constexpr Versions kVersions{0, 4};
  static constexpr Versions kFlexible = from(3);

  std::string client_software_name;
  std::string client_software_version;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("client_software_name", self.client_software_name, from(3));
    visit("client_software_version", self.client_software_version, from(3));
  }

  friend bool operator==(const ApiVersionsRequest&, const ApiVersionsRequest&) = default;
};

struct ApiVersionRow {
  std::int16_t api_key = 0;
  std::int16_t min_version = 0;
  std::int16_t max_version = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("api_key", self.api_key);
    visit("min_version", self.min_version);
    visit("max_version", self.max_version);
  }

  friend bool operator==(const ApiVersionRow&, const ApiVersionRow&) = default;
};

struct SupportedFeatureKey {
  std::string name;
  std::int16_t min_version = 0;
  std::int16_t max_version = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("min_version", self.min_version);
    visit("max_version", self.max_version);
  }

  friend bool operator==(const SupportedFeatureKey&, const SupportedFeatureKey&) = default;
};

struct FinalizedFeatureKey {
  std::string name;
  std::int16_t max_version_level = 0;
  std::int16_t min_version_level = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("max_version_level", self.max_version_level);
    visit("min_version_level", self.min_version_level);
  }

  friend bool operator==(const FinalizedFeatureKey&, const FinalizedFeatureKey&) = default;
};

/// The versions served. Its header has no tagged fields in any version: the asker may know none of ours. Source:
/// ApiVersionsResponse.json of Kafka 3.9 and 4.3.1.
struct ApiVersionsResponse {
  static constexpr const char* kName = "ApiVersionsResponse";
  static constexpr auto kApi = ApiKey::kApiVersions;
  static constexpr Versions kVersions{0, 4};
  static constexpr Versions kFlexible = from(3);

  ErrorCode error_code = ErrorCode::kNone;
  std::vector<ApiVersionRow> api_keys;
  std::int32_t throttle_time_ms = 0;
  std::vector<SupportedFeatureKey> supported_features;
  std::int64_t finalized_features_epoch = -1;
  std::vector<FinalizedFeatureKey> finalized_features;
  bool zk_migration_ready = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("error_code", self.error_code);
    visit("api_keys", self.api_keys);
    visit("throttle_time_ms", self.throttle_time_ms, from(1));
    visit("supported_features", self.supported_features, from(3), tagged(0));
    visit("finalized_features_epoch", self.finalized_features_epoch, from(3), tagged(1));
    visit("finalized_features", self.finalized_features, from(3), tagged(2));
    visit("zk_migration_ready", self.zk_migration_ready, from(3), tagged(3));
  }

  friend bool operator==(const ApiVersionsResponse&, const ApiVersionsResponse&) = default;
};

}  // namespace millrace::protocol
