#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/consumer_group_heartbeat.h"
#include "protocol/field.h"

// Records of `__consumer_offsets` that groups of the consumer protocol (KIP-848) are kept in. Source: as of all these,
// its namesake of Kafka 4.3.1.

namespace millrace::protocol {

/// A group.
struct ConsumerGroupMetadataKey {
  static constexpr const char* kName = "ConsumerGroupMetadataKey";
  static constexpr std::int16_t kKey = 3;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = kNoVersions;

  std::string group;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group);
  }

  friend bool operator==(const ConsumerGroupMetadataKey&, const ConsumerGroupMetadataKey&) = default;
};

/// The hash is of the topics that the members read, as they were when the epoch began.
struct ConsumerGroupMetadataValue {
  static constexpr const char* kName = "ConsumerGroupMetadataValue";
  static constexpr std::int16_t kKey = 3;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::int32_t epoch = 0;
  std::int64_t metadata_hash = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("epoch", self.epoch);
    visit("metadata_hash", self.metadata_hash, from(0), tagged(0));
  }

  friend bool operator==(const ConsumerGroupMetadataValue&, const ConsumerGroupMetadataValue&) = default;
};

/// The topics of a group, as brokers before 4.1 write them; since then, the hash above.
struct ConsumerGroupPartitionMetadataKey {
  static constexpr const char* kName = "ConsumerGroupPartitionMetadataKey";
  static constexpr std::int16_t kKey = 4;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = kNoVersions;

  std::string group;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group);
  }

  friend bool operator==(const ConsumerGroupPartitionMetadataKey&, const ConsumerGroupPartitionMetadataKey&) = default;
};

struct StoredPartitionRacks {
  PartitionIndex partition;
  std::vector<std::string> racks;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("partition", self.partition);
    visit("racks", self.racks);
  }

  friend bool operator==(const StoredPartitionRacks&, const StoredPartitionRacks&) = default;
};

struct StoredTopicMetadata {
  TopicId topic_id;
  std::string topic_name;
  std::int32_t num_partitions = 0;
  std::vector<StoredPartitionRacks> partition_metadata;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic_id", self.topic_id);
    visit("topic_name", self.topic_name);
    visit("num_partitions", self.num_partitions);
    visit("partition_metadata", self.partition_metadata);
  }

  friend bool operator==(const StoredTopicMetadata&, const StoredTopicMetadata&) = default;
};

struct ConsumerGroupPartitionMetadataValue {
  static constexpr const char* kName = "ConsumerGroupPartitionMetadataValue";
  static constexpr std::int16_t kKey = 4;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::vector<StoredTopicMetadata> topics;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topics", self.topics);
  }

  friend bool operator==(const ConsumerGroupPartitionMetadataValue&,
                         const ConsumerGroupPartitionMetadataValue&) = default;
};

/// A member, as it described itself.
struct ConsumerGroupMemberMetadataKey {
  static constexpr const char* kName = "ConsumerGroupMemberMetadataKey";
  static constexpr std::int16_t kKey = 5;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = kNoVersions;

  std::string group;
  std::string member_id;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group);
    visit("member_id", self.member_id);
  }

  friend bool operator==(const ConsumerGroupMemberMetadataKey&, const ConsumerGroupMemberMetadataKey&) = default;
};

struct StoredClassicProtocol {
  std::string name;
  ByteString metadata;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("metadata", self.metadata);
  }

  friend bool operator==(const StoredClassicProtocol&, const StoredClassicProtocol&) = default;
};

/// Of a member that speaks the classic protocol.
struct StoredClassicMember {
  std::int32_t session_timeout_ms = 0;
  std::vector<StoredClassicProtocol> supported_protocols;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("session_timeout_ms", self.session_timeout_ms);
    visit("supported_protocols", self.supported_protocols);
  }

  friend bool operator==(const StoredClassicMember&, const StoredClassicMember&) = default;
};

