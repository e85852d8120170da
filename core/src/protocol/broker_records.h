#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/field.h"

// Records of the metadata log about brokers and controllers.

namespace millrace::protocol {

/// Where a broker or controller listens.
struct BrokerEndpoint {
  std::string name;
  std::string host;
  std::uint16_t port = 0;
  std::int16_t security_protocol = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("host", self.host);
    visit("port", self.port);
    visit("security_protocol", self.security_protocol);
  }

  friend bool operator==(const BrokerEndpoint&, const BrokerEndpoint&) = default;
};

/// The levels of a feature that a broker or controller can do.
struct BrokerFeature {
  std::string name;
  std::int16_t min_supported_version = 0;
  std::int16_t max_supported_version = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("min_supported_version", self.min_supported_version);
    visit("max_supported_version", self.max_supported_version);
  }

  friend bool operator==(const BrokerFeature&, const BrokerFeature&) = default;
};

/// A broker has come up. Source: RegisterBrokerRecord.json, as all of these their namesakes in reference metadata.
struct RegisterBrokerRecord {
  static constexpr const char* kName = "RegisterBrokerRecord";
  static constexpr std::uint32_t kKey = 0;
  static constexpr Versions kVersions{0, 4};
  static constexpr Versions kFlexible = from(0);

  BrokerId broker_id;
  bool is_migrating_zk_broker = false;
  Uuid incarnation_id;
  std::int64_t broker_epoch = 0;
  std::vector<BrokerEndpoint> end_points;
  std::vector<BrokerFeature> features;
  std::optional<std::string> rack;
  bool fenced = true;
  bool in_controlled_shutdown = false;
  std::vector<Uuid> log_dirs;
  std::optional<std::vector<Uuid>> cordoned_log_dirs;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("broker_id", self.broker_id);
    visit("is_migrating_zk_broker", self.is_migrating_zk_broker, from(2));
    visit("incarnation_id", self.incarnation_id);
    visit("broker_epoch", self.broker_epoch);
    visit("end_points", self.end_points);
    visit("features", self.features);
    visit("rack", self.rack, nullable(from(0)));
    visit("fenced", self.fenced);
    visit("in_controlled_shutdown", self.in_controlled_shutdown, from(1));
    visit("log_dirs", self.log_dirs, from(3), tagged(0));
    visit("cordoned_log_dirs", self.cordoned_log_dirs, from(4), nullable(from(4)), tagged(1));
  }

  friend bool operator==(const RegisterBrokerRecord&, const RegisterBrokerRecord&) = default;
};

/// A broker is gone for good.
struct UnregisterBrokerRecord {
  static constexpr const char* kName = "UnregisterBrokerRecord";
  static constexpr std::uint32_t kKey = 1;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  BrokerId broker_id;
  std::int64_t broker_epoch = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("broker_id", self.broker_id);
    visit("broker_epoch", self.broker_epoch);
  }

  friend bool operator==(const UnregisterBrokerRecord&, const UnregisterBrokerRecord&) = default;
};

/// A broker is out of every ISR.
struct FenceBrokerRecord {
  static constexpr const char* kName = "FenceBrokerRecord";
  static constexpr std::uint32_t kKey = 7;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  BrokerId id;
  std::int64_t epoch = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("id", self.id);
    visit("epoch", self.epoch);
  }

  friend bool operator==(const FenceBrokerRecord&, const FenceBrokerRecord&) = default;
};

/// A broker takes part again.
struct UnfenceBrokerRecord {
  static constexpr const char* kName = "UnfenceBrokerRecord";
  static constexpr std::uint32_t kKey = 8;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  BrokerId id;
  std::int64_t epoch = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("id", self.id);
    visit("epoch", self.epoch);
  }

  friend bool operator==(const UnfenceBrokerRecord&, const UnfenceBrokerRecord&) = default;
};

/// What changed about a registered broker.
struct BrokerRegistrationChangeRecord {
  static constexpr const char* kName = "BrokerRegistrationChangeRecord";
  static constexpr std::uint32_t kKey = 17;
  static constexpr Versions kVersions{0, 3};
  static constexpr Versions kFlexible = from(0);

  BrokerId broker_id;
  std::int64_t broker_epoch = 0;
  std::int8_t fenced = 0;
  std::int8_t in_controlled_shutdown = 0;
  std::vector<Uuid> log_dirs;
  std::optional<std::vector<Uuid>> cordoned_log_dirs;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("broker_id", self.broker_id);
    visit("broker_epoch", self.broker_epoch);
    visit("fenced", self.fenced, tagged(0));
    visit("in_controlled_shutdown", self.in_controlled_shutdown, from(1), tagged(1));
    visit("log_dirs", self.log_dirs, from(2), tagged(2));
    visit("cordoned_log_dirs", self.cordoned_log_dirs, from(3), nullable(from(3)), tagged(3));
  }

  friend bool operator==(const BrokerRegistrationChangeRecord&, const BrokerRegistrationChangeRecord&) = default;
};

/// A controller has come up.
struct RegisterControllerRecord {
  static constexpr const char* kName = "RegisterControllerRecord";
  static constexpr std::uint32_t kKey = 27;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::int32_t controller_id = 0;
  Uuid incarnation_id;
  bool zk_migration_ready = false;
  std::vector<BrokerEndpoint> end_points;
  std::vector<BrokerFeature> features;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("controller_id", self.controller_id);
    visit("incarnation_id", self.incarnation_id);
    visit("zk_migration_ready", self.zk_migration_ready);
    visit("end_points", self.end_points);
    visit("features", self.features);
  }

  friend bool operator==(const RegisterControllerRecord&, const RegisterControllerRecord&) = default;
};

/// Kafka's own move away from ZooKeeper; read, never written.
struct ZkMigrationStateRecord {
  static constexpr const char* kName = "ZkMigrationStateRecord";
  static constexpr std::uint32_t kKey = 21;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::int8_t zk_migration_state = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("zk_migration_state", self.zk_migration_state);
  }

  friend bool operator==(const ZkMigrationStateRecord&, const ZkMigrationStateRecord&) = default;
};

}  // namespace millrace::protocol
