#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/field.h"

// Records of the metadata log about topics, and those that order the log itself.

namespace millrace::protocol {

/// A topic exists. Source: TopicRecord.json, as all of these their namesakes in reference metadata.
struct TopicRecord {
  static constexpr const char* kName = "TopicRecord";
  static constexpr std::uint32_t kKey = 2;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::string name;
  TopicId topic_id;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("topic_id", self.topic_id);
  }

  friend bool operator==(const TopicRecord&, const TopicRecord&) = default;
};

/// A topic is gone, with its partitions.
struct RemoveTopicRecord {
  static constexpr const char* kName = "RemoveTopicRecord";
  static constexpr std::uint32_t kKey = 9;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  TopicId topic_id;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic_id", self.topic_id);
  }

  friend bool operator==(const RemoveTopicRecord&, const RemoveTopicRecord&) = default;
};

/// A partition exists, or has all of its state written anew.
struct PartitionRecord {
  static constexpr const char* kName = "PartitionRecord";
  static constexpr std::uint32_t kKey = 3;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(0);

  PartitionIndex partition_id = PartitionIndex{-1};
  TopicId topic_id;
  std::vector<BrokerId> replicas;
  std::vector<BrokerId> isr;
  std::vector<BrokerId> removing_replicas;
  std::vector<BrokerId> adding_replicas;
  BrokerId leader = BrokerId{-1};
  std::int8_t leader_recovery_state = 0;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::int32_t partition_epoch = -1;
  std::vector<Uuid> directories;
  std::optional<std::vector<BrokerId>> eligible_leader_replicas;
  std::optional<std::vector<BrokerId>> last_known_elr;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_id", self.partition_id);
    visit("topic_id", self.topic_id);
    visit("replicas", self.replicas);
    visit("isr", self.isr);
    visit("removing_replicas", self.removing_replicas);
    visit("adding_replicas", self.adding_replicas);
    visit("leader", self.leader);
    visit("leader_recovery_state", self.leader_recovery_state, tagged(0));
    visit("leader_epoch", self.leader_epoch);
    visit("partition_epoch", self.partition_epoch);
    visit("directories", self.directories, from(1));
    visit("eligible_leader_replicas", self.eligible_leader_replicas, from(2), nullable(from(2)), tagged(1));
    visit("last_known_elr", self.last_known_elr, from(2), nullable(from(2)), tagged(2));
  }

  friend bool operator==(const PartitionRecord&, const PartitionRecord&) = default;
};

/// What changed about a partition; what is absent (null, or the default) did not.
struct PartitionChangeRecord {
  static constexpr const char* kName = "PartitionChangeRecord";
  static constexpr std::uint32_t kKey = 5;
  static constexpr Versions kVersions{0, 2};
  static constexpr Versions kFlexible = from(0);

  PartitionIndex partition_id = PartitionIndex{-1};
  TopicId topic_id;
  std::optional<std::vector<BrokerId>> isr;
  BrokerId leader = BrokerId{-2};
  std::optional<std::vector<BrokerId>> replicas;
  std::optional<std::vector<BrokerId>> removing_replicas;
  std::optional<std::vector<BrokerId>> adding_replicas;
  std::int8_t leader_recovery_state = -1;
  std::optional<std::vector<BrokerId>> eligible_leader_replicas;
  std::optional<std::vector<BrokerId>> last_known_elr;
  std::optional<std::vector<Uuid>> directories;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition_id", self.partition_id);
    visit("topic_id", self.topic_id);
    visit("isr", self.isr, nullable(from(0)), tagged(0));
    visit("leader", self.leader, tagged(1));
    visit("replicas", self.replicas, nullable(from(0)), tagged(2));
    visit("removing_replicas", self.removing_replicas, nullable(from(0)), tagged(3));
    visit("adding_replicas", self.adding_replicas, nullable(from(0)), tagged(4));
    visit("leader_recovery_state", self.leader_recovery_state, tagged(5));
    visit("eligible_leader_replicas", self.eligible_leader_replicas, from(2), nullable(from(2)), tagged(6));
    visit("last_known_elr", self.last_known_elr, from(2), nullable(from(2)), tagged(7));
    visit("directories", self.directories, from(1), nullable(from(1)), tagged(8));
  }

  friend bool operator==(const PartitionChangeRecord&, const PartitionChangeRecord&) = default;
};

