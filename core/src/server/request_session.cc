#include "server/request_session.h"

#include <fmt/format.h>

#include "protocol/request.h"
#include "server/api_table.h"
#include "server/handlers/handlers.h"

namespace millrace {
namespace {

constexpr std::size_t kKeyAndVersion = 4;
constexpr std::size_t kCorrelationId = 4;

/// Says which versions of ApiVersions there are, in the one form that every client can read.
net::Next answer_unknown_api_versions(std::int32_t correlation_id, net::FrameReply reply) {
  protocol::ApiVersionsResponse response;
  response.error_code = ErrorCode::kUnsupportedVersion;
  const auto& row = *find_api(static_cast<std::int16_t>(protocol::ApiKey::kApiVersions));
  auto& served = response.api_keys.emplace_back();
  served.api_key = static_cast<std::int16_t>(row.key);
  served.min_version = row.advertised.first;
  served.max_version = row.advertised.last;
  std::move(reply).send(protocol::response_frame(response, 0, correlation_id));
  return net::Next::kAtOnce;
}

}  // namespace

net::Next RequestSession::on_frame(net::Frame frame, net::FrameReply reply) {
  const auto begun = metrics_.now();
  const Bytes bytes = frame.bytes();
  const auto refuse = [&](std::string reason) {
    metrics_.refused();
    std::move(reply).close(std::move(reason));
    return net::Next::kAtOnce;
  };
  if (bytes.size() < kKeyAndVersion + kCorrelationId) {
    return refuse(fmt::format("a request of {} bytes is too short to be one", bytes.size()));
  }
  const auto key = load_be<std::int16_t>(bytes.data());
  const auto version = load_be<std::int16_t>(bytes.data() + sizeof key);
  const auto* row = find_api(key);
  if (row == nullptr || !row->advertised.has(version)) {
    if (row != nullptr && row->key == protocol::ApiKey::kApiVersions) {
      return answer_unknown_api_versions(load_be<std::int32_t>(bytes.data() + kKeyAndVersion), std::move(reply));
    }
    return refuse(row == nullptr ? fmt::format("it asked for API {}, which is not served", key)
                                 : fmt::format("it asked for version {} of {}; {} to {} are served", version, row->name,
                                               row->advertised.first, row->advertised.last));
  }
  auto header =
      protocol::decode_prefix<protocol::RequestHeader>(bytes, protocol::request_header_version(row->flexible, version));
  if (!header) return refuse(header.error().message());
  auto call = std::make_unique<ApiCall>(
      ApiCall{.version = version,
              .correlation_id = header->message.correlation_id,
              .frame = std::move(frame),
              .body = header->used,
              .context = HandlerContext{broker_, listener_, state_, std::move(header->message.client_id).value_or("")},
              .reply = std::move(reply),
              .meter = {.metrics = metrics_,
                        .place = place_,
                        .api = static_cast<std::size_t>(row - served_apis().data()),
                        .begun = begun}});
  const bool served = row->served.has(version);
  (served ? row->serve : row->refuse)(std::move(call));
  return served ? row->next : net::Next::kAtOnce;
}

}  // namespace millrace
