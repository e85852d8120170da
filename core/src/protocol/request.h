#pragma once

#include <cstdint>
#include <limits>

#include "base/bytes_io.h"
#include "protocol/api_key.h"
#include "protocol/codec.h"
#include "protocol/headers.h"

// How a request and its response lie in a frame.

namespace millrace::protocol {

/// The header's version that goes with a version of a request: 2 with the flexible ones.
[[nodiscard]] constexpr std::int16_t request_header_version(Versions flexible, std::int16_t version) {
  return flexible.has(version) ? 2 : 1;
}

/// The same for a response: 1 with the flexible ones, but always 0 for ApiVersions, whose asker does not know yet what
/// the broker speaks.
template <class Response>
[[nodiscard]] constexpr std::int16_t response_header_version(std::int16_t version) {
  return Response::kApi != ApiKey::kApiVersions && Response::kFlexible.has(version) ? 1 : 0;
}

namespace detail {
inline constexpr std::size_t kFrameLength = sizeof(std::int32_t);

inline void set_frame_length(GatherBuffer& frame) {
  store_be<std::int32_t>(frame.own().data(), static_cast<std::int32_t>(frame.size() - kFrameLength));
}
}  // namespace detail

/// A whole response: length, header, message.
template <class Response>
[[nodiscard]] GatherBuffer response_frame(const Response& response, std::int16_t version, std::int32_t correlation_id) {
  GatherBuffer frame;
  frame.own().reserve(256);
  frame.own().resize(detail::kFrameLength);
  ResponseHeader header;
  header.correlation_id = correlation_id;
  append(frame, header, response_header_version<Response>(version));
  append(frame, response, version);
  detail::set_frame_length(frame);
  return frame;
}

/// A whole request: length, header, message. For clients and tests.
template <class Request>
[[nodiscard]] GatherBuffer request_frame(const Request& request, std::int16_t version, std::int32_t correlation_id,
                                         std::optional<std::string> client_id = std::nullopt) {
  GatherBuffer frame;
  frame.own().resize(detail::kFrameLength);
  RequestHeader header;
  header.request_api_key = static_cast<std::int16_t>(Request::kApi);
  header.request_api_version = version;
  header.correlation_id = correlation_id;
  header.client_id = std::move(client_id);
  append(frame, header, request_header_version(Request::kFlexible, version));
  append(frame, request, version);
  detail::set_frame_length(frame);
  return frame;
}

}  // namespace millrace::protocol