struct ConsumerGroupMemberMetadataValue {
  static constexpr const char* kName = "ConsumerGroupMemberMetadataValue";
  static constexpr std::int16_t kKey = 5;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  std::string client_id;
  std::string client_host;
  std::vector<std::string> subscribed_topic_names;
  std::optional<std::string> subscribed_topic_regex;
  std::int32_t rebalance_timeout_ms = -1;
  std::optional<std::string> server_assignor;
  std::optional<StoredClassicMember> classic_member_metadata;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("instance_id", self.instance_id, nullable(from(0)));
    visit("rack_id", self.rack_id, nullable(from(0)));
    visit("client_id", self.client_id);
    visit("client_host", self.client_host);
    visit("subscribed_topic_names", self.subscribed_topic_names);
    visit("subscribed_topic_regex", self.subscribed_topic_regex, nullable(from(0)));
    visit("rebalance_timeout_ms", self.rebalance_timeout_ms);
    visit("server_assignor", self.server_assignor, nullable(from(0)));
    visit("classic_member_metadata", self.classic_member_metadata, from(0), nullable(from(0)), tagged(0));
  }

  friend bool operator==(const ConsumerGroupMemberMetadataValue&, const ConsumerGroupMemberMetadataValue&) = default;
};

/// The epoch of the target assignment.
struct ConsumerGroupTargetAssignmentMetadataKey {
  static constexpr const char* kName = "ConsumerGroupTargetAssignmentMetadataKey";
  static constexpr std::int16_t kKey = 6;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = kNoVersions;

  std::string group;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group);
  }

  friend bool operator==(const ConsumerGroupTargetAssignmentMetadataKey&,
                         const ConsumerGroupTargetAssignmentMetadataKey&) = default;
};

struct ConsumerGroupTargetAssignmentMetadataValue {
  static constexpr const char* kName = "ConsumerGroupTargetAssignmentMetadataValue";
  static constexpr std::int16_t kKey = 6;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::int32_t assignment_epoch = 0;
  std::int64_t assignment_timestamp = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("assignment_epoch", self.assignment_epoch);
    visit("assignment_timestamp", self.assignment_timestamp, from(0), tagged(0));
  }

  friend bool operator==(const ConsumerGroupTargetAssignmentMetadataValue&,
                         const ConsumerGroupTargetAssignmentMetadataValue&) = default;
};

/// What a member is to have.
struct ConsumerGroupTargetAssignmentMemberKey {
  static constexpr const char* kName = "ConsumerGroupTargetAssignmentMemberKey";
  static constexpr std::int16_t kKey = 7;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = kNoVersions;

  std::string group;
  std::string member_id;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group);
    visit("member_id", self.member_id);
  }

  friend bool operator==(const ConsumerGroupTargetAssignmentMemberKey&,
                         const ConsumerGroupTargetAssignmentMemberKey&) = default;
};

struct ConsumerGroupTargetAssignmentMemberValue {
  static constexpr const char* kName = "ConsumerGroupTargetAssignmentMemberValue";
  static constexpr std::int16_t kKey = 7;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::vector<TopicIdPartitions> topic_partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic_partitions", self.topic_partitions);
  }

  friend bool operator==(const ConsumerGroupTargetAssignmentMemberValue&,
                         const ConsumerGroupTargetAssignmentMemberValue&) = default;
};

/// What a member has.
struct ConsumerGroupCurrentMemberAssignmentKey {
  static constexpr const char* kName = "ConsumerGroupCurrentMemberAssignmentKey";
  static constexpr std::int16_t kKey = 8;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = kNoVersions;

  std::string group;
  std::string member_id;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group);
    visit("member_id", self.member_id);
  }

  friend bool operator==(const ConsumerGroupCurrentMemberAssignmentKey&,
                         const ConsumerGroupCurrentMemberAssignmentKey&) = default;
};