/// One setting of a topic or broker; a null value takes it back.
struct ConfigRecord {
  static constexpr const char* kName = "ConfigRecord";
  static constexpr std::uint32_t kKey = 4;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::int8_t resource_type = 0;
  std::string resource_name;
  std::string name;
  std::optional<std::string> value;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("resource_type", self.resource_type);
    visit("resource_name", self.resource_name);
    visit("name", self.name);
    visit("value", self.value, nullable(from(0)));
  }

  friend bool operator==(const ConfigRecord&, const ConfigRecord&) = default;
};

/// A broker was given a block of producer ids, the last one before `next_producer_id`.
struct ProducerIdsRecord {
  static constexpr const char* kName = "ProducerIdsRecord";
  static constexpr std::uint32_t kKey = 15;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  BrokerId broker_id;
  std::int64_t broker_epoch = -1;
  ProducerId next_producer_id;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("broker_id", self.broker_id);
    visit("broker_epoch", self.broker_epoch);
    visit("next_producer_id", self.next_producer_id);
  }

  friend bool operator==(const ProducerIdsRecord&, const ProducerIdsRecord&) = default;
};

/// The level at which a feature is used from here on; `metadata.version` is one.
struct FeatureLevelRecord {
  static constexpr const char* kName = "FeatureLevelRecord";
  static constexpr std::uint32_t kKey = 12;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::string name;
  std::int16_t feature_level = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("feature_level", self.feature_level);
  }

  friend bool operator==(const FeatureLevelRecord&, const FeatureLevelRecord&) = default;
};

/// Says that the controller is alive.
struct NoOpRecord {
  static constexpr const char* kName = "NoOpRecord";
  static constexpr std::uint32_t kKey = 20;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  template <class Self, class Visitor>
  static void fields(Self&, Visitor&) {}

  friend bool operator==(const NoOpRecord&, const NoOpRecord&) = default;
};

/// The records up to the matching end are taken together or not at all.
struct BeginTransactionRecord {
  static constexpr const char* kName = "BeginTransactionRecord";
  static constexpr std::uint32_t kKey = 23;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::optional<std::string> name;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name, nullable(from(0)), tagged(0));
  }

  friend bool operator==(const BeginTransactionRecord&, const BeginTransactionRecord&) = default;
};

/// The end of a metadata transaction: its records count.
struct EndTransactionRecord {
  static constexpr const char* kName = "EndTransactionRecord";
  static constexpr std::uint32_t kKey = 24;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  template <class Self, class Visitor>
  static void fields(Self&, Visitor&) {}

  friend bool operator==(const EndTransactionRecord&, const EndTransactionRecord&) = default;
};

/// The end of a metadata transaction: its records do not count.
struct AbortTransactionRecord {
  static constexpr const char* kName = "AbortTransactionRecord";
  static constexpr std::uint32_t kKey = 25;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::optional<std::string> reason;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("reason", self.reason, nullable(from(0)), tagged(0));
  }

  friend bool operator==(const AbortTransactionRecord&, const AbortTransactionRecord&) = default;
};

/// Forgets the eligible leader replicas of a topic; of all topics when the name is empty.
struct ClearElrRecord {
  static constexpr const char* kName = "ClearElrRecord";
  static constexpr std::uint32_t kKey = 28;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::string topic_name;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic_name", self.topic_name);
  }

  friend bool operator==(const ClearElrRecord&, const ClearElrRecord&) = default;
};

}  // namespace millrace::protocol
