#include "client/kafka/transaction_questions.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/transaction_answers.h"
#include "client/transaction_steps.h"
#include "protocol/describe_producers.h"
#include "protocol/describe_transactions.h"
#include "protocol/init_producer_id.h"
#include "protocol/list_transactions.h"
#include "protocol/write_txn_markers.h"

namespace millrace {
namespace {

std::unexpected<Error> of_something_else(const char* what) {
  return fail(ErrorCode::kMalformed, fmt::format("the answer to {} is of something else", what));
}

Timestamp timestamp_of(std::int64_t milliseconds) { return Timestamp{std::chrono::milliseconds{milliseconds}}; }

}  // namespace

Result<std::vector<TransactionListing>> ask_transactions(Cluster& cluster, TimePoint deadline) {
  // Each broker knows those that it coordinates.
  MILLRACE_TRY(brokers, cluster.brokers(deadline));
  std::vector<TransactionListing> listed;
  for (const auto broker : brokers) {
    const auto ask = [&]() -> Result<protocol::ListTransactionsResponse> {
      MILLRACE_TRY(answer, cluster.call<protocol::ListTransactionsResponse>(broker, protocol::ListTransactionsRequest{},
                                                                            deadline));
      // One that coordinates nothing yet has none.
      if (answer.error_code == ErrorCode::kNone || answer.error_code == ErrorCode::kCoordinatorNotAvailable) {
        return answer;
      }
      return fail(answer.error_code, fmt::format("cannot list transactions: {}", name_of(answer.error_code)));
    };
    MILLRACE_TRY(response, Cluster::retried<protocol::ListTransactionsResponse>(deadline, ask));
    for (auto& one : response.transaction_states) {
      listed.push_back({.id = std::move(one.transactional_id),
                        .producer = one.producer_id,
                        .state = std::move(one.transaction_state)});
    }
  }
  std::ranges::sort(listed, {}, &TransactionListing::id);
  return listed;
}

Result<TransactionDescription> ask_transaction(Cluster& cluster, std::string_view id, TimePoint deadline) {
  protocol::DescribeTransactionsRequest request;
  request.transactional_ids.emplace_back(id);
  return Cluster::retried<TransactionDescription>(deadline, [&]() -> Result<TransactionDescription> {
    MILLRACE_TRY(coordinator, cluster.coordinator_of(id, deadline, Cluster::Coordinates::kTransaction));
    MILLRACE_TRY(response, cluster.call<protocol::DescribeTransactionsResponse>(coordinator, request, deadline));
    if (response.transaction_states.size() != 1) return of_something_else("a transactional.id");
    auto& found = response.transaction_states.front();
    if (found.error_code == ErrorCode::kTransactionalIdNotFound) return unknown_transaction(id);
    if (found.error_code != ErrorCode::kNone) {
      return fail(found.error_code,
                  fmt::format("cannot look at transactional.id \"{}\": {}", id, name_of(found.error_code)));
    }
    TransactionDescription described{.id = std::string{id},
                                     .state = std::move(found.transaction_state),
                                     .producer = found.producer_id,
                                     .epoch = found.producer_epoch,
                                     .timeout = std::chrono::milliseconds{found.transaction_timeout_ms},
                                     .started = {},
                                     .partitions = {}};
    if (found.transaction_start_time_ms >= 0) described.started = timestamp_of(found.transaction_start_time_ms);
    for (const auto& topic : found.topics) {
      for (const auto partition : topic.partitions) described.partitions.push_back({topic.topic, partition});
    }
    std::ranges::sort(described.partitions);
    return described;
  });
}

Result<void> ask_to_fence(Cluster& cluster, std::string_view id, TimePoint deadline) {
  protocol::InitProducerIdRequest request;
  request.transactional_id = id;
  request.transaction_timeout_ms = static_cast<std::int32_t>(kFencingTimeout.count());
  return Cluster::retried<void>(deadline, [&]() -> Result<void> {
    MILLRACE_TRY(coordinator, cluster.coordinator_of(id, deadline, Cluster::Coordinates::kTransaction));
    MILLRACE_TRY(response, cluster.call<protocol::InitProducerIdResponse>(coordinator, request, deadline));
    if (response.error_code == ErrorCode::kNone) return {};
    return std::unexpected(transaction_error("fence the producer", std::string{id}, response.error_code));
  });
}

Result<std::vector<PartitionProducer>> ask_producers(Cluster& cluster, const TopicPartition& partition,
                                                     TimePoint deadline) {
  protocol::DescribeProducersRequest request;
  request.topics.push_back({.name = partition.topic, .partition_indexes = {partition.partition}});
  using Shown = std::vector<PartitionProducer>;
  return Cluster::retried<Shown>(deadline, [&]() -> Result<Shown> {
    MILLRACE_TRY(leader, cluster.leader_of(partition, deadline));
    MILLRACE_TRY(response, cluster.call<protocol::DescribeProducersResponse>(leader, request, deadline));
    if (response.topics.size() != 1 || response.topics[0].partitions.size() != 1) {
      return of_something_else("a partition's producers");
    }
    const auto& found = response.topics[0].partitions[0];
    if (found.error_code != ErrorCode::kNone) {
      return fail(found.error_code, fmt::format("cannot look at the producers of {}: {}", partition.to_string(),
                                                found.error_message.value_or(std::string{name_of(found.error_code)})));
    }
    Shown shown;
    shown.reserve(found.active_producers.size());
    for (const auto& one : found.active_producers) {
      shown.push_back({.producer = one.producer_id,
                       .epoch = ProducerEpoch{static_cast<std::int16_t>(one.producer_epoch)},
                       .last_sequence = one.last_sequence,
                       .last_timestamp = timestamp_of(one.last_timestamp),
                       .coordinator_epoch = one.coordinator_epoch,
                       .open_from = one.current_txn_start_offset});
    }
    return shown;
  });
}

Result<void> ask_to_abort(Cluster& cluster, const TopicPartition& partition, const PartitionProducer& producer,
                          TimePoint deadline) {
  MILLRACE_TRY(now, ask_producers(cluster, partition, deadline));
  MILLRACE_CHECK(check_open(partition, now, producer));
  protocol::WriteTxnMarkersRequest request;
  request.markers.push_back({.producer_id = producer.producer,
                             .producer_epoch = producer.epoch,
                             .transaction_result = false,
                             .topics = {{.name = partition.topic, .partition_indexes = {partition.partition}}},
                             .coordinator_epoch = marker_epoch(producer)});
  return Cluster::retried<void>(deadline, [&]() -> Result<void> {
    MILLRACE_TRY(leader, cluster.leader_of(partition, deadline));
    MILLRACE_TRY(response, cluster.call<protocol::WriteTxnMarkersResponse>(leader, request, deadline));
    if (response.markers.size() != 1 || response.markers[0].topics.size() != 1 ||
        response.markers[0].topics[0].partitions.size() != 1) {
      return of_something_else("a transaction's end");
    }
    const auto code = response.markers[0].topics[0].partitions[0].error_code;
    if (code == ErrorCode::kNone) return {};
    return fail(code, fmt::format("cannot abort the transaction of producer {} in {}: {}", producer.producer.value(),
                                  partition.to_string(), name_of(code)));
  });
}

}  // namespace millrace
