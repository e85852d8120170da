#include "protocol/consumer_protocol.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes_io.h"
#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(ConsumerSubscription);
MILLRACE_WIRE_MESSAGE(ConsumerAssignment);

namespace {

// Java's clients write the newest version that they know as well.
template <class Message>
ByteString with_version(const Message& message) {
  ByteWriter out;
  out.write<std::int16_t>(Message::kVersions.last);
  out.write_bytes(encode(message, Message::kVersions.last));
  return out.take();
}

template <class Message>
Result<Message> behind_version(Bytes bytes) {
  if (bytes.empty()) return Message{};
  ByteReader reader{bytes};
  const auto version = reader.read<std::int16_t>();
  if (!reader.ok() || version < 0) {
    return millrace::fail(ErrorCode::kMalformed, fmt::format("cannot decode {}: it has no version", Message::kName));
  }
  const auto known = std::min(version, Message::kVersions.last);
  MILLRACE_TRY(decoded, decode_prefix<Message>(bytes.subspan(reader.position()), known));
  return std::move(decoded.message);
}

}  // namespace

ByteString encode_subscription(const ConsumerSubscription& subscription) { return with_version(subscription); }
Result<ConsumerSubscription> decode_subscription(Bytes bytes) { return behind_version<ConsumerSubscription>(bytes); }
ByteString encode_assignment(const ConsumerAssignment& assignment) { return with_version(assignment); }
Result<ConsumerAssignment> decode_assignment(Bytes bytes) { return behind_version<ConsumerAssignment>(bytes); }

std::vector<ConsumerTopic> by_topic(const std::vector<TopicPartition>& partitions) {
  std::vector<ConsumerTopic> topics;
  for (const auto& partition : partitions) {
    auto topic = std::ranges::find(topics, partition.topic, &ConsumerTopic::topic);
    if (topic == topics.end()) topic = topics.insert(topics.end(), {.topic = partition.topic, .partitions = {}});
    topic->partitions.push_back(partition.partition);
  }
  return topics;
}

std::vector<TopicPartition> one_by_one(const std::vector<ConsumerTopic>& topics) {
  std::vector<TopicPartition> partitions;
  for (const auto& topic : topics) {
    for (const auto index : topic.partitions) partitions.push_back({topic.topic, index});
  }
  return partitions;
}

}  // namespace millrace::protocol
