#include <algorithm>

#include "record/message_set.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::FetchRequest;
using protocol::FetchResponse;

std::size_t bytes_of(std::int32_t wire) { return static_cast<std::size_t>(std::max(wire, 0)); }

/// What Kafka's `isolation_level` 1 is: only what is decided.
constexpr std::int8_t kReadCommitted = 1;

FetchCall call_of(const FetchRequest& request, const BrokerConfig& config) {
  FetchCall call;
  call.max_bytes = std::min(bytes_of(request.max_bytes), static_cast<std::size_t>(config.get_long("fetch.max.bytes")));
  call.min_bytes = std::min(bytes_of(request.min_bytes), call.max_bytes);
  call.max_wait = std::chrono::milliseconds{std::max(request.max_wait_ms, 0)};
  call.isolation = request.isolation_level == kReadCommitted ? Isolation::kCommitted : Isolation::kHighWatermark;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      call.partitions.push_back(FetchPartition{.topic = TopicRef{topic.topic, topic.topic_id},
                                               .partition = partition.partition,
                                               .from = partition.fetch_offset,
                                               .current_leader_epoch = partition.current_leader_epoch,
                                               .max_bytes = bytes_of(partition.partition_max_bytes)});
    }
  }
  return call;
}

protocol::FetchablePartitionResponse partition_of(const protocol::FetchPartition& asked, Result<LogSlice>& slice,
                                                  bool read_committed) {
  protocol::FetchablePartitionResponse shown;
  shown.partition_index = asked.partition;
  shown.records.bytes = NullableBytes{std::string_view{}};
  if (!slice) {
    shown.error_code = slice.error().code();
    shown.high_watermark = kNoOffset;
    return shown;
  }
  shown.high_watermark = slice->high_watermark;
  shown.last_stable_offset = slice->last_stable;
  shown.log_start_offset = slice->log_start;
  if (read_committed) shown.aborted_transactions.emplace();
  if (!slice->bytes.empty()) shown.records = protocol::Records{slice->bytes, std::move(slice->owner)};
  return shown;
}

FetchResponse response_of(const FetchRequest& request, FetchAnswer& answer) {
  FetchResponse response;
  auto slice = answer.begin();
  for (const auto& topic : request.topics) {
    auto& topic_response = response.responses.emplace_back();
    topic_response.topic = topic.topic;
    topic_response.topic_id = topic.topic_id;
    for (const auto& partition : topic.partitions) {
      topic_response.partitions.push_back(partition_of(partition, *slice++, request.isolation_level == kReadCommitted));
    }
  }
  return response;
}

/// Sessions are never opened, so nobody can have one: every fetch names all of its partitions.
constexpr std::int32_t kNoSession = 0;

/// The versions of Fetch that carry the formats before record batches.
constexpr protocol::Versions kMagic0{0, 1};
constexpr protocol::Versions kMagic1{2, 3};
/// What is unpacked for one partition of an old client's fetch.
constexpr std::size_t kMostConverted = 128U << 20;

}  // namespace

/// Reads, and waits for `min_bytes` if there are less. The bytes go from the log's buffers to the socket.
Task<FetchResponse> handle(const FetchRequest& request, HandlerContext& context) {
  if (request.session_id != kNoSession) {
    FetchResponse refused;
    refused.error_code = ErrorCode::kFetchSessionIdNotFound;
    co_return refused;
  }
  FetchCall call = call_of(request, context.broker().config());
  auto fetch = [&](auto done) { context.waits(context.broker().fetch(std::move(call), done)); };
  FetchAnswer answer = co_await callback_result<FetchAnswer>(fetch);
  FetchResponse response = response_of(request, answer);
  co_return response;
}

void adapt(FetchResponse& response, std::int16_t version) {
  if (!kMagic0.has(version) && !kMagic1.has(version)) return;
  const auto format = kMagic0.has(version) ? MessageFormat::kMagic0 : MessageFormat::kMagic1;
  BufferPool pool{0};
  for (auto& topic : response.responses) {
    for (auto& partition : topic.partitions) {
      auto converted = to_message_set(partition.records.bytes.bytes(), format, kMostConverted, pool);
      if (!converted) {
        partition.error_code = converted.error().code();
        converted.emplace();
      }
      auto owner = std::make_shared<const std::vector<std::byte>>(*std::move(converted));
      partition.records = protocol::Records{NullableBytes{Bytes{*owner}}, owner};
    }
  }
}

}  // namespace millrace
