#include <algorithm>

#include "broker/fetch_sessions.h"
#include "record/message_set.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::FetchRequest;
using protocol::FetchResponse;

std::size_t bytes_of(std::int32_t wire) { return static_cast<std::size_t>(std::max(wire, 0)); }

/// What Kafka's `isolation_level` 1 is: only what is decided.
constexpr std::int8_t kReadCommitted = 1;

FetchSessionAsk session_ask(const FetchRequest& request) {
  const bool is_replica = request.replica_id.value() >= 0 || request.replica_state.replica_id.value() >= 0;
  FetchSessionAsk ask;
  ask.session = request.session_id;
  ask.epoch = request.session_epoch;
  ask.reader = is_replica ? FetchReader::kReplica : FetchReader::kClient;
  ask.naming = request.names_topics_by_id ? TopicNaming::kById : TopicNaming::kByName;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      ask.partitions.push_back(FetchPartition{.topic = TopicRef{topic.topic, topic.topic_id},
                                              .partition = partition.partition,
                                              .from = partition.fetch_offset,
                                              .current_leader_epoch = partition.current_leader_epoch,
                                              .max_bytes = bytes_of(partition.partition_max_bytes)});
    }
  }
  for (const auto& topic : request.forgotten_topics_data) {
    for (const auto partition : topic.partitions) {
      ask.forgotten.push_back({.topic = TopicRef{topic.topic, topic.topic_id}, .partition = partition, .from = {}});
    }
  }
  return ask;
}

FetchCall call_of(const FetchRequest& request, FetchPlan& plan, const BrokerConfig& config) {
  FetchCall call;
  call.max_bytes = std::min(bytes_of(request.max_bytes), static_cast<std::size_t>(config.get_long("fetch.max.bytes")));
  call.min_bytes = std::min(bytes_of(request.min_bytes), call.max_bytes);
  call.max_wait = std::chrono::milliseconds{std::max(request.max_wait_ms, 0)};
  call.isolation = request.isolation_level == kReadCommitted ? Isolation::kCommitted : Isolation::kHighWatermark;
  call.partitions = std::move(plan.partitions);
  return call;
}

protocol::FetchablePartitionResponse partition_of(PartitionIndex index, Result<LogSlice>& slice, bool read_committed) {
  protocol::FetchablePartitionResponse shown;
  shown.partition_index = index;
  shown.records.bytes = NullableBytes{std::string_view{}};
  if (!slice) {
    shown.error_code = slice.error().code();
    shown.high_watermark = kNoOffset;
    return shown;
  }
  shown.high_watermark = slice->high_watermark;
  shown.last_stable_offset = slice->last_stable;
  shown.log_start_offset = slice->log_start;
  if (read_committed) {
    auto& aborted = shown.aborted_transactions.emplace();
    for (const auto& one : slice->aborted) aborted.push_back({.producer_id = one.producer, .first_offset = one.first});
  }
  if (!slice->bytes.empty()) shown.records = protocol::Records{slice->bytes, std::move(slice->owner)};
  return shown;
}

/// All that was asked for, in the request's order.
void tell_all(const FetchRequest& request, FetchAnswer& answer, FetchResponse& response) {
  auto next = answer.begin();
  response.responses.reserve(request.topics.size());
  for (const auto& topic : request.topics) {
    auto& told = response.responses.emplace_back();
    told.topic = topic.topic;
    told.topic_id = topic.topic_id;
    told.partitions.reserve(topic.partitions.size());
    for (const auto& partition : topic.partitions) {
      told.partitions.push_back(partition_of(partition.partition, *next++, request.isolation_level == kReadCommitted));
    }
  }
}

FetchResponse response_of(const FetchRequest& request, FetchNews& news, FetchAnswer& answer) {
  FetchResponse response;
  response.session_id = news.session;
  if (!news.partitions) {
    tell_all(request, answer, response);
    return response;
  }
  for (auto& told : *news.partitions) {
    if (response.responses.empty() || response.responses.back().topic != told.topic.name ||
        response.responses.back().topic_id != told.topic.id) {
      auto& added = response.responses.emplace_back();
      added.topic = std::move(told.topic.name);
      added.topic_id = told.topic.id;
    }
    response.responses.back().partitions.push_back(
        partition_of(told.partition, answer[told.answer], request.isolation_level == kReadCommitted));
  }
  return response;
}

FetchResponse refused_fetch(const Error& error) {
  FetchResponse response;
  response.error_code = error.code();
  return response;
}

/// The versions of Fetch that carry the formats before record batches.
constexpr protocol::Versions kMagic0{0, 1};
constexpr protocol::Versions kMagic1{2, 3};
/// What is unpacked for one partition of an old client's fetch.
constexpr std::size_t kMostConverted = 128U << 20;

}  // namespace

/// Reads, and waits for `min_bytes` if there are less. The bytes go from the log's buffers to the socket. Inside a
/// session only partitions with news are told.
Task<FetchResponse> handle(const FetchRequest& request, HandlerContext& context) {
  FetchSessions& sessions = context.broker().fetch_sessions();
  Result<FetchPlan> plan = sessions.begin(session_ask(request));
  if (!plan) co_return refused_fetch(plan.error());
  FetchCall call = call_of(request, *plan, context.broker().config());
  auto fetch = [&](auto done) { context.waits(context.broker().fetch(std::move(call), done)); };
  FetchAnswer answer = co_await callback_result<FetchAnswer>(fetch);
  Result<FetchNews> news = sessions.finish(*plan, answer);
  if (!news) co_return refused_fetch(news.error());
  FetchResponse response = response_of(request, *news, answer);
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
