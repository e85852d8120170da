#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::WritableTxnMarker;
using protocol::WriteTxnMarkersRequest;
using protocol::WriteTxnMarkersResponse;

TransactionMarker marker_of(const WritableTxnMarker& asked) {
  return {.producer = asked.producer_id,
          .epoch = asked.producer_epoch,
          .end = asked.transaction_result ? TransactionEnd::kCommit : TransactionEnd::kAbort,
          .coordinator_epoch = asked.coordinator_epoch};
}

Task<ErrorCode> write(TopicPartition partition, TransactionMarker marker, std::int16_t transaction_version,
                      HandlerContext& context) {
  auto ask = [&](auto done) { context.broker().write_marker(partition, marker, transaction_version, done); };
  const Result<void> written = co_await callback_result<Result<void>>(ask);
  co_return written ? ErrorCode::kNone : written.error().code();
}

}  // namespace

/// What coordinators of other brokers and those who mend ask for; each partition is answered for when its marker is
/// durable.
Task<WriteTxnMarkersResponse> handle(const WriteTxnMarkersRequest& request, HandlerContext& context) {
  WriteTxnMarkersResponse response;
  for (const auto& asked : request.markers) {
    auto& result = response.markers.emplace_back();
    result.producer_id = asked.producer_id;
    for (const auto& topic : asked.topics) {
      auto& shown = result.topics.emplace_back();
      shown.name = topic.name;
      for (const auto partition : topic.partition_indexes) {
        TopicPartition name;
        name.topic = topic.name;
        name.partition = partition;
        const TransactionMarker marker = marker_of(asked);
        const ErrorCode code = co_await write(std::move(name), marker, asked.transaction_version, context);
        auto& last = response.markers.back().topics.back().partitions.emplace_back();
        last.partition_index = partition;
        last.error_code = code;
      }
    }
  }
  co_return response;
}

}  // namespace millrace
