#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/consumer_group_records.h"
#include "protocol/keyed_record.h"

// Records of `__consumer_offsets`.

namespace millrace::protocol {

/// A group has committed an offset of a partition. Source: as of all these, its namesake of Kafka 4.3.1.
struct OffsetCommitKey {
  static constexpr const char* kName = "OffsetCommitKey";
  static constexpr std::int16_t kKey = 1;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = kNoVersions;

  std::string group;
  std::string topic;
  PartitionIndex partition;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group", self.group);
    visit("topic", self.topic);
    visit("partition", self.partition);
  }

  friend bool operator==(const OffsetCommitKey&, const OffsetCommitKey&) = default;
};

/// The committed offset.
struct OffsetCommitValue {
  static constexpr const char* kName = "OffsetCommitValue";
  static constexpr std::int16_t kKey = 1;
  static constexpr Versions kVersions{0, 4};
  static constexpr Versions kFlexible = from(4);

  Offset offset;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::string metadata;
  std::int64_t commit_timestamp = 0;
  std::int64_t expire_timestamp = -1;
  TopicId topic_id;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("offset", self.offset);
    visit("leader_epoch", self.leader_epoch, from(3));
    visit("metadata", self.metadata);
    visit("commit_timestamp", self.commit_timestamp);
    visit("expire_timestamp", self.expire_timestamp, between(1, 1));
    visit("topic_id", self.topic_id, from(4), tagged(0));
  }

  friend bool operator==(const OffsetCommitValue&, const OffsetCommitValue&) = default;
};

/// A classic group.
struct GroupMetadataKey {
  static constexpr const char* kName = "GroupMetadataKey";
  static constexpr std::int16_t kKey = 2;
  static constexpr Versions kVersions{0, 0};
  static constexpr Versions kFlexible = kNoVersions;

  std::string group;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group", self.group);
  }

  friend bool operator==(const GroupMetadataKey&, const GroupMetadataKey&) = default;
};

struct StoredMember {
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::string client_id;
  std::string client_host;
  std::int32_t rebalance_timeout = -1;
  std::int32_t session_timeout = 0;
  ByteString subscription;
  ByteString assignment;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("member_id", self.member_id);
    visit("group_instance_id", self.group_instance_id, from(3), nullable(from(3)));
    visit("client_id", self.client_id);
    visit("client_host", self.client_host);
    visit("rebalance_timeout", self.rebalance_timeout, from(1));
    visit("session_timeout", self.session_timeout);
    visit("subscription", self.subscription);
    visit("assignment", self.assignment);
  }

  friend bool operator==(const StoredMember&, const StoredMember&) = default;
};

/// What a classic group is in a generation.
struct GroupMetadataValue {
  static constexpr const char* kName = "GroupMetadataValue";
  static constexpr std::int16_t kKey = 2;
  static constexpr Versions kVersions{0, 4};
  static constexpr Versions kFlexible = from(4);

  std::string protocol_type;
  std::int32_t generation = 0;
  std::optional<std::string> protocol;
  std::optional<std::string> leader;
  std::int64_t current_state_timestamp = -1;
  std::vector<StoredMember> members;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("protocol_type", self.protocol_type);
    visit("generation", self.generation);
    visit("protocol", self.protocol, nullable(from(0)));
    visit("leader", self.leader, nullable(from(0)));
    visit("current_state_timestamp", self.current_state_timestamp, from(2));
    visit("members", self.members);
  }

  friend bool operator==(const GroupMetadataValue&, const GroupMetadataValue&) = default;
};

/// What a record of `__consumer_offsets` says; a value that is absent takes back what was said before.
struct CommittedOffsetRecord {
  OffsetCommitKey key;
  std::optional<OffsetCommitValue> value;
};
struct GroupMetadataRecord {
  GroupMetadataKey key;
  std::optional<GroupMetadataValue> value;
};
using GroupRecord = std::variant<CommittedOffsetRecord, GroupMetadataRecord, ConsumerGroupMetadataRecord,
                                 ConsumerGroupPartitionMetadataRecord, ConsumerGroupMemberMetadataRecord,
                                 ConsumerGroupTargetAssignmentMetadataRecord, ConsumerGroupTargetAssignmentMemberRecord,
                                 ConsumerGroupCurrentMemberAssignmentRecord, ConsumerGroupRegularExpressionRecord>;

[[nodiscard]] EncodedRecord encode_group_record(const GroupRecord& record);

/// Errors: `kUnsupported` (a kind of record or version that is not known here), `kMalformed`.
[[nodiscard]] Result<GroupRecord> decode_group_record(NullableBytes key, NullableBytes value);

}  // namespace millrace::protocol
