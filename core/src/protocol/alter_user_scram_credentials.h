#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

struct ScramCredentialDeletion {
  std::string name;
  std::int8_t mechanism = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("mechanism", self.mechanism);
  }

  friend bool operator==(const ScramCredentialDeletion&, const ScramCredentialDeletion&) = default;
};

struct ScramCredentialUpsertion {
  std::string name;
  std::int8_t mechanism = 0;
  std::int32_t iterations = 0;
  ByteString salt;
  ByteString salted_password;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("mechanism", self.mechanism);
    visit("iterations", self.iterations);
    visit("salt", self.salt);
    visit("salted_password", self.salted_password);
  }

  friend bool operator==(const ScramCredentialUpsertion&, const ScramCredentialUpsertion&) = default;
};

/// Set users' SCRAM credentials, or take them back. Source: AlterUserScramCredentialsRequest.json of Kafka 3.9 and
/// 4.3.1.
struct AlterUserScramCredentialsRequest {
  static constexpr const char* kName = "AlterUserScramCredentialsRequest";
  static constexpr auto kApi = ApiKey::kAlterUserScramCredentials;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::vector<ScramCredentialDeletion> deletions;
  std::vector<ScramCredentialUpsertion> upsertions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("deletions", self.deletions);
    visit("upsertions", self.upsertions);
  }

  friend bool operator==(const AlterUserScramCredentialsRequest&, const AlterUserScramCredentialsRequest&) = default;
};

struct AlterUserScramCredentialsResult {
  std::string user;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("user", self.user);
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
  }

  friend bool operator==(const AlterUserScramCredentialsResult&, const AlterUserScramCredentialsResult&) = default;
};

/// Which of them are changed. Source: AlterUserScramCredentialsResponse.json of Kafka 3.9 and 4.3.1.
struct AlterUserScramCredentialsResponse {
  static constexpr const char* kName = "AlterUserScramCredentialsResponse";
  static constexpr auto kApi = ApiKey::kAlterUserScramCredentials;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::int32_t throttle_time_ms = 0;
  std::vector<AlterUserScramCredentialsResult> results;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("results", self.results);
  }

  friend bool operator==(const AlterUserScramCredentialsResponse&, const AlterUserScramCredentialsResponse&) = default;
};

}  // namespace millrace::protocol
