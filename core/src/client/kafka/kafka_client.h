#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/logger.h"
#include "client/kafka/cluster.h"
#include "millrace/client.h"

namespace millrace {

/// What the handles of one client share.
struct KafkaContext {
  /// "HOST:PORT,...", as librdkafka takes it.
  std::string brokers;
  std::unique_ptr<Cluster> cluster;
  /// Null: what a handle cannot tell anybody at its end is not told.
  Logger* logger = nullptr;
};

[[nodiscard]] Result<std::unique_ptr<Client>> make_kafka_client(std::string_view brokers, const Properties& properties,
                                                                Logger* logger);

/// The handles, each with its checked properties.
[[nodiscard]] Result<std::unique_ptr<Producer>> make_kafka_producer(std::shared_ptr<KafkaContext> context,
                                                                    const Properties& properties,
                                                                    DeliveryListener listener, Partitioner partitioner);
[[nodiscard]] Result<std::unique_ptr<Consumer>> make_kafka_consumer(std::shared_ptr<KafkaContext> context,
                                                                    const Properties& properties);
[[nodiscard]] Result<std::unique_ptr<Admin>> make_kafka_admin(std::shared_ptr<KafkaContext> context,
                                                              const Properties& properties);

// What consumer and admin both ask.

enum class ReadIsolation : std::uint8_t { kUncommitted = 0, kCommitted = 1 };
[[nodiscard]] Result<OffsetAnswer> ask_offset(Cluster& cluster, const TopicPartition& partition, OffsetQuery query,
                                              ReadIsolation isolation, TimePoint deadline);
/// What the group has committed; `partitions` absent: everything, as it is. Of given ones it waits for transactions
/// that have sent their offsets: who goes on there must not do again what is about to count.
[[nodiscard]] Result<std::vector<PartitionOffset>> ask_group_offsets(
    Cluster& cluster, std::string_view group, const std::optional<std::vector<TopicPartition>>& partitions,
    TimePoint deadline);

}  // namespace millrace
