#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/field.h"

// Records of the metadata log about who may do what, and how much of it.

namespace millrace::protocol {

/// One part of whom a quota is for; a null name is the default of that type.
struct QuotaEntity {
  std::string entity_type;
  std::optional<std::string> entity_name;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("entity_type", self.entity_type);
    visit("entity_name", self.entity_name, nullable(from(0)));
  }

  friend bool operator==(const QuotaEntity&, const QuotaEntity&) = default;
};

/// An access control entry. Source: AccessControlEntryRecord.json, as all of these their namesakes in reference
/// metadata.
struct AccessControlEntryRecord {
  static constexpr const char* kName = "AccessControlEntryRecord";
  static constexpr std::uint32_t kKey = 18;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  Uuid id;
  std::int8_t resource_type = 0;
  std::string resource_name;
  std::int8_t pattern_type = 0;
  std::string principal;
  std::string host;
  std::int8_t operation = 0;
  std::int8_t permission_type = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("id", self.id);
    visit("resource_type", self.resource_type);
    visit("resource_name", self.resource_name);
    visit("pattern_type", self.pattern_type);
    visit("principal", self.principal);
    visit("host", self.host);
    visit("operation", self.operation);
    visit("permission_type", self.permission_type);
  }

  friend bool operator==(const AccessControlEntryRecord&, const AccessControlEntryRecord&) = default;
};

/// An access control entry is gone.
struct RemoveAccessControlEntryRecord {
  static constexpr const char* kName = "RemoveAccessControlEntryRecord";
  static constexpr std::uint32_t kKey = 19;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  Uuid id;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("id", self.id);
  }

  friend bool operator==(const RemoveAccessControlEntryRecord&, const RemoveAccessControlEntryRecord&) = default;
};

/// A quota of a user, client or address; `remove` takes it back.
struct ClientQuotaRecord {
  static constexpr const char* kName = "ClientQuotaRecord";
  static constexpr std::uint32_t kKey = 14;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::vector<QuotaEntity> entity;
  std::string key;
  double value = 0;
  bool remove = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("entity", self.entity);
    visit("key", self.key);
    visit("value", self.value);
    visit("remove", self.remove);
  }

  friend bool operator==(const ClientQuotaRecord&, const ClientQuotaRecord&) = default;
};

/// A user's credential for one SCRAM mechanism.
struct UserScramCredentialRecord {
  static constexpr const char* kName = "UserScramCredentialRecord";
  static constexpr std::uint32_t kKey = 11;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::string name;
  std::int8_t mechanism = 0;
  ByteString salt;
  ByteString stored_key;
  ByteString server_key;
  std::int32_t iterations = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("mechanism", self.mechanism);
    visit("salt", self.salt);
    visit("stored_key", self.stored_key);
    visit("server_key", self.server_key);
    visit("iterations", self.iterations);
  }

  friend bool operator==(const UserScramCredentialRecord&, const UserScramCredentialRecord&) = default;
};

/// A credential is gone.
struct RemoveUserScramCredentialRecord {
  static constexpr const char* kName = "RemoveUserScramCredentialRecord";
  static constexpr std::uint32_t kKey = 22;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::string name;
  std::int8_t mechanism = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("mechanism", self.mechanism);
  }

  friend bool operator==(const RemoveUserScramCredentialRecord&, const RemoveUserScramCredentialRecord&) = default;
};

/// A delegation token.
struct DelegationTokenRecord {
  static constexpr const char* kName = "DelegationTokenRecord";
  static constexpr std::uint32_t kKey = 10;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::string owner;
  std::string requester;
  std::vector<std::string> renewers;
  std::int64_t issue_timestamp = 0;
  std::int64_t max_timestamp = 0;
  std::int64_t expiration_timestamp = 0;
  std::string token_id;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("owner", self.owner);
    visit("requester", self.requester);
    visit("renewers", self.renewers);
    visit("issue_timestamp", self.issue_timestamp);
    visit("max_timestamp", self.max_timestamp);
    visit("expiration_timestamp", self.expiration_timestamp);
    visit("token_id", self.token_id);
  }

  friend bool operator==(const DelegationTokenRecord&, const DelegationTokenRecord&) = default;
};

/// A delegation token is gone.
struct RemoveDelegationTokenRecord {
  static constexpr const char* kName = "RemoveDelegationTokenRecord";
  static constexpr std::uint32_t kKey = 26;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::string token_id;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("token_id", self.token_id);
  }

  friend bool operator==(const RemoveDelegationTokenRecord&, const RemoveDelegationTokenRecord&) = default;
};

}  // namespace millrace::protocol
