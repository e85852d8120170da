#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct AclCreation {
  std::int8_t resource_type = 0;
  std::string resource_name;
  std::int8_t resource_pattern_type = 3;
  std::string principal;
  std::string host;
  std::int8_t operation = 0;
  std::int8_t permission_type = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("resource_type", self.resource_type);
    visit("resource_name", self.resource_name);
    visit("resource_pattern_type", self.resource_pattern_type, from(1));
    visit("principal", self.principal);
    visit("host", self.host);
    visit("operation", self.operation);
    visit("permission_type", self.permission_type);
  }

  friend bool operator==(const AclCreation&, const AclCreation&) = default;
};

/// Add access control entries. Source: CreateAclsRequest.json of Kafka 3.9 and 4.3.1.
struct CreateAclsRequest {
  static constexpr const char* kName = "CreateAclsRequest";
  static constexpr auto kApi = ApiKey::kCreateAcls;
  static constexpr Versions kVersions{0, 3};
  static constexpr Versions kFlexible = from(2);

  std::vector<AclCreation> creations;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("creations", self.creations);
  }

  friend bool operator==(const CreateAclsRequest&, const CreateAclsRequest&) = default;
};

struct AclCreationResult {
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
  }

  friend bool operator==(const AclCreationResult&, const AclCreationResult&) = default;
};

/// Which of them are added. Source: CreateAclsResponse.json of Kafka 3.9 and 4.3.1.
struct CreateAclsResponse {
  static constexpr const char* kName = "CreateAclsResponse";
  static constexpr auto kApi = ApiKey::kCreateAcls;
  static constexpr Versions kVersions{0, 3};
  static constexpr Versions kFlexible = from(2);

  std::int32_t throttle_time_ms = 0;
  std::vector<AclCreationResult> results;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("results", self.results);
  }

  friend bool operator==(const CreateAclsResponse&, const CreateAclsResponse&) = default;
};

}  // namespace millrace::protocol
