#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/field.h"

// What the members of a consumer group tell each other through the coordinator, which does not look into it. Bytes that
// begin with a version; a newer version has more fields at its end, which older readers leave alone.

namespace millrace::protocol {

/// Bytes that may be absent: on the wire the same as an array of bytes that may be null.
using UserData = std::vector<std::uint8_t>;

struct ConsumerTopic {
  std::string topic;
  std::vector<PartitionIndex> partitions;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topic", self.topic);
    visit("partitions", self.partitions);
  }

  friend bool operator==(const ConsumerTopic&, const ConsumerTopic&) = default;
};

/// What a member wants and has. Source: ConsumerProtocolSubscription.json of Kafka 4.3.1.
struct ConsumerSubscription {
  static constexpr const char* kName = "ConsumerProtocolSubscription";
  static constexpr Versions kVersions{0, 3};
  static constexpr Versions kFlexible = kNoVersions;

  std::vector<std::string> topics;
  std::optional<UserData> user_data;
  std::vector<ConsumerTopic> owned_partitions;
  std::int32_t generation_id = -1;
  std::optional<std::string> rack_id;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("topics", self.topics);
    visit("user_data", self.user_data, nullable(from(0)));
    visit("owned_partitions", self.owned_partitions, from(1));
    visit("generation_id", self.generation_id, from(2));
    visit("rack_id", self.rack_id, from(3), nullable(from(3)));
  }

  friend bool operator==(const ConsumerSubscription&, const ConsumerSubscription&) = default;
};

/// What a member gets. Source: ConsumerProtocolAssignment.json of Kafka 4.3.1.
struct ConsumerAssignment {
  static constexpr const char* kName = "ConsumerProtocolAssignment";
  static constexpr Versions kVersions{0, 3};
  static constexpr Versions kFlexible = kNoVersions;

  std::vector<ConsumerTopic> assigned_partitions;
  std::optional<UserData> user_data;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("assigned_partitions", self.assigned_partitions);
    visit("user_data", self.user_data, nullable(from(0)));
  }

  friend bool operator==(const ConsumerAssignment&, const ConsumerAssignment&) = default;
};

/// With the version before the fields. A newer version is read as the newest that is known. No bytes are an empty
/// message, as Kafka's clients take it. Errors: `kMalformed`.
[[nodiscard]] ByteString encode_subscription(const ConsumerSubscription& subscription);
[[nodiscard]] Result<ConsumerSubscription> decode_subscription(Bytes bytes);
[[nodiscard]] ByteString encode_assignment(const ConsumerAssignment& assignment);
[[nodiscard]] Result<ConsumerAssignment> decode_assignment(Bytes bytes);

/// Partitions by topic, and one by one; the order stays.
[[nodiscard]] std::vector<ConsumerTopic> by_topic(const std::vector<TopicPartition>& partitions);
[[nodiscard]] std::vector<TopicPartition> one_by_one(const std::vector<ConsumerTopic>& topics);

}  // namespace millrace::protocol
