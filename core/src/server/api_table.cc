#include "server/api_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <type_traits>

#include "protocol/request.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

using protocol::ApiKey;
using protocol::Versions;

template <class T>
struct IsTask : std::false_type {};
template <class T>
struct IsTask<Task<T>> : std::true_type {};

/// The bytes before a frame's content that say how long it is.
constexpr std::size_t kLengthBytes = 4;

void count_answer(const ApiCall& call, std::size_t bytes) {
  const auto& [metrics, place, api, begun] = call.meter;
  metrics.answered(place, api, begun, call.frame.size + kLengthBytes, bytes);
}

void close_call(ApiCall& call, std::string reason) {
  call.meter.metrics.refused();
  std::move(call.reply).close(std::move(reason));
}

/// Decodes a call's message; closes the connection when it is none.
template <class Request>
std::optional<Request> request_of(ApiCall& call) {
  std::optional<Request> request{std::in_place};
  const auto used = protocol::decode_fields(call.message(), protocol::format_of<Request>(call.version), Request::kName,
                                            protocol::object_of(*request));
  if (!used) {
    close_call(call, used.error().message());
    request.reset();
  } else if constexpr (requires { normalize(*request, call.version); }) {
    normalize(*request, call.version);
  }
  return request;
}

template <class Response>
void answer(ApiCall& call, Response response) {
  if constexpr (requires { adapt(response, call.version); }) adapt(response, call.version);
  auto frame = protocol::response_frame(response, call.version, call.correlation_id);
  count_answer(call, frame.size());
  AnswerErrors errors;
  errors.look_at(protocol::fields_of<Response>(), protocol::object_of(response));
  if (!errors.found().empty()) call.meter.metrics.failed(call.meter.api, errors);
  std::move(call.reply).send(std::move(frame));
}

template <class Response>
void answer(ApiCall& call, const std::optional<Response>& response) {
  if (response) return answer(call, *response);
  count_answer(call, 0);
  std::move(call.reply).none();
}

template <class Response>
void answer(ApiCall& call, const Result<Response>& response) {
  if (response)
    answer(call, *response);
  else
    close_call(call, response.error().message());
}

/// Keeps call and request until the handler is done.
template <class Request>
Task<> serve_waiting(std::unique_ptr<ApiCall> call) {
  auto request = request_of<Request>(*call);
  if (!request) co_return;
  auto response = co_await handle(*request, call->context);
  answer(*call, std::move(response));
}

template <class Request>
void serve(std::unique_ptr<ApiCall> call) {
  using Answer = decltype(handle(std::declval<const Request&>(), std::declval<HandlerContext&>()));
  if constexpr (IsTask<Answer>::value) {
    detach(serve_waiting<Request>(std::move(call)), [] {});
  } else {
    const auto request = request_of<Request>(*call);
    if (request) answer(*call, handle(*request, call->context));
  }
}

template <class Request>
void refuse_request(std::unique_ptr<ApiCall> call) {
  if (const auto request = request_of<Request>(*call)) answer(*call, refuse(*request));
}

template <class Request>
constexpr ApiRow row(net::Next next = net::Next::kAtOnce) {
  return {.key = Request::kApi,
          .name = Request::kName,
          .served = Request::kVersions,
          .advertised = Request::kVersions,
          .flexible = Request::kFlexible,
          .next = next,
          .serve = serve<Request>,
          .refuse = nullptr};
}

/// librdkafka before 2.9 finds out what a broker can do by whether it advertises Produce 0 to 2.
constexpr ApiRow produce_row() {
  auto produce = row<protocol::ProduceRequest>();
  produce.served = {3, produce.advertised.last};
  produce.refuse = refuse_request<protocol::ProduceRequest>;
  return produce;
}

constexpr std::array kApis = {
    produce_row(),
    // A fetch may hold megabytes: the next request of the connection waits until it is out, as in Kafka.
    row<protocol::FetchRequest>(net::Next::kAfterAnswer),
    row<protocol::ListOffsetsRequest>(),
    row<protocol::MetadataRequest>(),
    row<protocol::OffsetCommitRequest>(),
    row<protocol::OffsetFetchRequest>(),
    row<protocol::FindCoordinatorRequest>(),
    row<protocol::JoinGroupRequest>(),
    row<protocol::HeartbeatRequest>(),
    row<protocol::LeaveGroupRequest>(),
    row<protocol::SyncGroupRequest>(),
    row<protocol::DescribeGroupsRequest>(),
    row<protocol::ListGroupsRequest>(),
    row<protocol::ApiVersionsRequest>(),
    row<protocol::CreateTopicsRequest>(net::Next::kAfterAnswer),
    row<protocol::DeleteTopicsRequest>(net::Next::kAfterAnswer),
    row<protocol::DeleteRecordsRequest>(),
    row<protocol::InitProducerIdRequest>(),
    row<protocol::OffsetForLeaderEpochRequest>(),
    row<protocol::AddPartitionsToTxnRequest>(),
    row<protocol::AddOffsetsToTxnRequest>(),
    row<protocol::EndTxnRequest>(),
    row<protocol::WriteTxnMarkersRequest>(),
    row<protocol::TxnOffsetCommitRequest>(),
    row<protocol::DescribeAclsRequest>(),
    row<protocol::CreateAclsRequest>(),
    row<protocol::DeleteAclsRequest>(),
    row<protocol::DescribeConfigsRequest>(),
    row<protocol::AlterConfigsRequest>(net::Next::kAfterAnswer),
    row<protocol::AlterReplicaLogDirsRequest>(),
    row<protocol::DescribeLogDirsRequest>(),
    row<protocol::CreatePartitionsRequest>(net::Next::kAfterAnswer),
    row<protocol::DeleteGroupsRequest>(),
    row<protocol::ElectLeadersRequest>(),
    row<protocol::IncrementalAlterConfigsRequest>(net::Next::kAfterAnswer),
    row<protocol::AlterPartitionReassignmentsRequest>(),
    row<protocol::ListPartitionReassignmentsRequest>(),
    row<protocol::OffsetDeleteRequest>(),
    row<protocol::DescribeClientQuotasRequest>(),
    row<protocol::AlterClientQuotasRequest>(net::Next::kAfterAnswer),
    row<protocol::DescribeUserScramCredentialsRequest>(),
    row<protocol::AlterUserScramCredentialsRequest>(),
    row<protocol::DescribeQuorumRequest>(),
    row<protocol::UpdateFeaturesRequest>(net::Next::kAfterAnswer),
    row<protocol::DescribeClusterRequest>(),
    row<protocol::DescribeProducersRequest>(),
    row<protocol::UnregisterBrokerRequest>(net::Next::kAfterAnswer),
    row<protocol::DescribeTransactionsRequest>(),
    row<protocol::ListTransactionsRequest>(),
    row<protocol::ConsumerGroupHeartbeatRequest>(),
    row<protocol::ConsumerGroupDescribeRequest>(),
    row<protocol::ListConfigResourcesRequest>(),
    row<protocol::DescribeTopicPartitionsRequest>(),
    row<protocol::AddRaftVoterRequest>(),
    row<protocol::RemoveRaftVoterRequest>(),
};
static_assert(std::ranges::is_sorted(kApis, {}, &ApiRow::key));

}  // namespace

std::span<const ApiRow> served_apis() { return kApis; }

const ApiRow* find_api(std::int16_t key) {
  const auto found = std::ranges::lower_bound(kApis, static_cast<ApiKey>(key), {}, &ApiRow::key);
  return found != kApis.end() && found->key == static_cast<ApiKey>(key) ? &*found : nullptr;
}

}  // namespace millrace
