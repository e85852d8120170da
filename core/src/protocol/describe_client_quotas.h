#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct QuotaFilterComponent {
  std::string entity_type;
  std::int8_t match_type = 0;
  std::optional<std::string> match;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("entity_type", self.entity_type);
    visit("match_type", self.match_type);
    visit("match", self.match, nullable(from(0)));
  }

  friend bool operator==(const QuotaFilterComponent&, const QuotaFilterComponent&) = default;
};

/// Which quotas are set? Source: DescribeClientQuotasRequest.json of Kafka 3.9 and 4.3.1.
struct DescribeClientQuotasRequest {
  static constexpr const char* kName = "DescribeClientQuotasRequest";
  static constexpr auto kApi = ApiKey::kDescribeClientQuotas;
  static constexpr Versions kVersions{0, 1};
  static constexpr Versions kFlexible = from(1);

  std::vector<QuotaFilterComponent> components;
  bool strict = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("components", self.components);
    visit("strict", self.strict);
  }

  friend bool operator==(const DescribeClientQuotasRequest&, const DescribeClientQuotasRequest&) = default;
};

struct DescribedQuotaEntity {
  std::string entity_type;
  std::optional<std::string> entity_name;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("entity_type", self.entity_type);
    visit("entity_name", self.entity_name, nullable(from(0)));
  }

  friend bool operator==(const DescribedQuotaEntity&, const DescribedQuotaEntity&) = default;
};

struct DescribedQuotaValue {
  std::string key;
  double value = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("key", self.key);
    visit("value", self.value);
  }

  friend bool operator==(const DescribedQuotaValue&, const DescribedQuotaValue&) = default;
};

struct DescribedQuota {
  std::vector<DescribedQuotaEntity> entity;
  std::vector<DescribedQuotaValue> values;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("entity", self.entity);
    visit("values", self.values);
  }

  friend bool operator==(const DescribedQuota&, const DescribedQuota&) = default;
};

/// The quotas of each entity. Source: DescribeClientQuotasResponse.json of Kafka 3.9 and 4.3.1.
struct DescribeClientQuotasResponse {
  static constexpr const char* kName = "DescribeClientQuotasResponse";
  static constexpr auto kApi = ApiKey::kDescribeClientQuotas;
  static constexpr Versions kVersions{0, 1};
  static constexpr Versions kFlexible = from(1);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::optional<std::vector<DescribedQuota>> entries;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
    visit("entries", self.entries, nullable(from(0)));
  }

  friend bool operator==(const DescribeClientQuotasResponse&, const DescribeClientQuotasResponse&) = default;
};

}  // namespace millrace::protocol
