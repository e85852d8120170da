#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// Partitions of a topic that is named by its id.
struct TopicIdPartitions {
  TopicId topic_id;
  std::vector<PartitionIndex> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic_id", self.topic_id);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const TopicIdPartitions&, const TopicIdPartitions&) = default;
};

/// A member of a group of the consumer protocol (KIP-848) joins, is alive, tells what it has, or leaves; what has not
/// changed since it said it last is null. Source: ConsumerGroupHeartbeatRequest.json of Kafka 3.9 and 4.3.1.
struct ConsumerGroupHeartbeatRequest {
  static constexpr const char* kName = "ConsumerGroupHeartbeatRequest";
  static constexpr auto kApi = ApiKey::kConsumerGroupHeartbeat;
  static constexpr Versions kVersions{0, 1};
  static constexpr Versions kFlexible = from(0);

  std::string group_id;
  std::string member_id;
  std::int32_t member_epoch = 0;
  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  std::int32_t rebalance_timeout_ms = -1;
  std::optional<std::vector<std::string>> subscribed_topic_names;
  std::optional<std::string> subscribed_topic_regex;
  std::optional<std::string> server_assignor;
  std::optional<std::vector<TopicIdPartitions>> topic_partitions;

  /// What a version means without a field for it; `normalize` sets it: the coordinator makes a new member's id.
  bool takes_member_id = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_id", self.group_id);
    visit("member_id", self.member_id);
    visit("member_epoch", self.member_epoch);
    visit("instance_id", self.instance_id, nullable(from(0)));
    visit("rack_id", self.rack_id, nullable(from(0)));
    visit("rebalance_timeout_ms", self.rebalance_timeout_ms);
    visit("subscribed_topic_names", self.subscribed_topic_names, nullable(from(0)));
    visit("subscribed_topic_regex", self.subscribed_topic_regex, from(1), nullable(from(1)));
    visit("server_assignor", self.server_assignor, nullable(from(0)));
    visit("topic_partitions", self.topic_partitions, nullable(from(0)));
  }

  friend bool operator==(const ConsumerGroupHeartbeatRequest&, const ConsumerGroupHeartbeatRequest&) = default;
};

inline void normalize(ConsumerGroupHeartbeatRequest& request, std::int16_t version) {
  request.takes_member_id = version < 1;
}

struct ConsumerGroupAssignment {
  std::vector<TopicIdPartitions> topic_partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic_partitions", self.topic_partitions);
  }

  friend bool operator==(const ConsumerGroupAssignment&, const ConsumerGroupAssignment&) = default;
};

/// What the member may read now. Source: ConsumerGroupHeartbeatResponse.json of Kafka 3.9 and 4.3.1.
struct ConsumerGroupHeartbeatResponse {
  static constexpr const char* kName = "ConsumerGroupHeartbeatResponse";
  static constexpr auto kApi = ApiKey::kConsumerGroupHeartbeat;
  static constexpr Versions kVersions{0, 1};
  static constexpr Versions kFlexible = from(0);

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::optional<std::string> member_id;
  std::int32_t member_epoch = 0;
  std::int32_t heartbeat_interval_ms = 0;
  std::optional<ConsumerGroupAssignment> assignment;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
    visit("member_id", self.member_id, nullable(from(0)));
    visit("member_epoch", self.member_epoch);
    visit("heartbeat_interval_ms", self.heartbeat_interval_ms);
    visit("assignment", self.assignment, nullable(from(0)));
  }

  friend bool operator==(const ConsumerGroupHeartbeatResponse&, const ConsumerGroupHeartbeatResponse&) = default;
};

}  // namespace millrace::protocol
