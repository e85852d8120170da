#pragma once

#include "client/kafka/cluster.h"
#include "millrace/client.h"

// What `Admin` asks a cluster about transactions; errors as there.

namespace millrace {

[[nodiscard]] Result<std::vector<TransactionListing>> ask_transactions(Cluster& cluster, TimePoint deadline);
[[nodiscard]] Result<TransactionDescription> ask_transaction(Cluster& cluster, std::string_view id, TimePoint deadline);
[[nodiscard]] Result<void> ask_to_fence(Cluster& cluster, std::string_view id, TimePoint deadline);
[[nodiscard]] Result<std::vector<PartitionProducer>> ask_producers(Cluster& cluster, const TopicPartition& partition,
                                                                   TimePoint deadline);
[[nodiscard]] Result<void> ask_to_abort(Cluster& cluster, const TopicPartition& partition,
                                        const PartitionProducer& producer, TimePoint deadline);

}  // namespace millrace
