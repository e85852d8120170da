#include <fmt/format.h>

#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::ProduceRequest;
using protocol::ProduceResponse;

/// The request's frame is ours alone: the log stamps the batches in place.
MutableBytes writable(const protocol::Records& records) {
  const auto bytes = records.bytes.bytes();
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

ProduceCall call_of(const ProduceRequest& request) {
  ProduceCall call;
  call.acks = request.acks;
  call.transactional_id = request.transactional_id.value_or("");
  call.transactions = request.transactions;
  call.timeout = std::chrono::milliseconds{request.timeout_ms};
  for (const auto& topic : request.topic_data) {
    for (const auto& partition : topic.partition_data) {
      call.partitions.push_back(ProducePartition{.topic = TopicRef{topic.name, topic.topic_id},
                                                 .partition = partition.index,
                                                 .batches = writable(partition.records)});
    }
  }
  return call;
}

ProduceResponse response_of(const ProduceRequest& request, const ProduceAnswer& answer) {
  ProduceResponse response;
  auto result = answer.begin();
  for (const auto& topic : request.topic_data) {
    auto& topic_response = response.responses.emplace_back();
    topic_response.name = topic.name;
    topic_response.topic_id = topic.topic_id;
    for (const auto& partition : topic.partition_data) {
      auto& shown = topic_response.partition_responses.emplace_back();
      shown.index = partition.index;
      if (*result) {
        shown.base_offset = (*result)->base_offset;
        shown.log_append_time_ms = (*result)->append_time.time_since_epoch().count();
        shown.log_start_offset = (*result)->log_start;
      } else {
        shown.error_code = result->error().code();
        shown.error_message = result->error().message();
        shown.base_offset = kNoOffset;
      }
      ++result;
    }
  }
  return response;
}

const Error* first_error(const ProduceAnswer& answer) {
  for (const auto& result : answer) {
    if (!result) return &result.error();
  }
  return nullptr;
}

}  // namespace

/// Appends, and answers when as many replicas have the records as the producer asked for.
Task<Result<std::optional<ProduceResponse>>> handle(const ProduceRequest& request, HandlerContext& context) {
  ProduceCall call = call_of(request);
  auto produce = [&](auto done) { context.broker().produce(std::move(call), done); };
  const ProduceAnswer answer = co_await callback_result<ProduceAnswer>(produce);
  if (request.acks == kAcksNone) {
    if (const auto* error = first_error(answer)) {
      co_return fail(error->code(), fmt::format("a produce request with acks=0 failed: {}", error->message()));
    }
    co_return std::optional<ProduceResponse>();
  }
  co_return std::optional<ProduceResponse>(response_of(request, answer));
}

std::optional<ProduceResponse> refuse(const ProduceRequest& request) {
  if (request.acks == kAcksNone) return std::nullopt;
  const Error error{ErrorCode::kUnsupportedVersion, "message sets older than record batches are not accepted"};
  std::size_t partitions = 0;
  for (const auto& topic : request.topic_data) partitions += topic.partition_data.size();
  return response_of(request, ProduceAnswer(partitions, std::unexpected(error)));
}

}  // namespace millrace
