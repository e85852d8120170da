#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct DeleteAclsFilter {
  std::int8_t resource_type_filter = 0;
  std::optional<std::string> resource_name_filter;
  std::int8_t pattern_type_filter = 3;
  std::optional<std::string> principal_filter;
  std::optional<std::string> host_filter;
  std::int8_t operation = 0;
  std::int8_t permission_type = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("resource_type_filter", self.resource_type_filter);
    visit("resource_name_filter", self.resource_name_filter, nullable(from(0)));
    visit("pattern_type_filter", self.pattern_type_filter, from(1));
    visit("principal_filter", self.principal_filter, nullable(from(0)));
    visit("host_filter", self.host_filter, nullable(from(0)));
    visit("operation", self.operation);
    visit("permission_type", self.permission_type);
  }

  friend bool operator==(const DeleteAclsFilter&, const DeleteAclsFilter&) = default;
};

/// Remove access control entries. Source: DeleteAclsRequest.json of Kafka 3.9 and 4.3.1.
struct DeleteAclsRequest {
  static constexpr const char* kName = "DeleteAclsRequest";
  static constexpr auto kApi = ApiKey::kDeleteAcls;
  static constexpr Versions kVersions{0, 3};
  static constexpr Versions kFlexible = from(2);

  std::vector<DeleteAclsFilter> filters;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("filters", self.filters);
  }

  friend bool operator==(const DeleteAclsRequest&, const DeleteAclsRequest&) = default;
};

struct DeleteAclsMatchingAcl {
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::int8_t resource_type = 0;
  std::string resource_name;
  std::int8_t pattern_type = 3;
  std::string principal;
  std::string host;
  std::int8_t operation = 0;
  std::int8_t permission_type = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
    visit("resource_type", self.resource_type);
    visit("resource_name", self.resource_name);
    visit("pattern_type", self.pattern_type, from(1));
    visit("principal", self.principal);
    visit("host", self.host);
    visit("operation", self.operation);
    visit("permission_type", self.permission_type);
  }

  friend bool operator==(const DeleteAclsMatchingAcl&, const DeleteAclsMatchingAcl&) = default;
};

struct DeleteAclsFilterResult {
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::vector<DeleteAclsMatchingAcl> matching_acls;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
    visit("matching_acls", self.matching_acls);
  }

  friend bool operator==(const DeleteAclsFilterResult&, const DeleteAclsFilterResult&) = default;
};

/// Which of them are gone. Source: DeleteAclsResponse.json of Kafka 3.9 and 4.3.1.
struct DeleteAclsResponse {
  static constexpr const char* kName = "DeleteAclsResponse";
  static constexpr auto kApi = ApiKey::kDeleteAcls;
  static constexpr Versions kVersions{0, 3};
  static constexpr Versions kFlexible = from(2);

  std::int32_t throttle_time_ms = 0;
  std::vector<DeleteAclsFilterResult> filter_results;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("filter_results", self.filter_results);
  }

  friend bool operator==(const DeleteAclsResponse&, const DeleteAclsResponse&) = default;
};

}  // namespace millrace::protocol
