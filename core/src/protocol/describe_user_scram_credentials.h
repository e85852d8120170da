#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct ScramUserName {
  std::string name;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
  }

  friend bool operator==(const ScramUserName&, const ScramUserName&) = default;
};

/// Which users have SCRAM credentials? Source: DescribeUserScramCredentialsRequest.json of Kafka 3.9 and 4.3.1.
struct DescribeUserScramCredentialsRequest {
  static constexpr const char* kName = "DescribeUserScramCredentialsRequest";
  static constexpr auto kApi = ApiKey::kDescribeUserScramCredentials;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::optional<std::vector<ScramUserName>> users;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("users", self.users, nullable(from(0)));
  }

  friend bool operator==(const DescribeUserScramCredentialsRequest&,
                         const DescribeUserScramCredentialsRequest&) = default;
};

struct ScramCredentialInfo {
  std::int8_t mechanism = 0;
  std::int32_t iterations = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("mechanism", self.mechanism);
    visit("iterations", self.iterations);
  }

  friend bool operator==(const ScramCredentialInfo&, const ScramCredentialInfo&) = default;
};

struct DescribeUserScramCredentialsResult {
  std::string user;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::vector<ScramCredentialInfo> credential_infos;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("user", self.user);
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
    visit("credential_infos", self.credential_infos);
  }

  friend bool operator==(const DescribeUserScramCredentialsResult&,
                         const DescribeUserScramCredentialsResult&) = default;
};

/// The credentials of each user, without their secrets. Source: DescribeUserScramCredentialsResponse.json of Kafka 3.9
/// and 4.3.1.
struct DescribeUserScramCredentialsResponse {
  static constexpr const char* kName = "DescribeUserScramCredentialsResponse";
  static constexpr auto kApi = ApiKey::kDescribeUserScramCredentials;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::vector<DescribeUserScramCredentialsResult> results;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
    visit("results", self.results);
  }

  friend bool operator==(const DescribeUserScramCredentialsResponse&,
                         const DescribeUserScramCredentialsResponse&) = default;
};

}  // namespace millrace::protocol
