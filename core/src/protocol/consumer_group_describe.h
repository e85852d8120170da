#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api_key.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// What are these groups of the consumer protocol doing? Source: ConsumerGroupDescribeRequest.json of Kafka 3.9 and
/// 4.3.1.
struct ConsumerGroupDescribeRequest {
  static constexpr const char* kName = "ConsumerGroupDescribeRequest";
  static constexpr auto kApi = ApiKey::kConsumerGroupDescribe;
  static constexpr Versions kVersions{0, 1};
  static constexpr Versions kFlexible = from(0);

  std::vector<std::string> group_ids;
  bool include_authorized_operations = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("group_ids", self.group_ids);
    visit("include_authorized_operations", self.include_authorized_operations);
  }

  friend bool operator==(const ConsumerGroupDescribeRequest&, const ConsumerGroupDescribeRequest&) = default;
};

struct DescribedTopicAssignment {
  TopicId topic_id;
  std::string topic_name;
  std::vector<PartitionIndex> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic_id", self.topic_id);
    visit("topic_name", self.topic_name);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const DescribedTopicAssignment&, const DescribedTopicAssignment&) = default;
};

struct DescribedAssignment {
  std::vector<DescribedTopicAssignment> topic_partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic_partitions", self.topic_partitions);
  }

  friend bool operator==(const DescribedAssignment&, const DescribedAssignment&) = default;
};

struct DescribedConsumerMember {
  std::string member_id;
  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  std::int32_t member_epoch = 0;
  std::string client_id;
  std::string client_host;
  std::vector<std::string> subscribed_topic_names;
  std::optional<std::string> subscribed_topic_regex;
  DescribedAssignment assignment;
  DescribedAssignment target_assignment;
  std::int8_t member_type = -1;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("member_id", self.member_id);
    visit("instance_id", self.instance_id, nullable(from(0)));
    visit("rack_id", self.rack_id, nullable(from(0)));
    visit("member_epoch", self.member_epoch);
    visit("client_id", self.client_id);
    visit("client_host", self.client_host);
    visit("subscribed_topic_names", self.subscribed_topic_names);
    visit("subscribed_topic_regex", self.subscribed_topic_regex, nullable(from(0)));
    visit("assignment", self.assignment);
    visit("target_assignment", self.target_assignment);
    visit("member_type", self.member_type, from(1));
  }

  friend bool operator==(const DescribedConsumerMember&, const DescribedConsumerMember&) = default;
};

struct DescribedConsumerGroup {
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message;
  std::string group_id;
  std::string group_state;
  std::int32_t group_epoch = 0;
  std::int32_t assignment_epoch = 0;
  std::string assignor_name;
  std::vector<DescribedConsumerMember> members;
  std::int32_t authorized_operations = std::numeric_limits<std::int32_t>::min();

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("error_code", self.error_code);
    visit("error_message", self.error_message, nullable(from(0)));
    visit("group_id", self.group_id);
    visit("group_state", self.group_state);
    visit("group_epoch", self.group_epoch);
    visit("assignment_epoch", self.assignment_epoch);
    visit("assignor_name", self.assignor_name);
    visit("members", self.members);
    visit("authorized_operations", self.authorized_operations);
  }

  friend bool operator==(const DescribedConsumerGroup&, const DescribedConsumerGroup&) = default;
};

/// The groups with their members. Source: ConsumerGroupDescribeResponse.json of Kafka 3.9 and 4.3.1.
struct ConsumerGroupDescribeResponse {
  static constexpr const char* kName = "ConsumerGroupDescribeResponse";
  static constexpr auto kApi = ApiKey::kConsumerGroupDescribe;
  static constexpr Versions kVersions{0, 1};
  static constexpr Versions kFlexible = from(0);

  std::int32_t throttle_time_ms = 0;
  std::vector<DescribedConsumerGroup> groups;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("throttle_time_ms", self.throttle_time_ms);
    visit("groups", self.groups);
  }

  friend bool operator==(const ConsumerGroupDescribeResponse&, const ConsumerGroupDescribeResponse&) = default;
};

}  // namespace millrace::protocol
