#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// Which resources have settings? Version 0 asks for those of client metrics only. Source:
/// ListConfigResourcesRequest.json of Kafka 4.3.1 (3.9 has version 0 as ListClientMetricsResources).
struct ListConfigResourcesRequest {
  static constexpr const char* kName = "ListConfigResourcesRequest";
  static constexpr auto kApi = ApiKey::kListConfigResources;
  static constexpr Versions kVersions{0, 1};
  static constexpr Versions kFlexible = from(0);

  std::vector<std::int8_t> resource_types;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("resource_types", self.resource_types, from(1));
  }

  friend bool operator==(const ListConfigResourcesRequest&, const ListConfigResourcesRequest&) = default;
};

/// Version 0 asks for this type of resource, and has no word for it.
inline constexpr std::int8_t kClientMetricsType = 16;
inline void normalize(ListConfigResourcesRequest& request, std::int16_t version) {
  if (version == 0) request.resource_types = {kClientMetricsType};
}

struct ListedConfigResource {
  std::string resource_name;
  std::int8_t resource_type = 16;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("resource_name", self.resource_name);
    visit("resource_type", self.resource_type, from(1));
  }

  friend bool operator==(const ListedConfigResource&, const ListedConfigResource&) = default;
};

/// Resources that have settings. Source: ListConfigResourcesResponse.json of Kafka 4.3.1 (3.9 has version 0 as
/// ListClientMetricsResources).
struct ListConfigResourcesResponse {
  static constexpr const char* kName = "ListConfigResourcesResponse";
  static constexpr auto kApi = ApiKey::kListConfigResources;
  static constexpr Versions kVersions{0, 1};
  static constexpr Versions kFlexible = from(0);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<ListedConfigResource> config_resources;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("error_code", self.error_code);
    visit("config_resources", self.config_resources);
  }

  friend bool operator==(const ListConfigResourcesResponse&, const ListConfigResourcesResponse&) = default;
};

}  // namespace millrace::protocol
