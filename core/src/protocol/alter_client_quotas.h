#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct AlterQuotaEntity {
  std::string entity_type;
  std::optional<std::string> entity_name;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("entity_type", self.entity_type);
    visit("entity_name", self.entity_name, nullable(from(0)));
  }

  friend bool operator==(const AlterQuotaEntity&, const AlterQuotaEntity&) = default;
};

struct AlterQuotaOp {
  std::string key;
  double value = 0;
  bool remove = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("key", self.key);
    visit("value", self.value);
    visit("remove", self.remove);
  }

  friend bool operator==(const AlterQuotaOp&, const AlterQuotaOp&) = default;
};

struct AlterQuota {
  std::vector<AlterQuotaEntity> entity;
  std::vector<AlterQuotaOp> ops;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("entity", self.entity);
    visit("ops", self.ops);
  }

  friend bool operator==(const AlterQuota&, const AlterQuota&) = default;
};

/// Set quotas, or take them back. Source: AlterClientQuotasRequest.json of Kafka 3.9 and 4.3.1.
struct AlterClientQuotasRequest {
  static constexpr const char* kName = "AlterClientQuotasRequest";
  static constexpr auto kApi = ApiKey::kAlterClientQuotas;
  static constexpr Versions kVersions{0, 1};
  static constexpr Versions kFlexible = from(1);

  std::vector<AlterQuota> entries;
  bool validate_only = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("entries", self.entries);
    visit("validate_only", self.validate_only);
  }

  friend bool operator==(const AlterClientQuotasRequest&, const AlterClientQuotasRequest&) = default;
};

struct AlteredQuotaEntity {
  std::string entity_type;
  std::optional<std::string> entity_name;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("entity_type", self.entity_type);
    visit("entity_name", self.entity_name, nullable(from(0)));
  }

  friend bool operator==(const AlteredQuotaEntity&, const AlteredQuotaEntity&) = default;
};

struct AlteredQuota {
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::vector<AlteredQuotaEntity> entity;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
    visit("entity", self.entity);
  }

  friend bool operator==(const AlteredQuota&, const AlteredQuota&) = default;
};

/// Which of them are set. Source: AlterClientQuotasResponse.json of Kafka 3.9 and 4.3.1.
struct AlterClientQuotasResponse {
  static constexpr const char* kName = "AlterClientQuotasResponse";
  static constexpr auto kApi = ApiKey::kAlterClientQuotas;
  static constexpr Versions kVersions{0, 1};
  static constexpr Versions kFlexible = from(1);

  std::int32_t throttle_time_ms = 0;
  std::vector<AlteredQuota> entries;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("entries", self.entries);
  }

  friend bool operator==(const AlterClientQuotasResponse&, const AlterClientQuotasResponse&) = default;
};

}  // namespace millrace::protocol