/// With the member epoch at which each became the member's.
struct StoredAssignedPartitions {
  TopicId topic_id;
  std::vector<PartitionIndex> partitions;
  std::optional<std::vector<std::int32_t>> assignment_epochs;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic_id", self.topic_id);
    visit("partitions", self.partitions);
    visit("assignment_epochs", self.assignment_epochs, from(0), nullable(from(0)), tagged(0));
  }

  friend bool operator==(const StoredAssignedPartitions&, const StoredAssignedPartitions&) = default;
};

struct ConsumerGroupCurrentMemberAssignmentValue {
  static constexpr const char* kName = "ConsumerGroupCurrentMemberAssignmentValue";
  static constexpr std::int16_t kKey = 8;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::int32_t member_epoch = 0;
  std::int32_t previous_member_epoch = 0;
  std::int8_t state = 0;
  std::vector<StoredAssignedPartitions> assigned_partitions;
  std::vector<StoredAssignedPartitions> partitions_pending_revocation;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("member_epoch", self.member_epoch);
    visit("previous_member_epoch", self.previous_member_epoch);
    visit("state", self.state);
    visit("assigned_partitions", self.assigned_partitions);
    visit("partitions_pending_revocation", self.partitions_pending_revocation);
  }

  friend bool operator==(const ConsumerGroupCurrentMemberAssignmentValue&,
                         const ConsumerGroupCurrentMemberAssignmentValue&) = default;
};

/// A regular expression that members subscribe by, and the topics that it means.
struct ConsumerGroupRegularExpressionKey {
  static constexpr const char* kName = "ConsumerGroupRegularExpressionKey";
  static constexpr std::int16_t kKey = 16;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = kNoVersions;

  std::string group;
  std::string regular_expression;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group);
    visit("regular_expression", self.regular_expression);
  }

  friend bool operator==(const ConsumerGroupRegularExpressionKey&, const ConsumerGroupRegularExpressionKey&) = default;
};

struct ConsumerGroupRegularExpressionValue {
  static constexpr const char* kName = "ConsumerGroupRegularExpressionValue";
  static constexpr std::int16_t kKey = 16;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = from(0);

  std::vector<std::string> topics;
  std::int64_t version = 0;
  std::int64_t timestamp = 0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topics", self.topics);
    visit("version", self.version);
    visit("timestamp", self.timestamp);
  }

  friend bool operator==(const ConsumerGroupRegularExpressionValue&,
                         const ConsumerGroupRegularExpressionValue&) = default;
};

// A value that is absent takes back what was said before.
struct ConsumerGroupMetadataRecord {
  ConsumerGroupMetadataKey key;
  std::optional<ConsumerGroupMetadataValue> value;
};
struct ConsumerGroupPartitionMetadataRecord {
  ConsumerGroupPartitionMetadataKey key;
  std::optional<ConsumerGroupPartitionMetadataValue> value;
};
struct ConsumerGroupMemberMetadataRecord {
  ConsumerGroupMemberMetadataKey key;
  std::optional<ConsumerGroupMemberMetadataValue> value;
};
struct ConsumerGroupTargetAssignmentMetadataRecord {
  ConsumerGroupTargetAssignmentMetadataKey key;
  std::optional<ConsumerGroupTargetAssignmentMetadataValue> value;
};
struct ConsumerGroupTargetAssignmentMemberRecord {
  ConsumerGroupTargetAssignmentMemberKey key;
  std::optional<ConsumerGroupTargetAssignmentMemberValue> value;
};
struct ConsumerGroupCurrentMemberAssignmentRecord {
  ConsumerGroupCurrentMemberAssignmentKey key;
  std::optional<ConsumerGroupCurrentMemberAssignmentValue> value;
};
struct ConsumerGroupRegularExpressionRecord {
  ConsumerGroupRegularExpressionKey key;
  std::optional<ConsumerGroupRegularExpressionValue> value;
};

}  // namespace millrace::protocol
