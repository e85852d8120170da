#pragma once

#include <memory>
#include <span>

#include "net/frame_server.h"
#include "protocol/api_key.h"
#include "protocol/field.h"
#include "server/handler_context.h"
#include "server/request_metrics.h"

namespace millrace {

/// Since when a request counts, and where.
struct CallMeter {
  RequestMetrics& metrics;
  RequestMetrics::Place place;
  /// The API's row in the table.
  std::size_t api;
  TimePoint begun;
};

/// A request on its way through its handler. It keeps the frame, which the decoded request points into.
struct ApiCall {
  std::int16_t version;
  std::int32_t correlation_id;
  net::Frame frame;
  /// Where in the frame the message begins.
  std::size_t body;
  HandlerContext context;
  net::FrameReply reply;
  CallMeter meter;

  [[nodiscard]] Bytes message() const { return frame.bytes().subspan(body); }
};

/// One API that is served: a row of the table that answers ApiVersions, finds a request's handler and refuses the rest.
struct ApiRow {
  protocol::ApiKey key;
  const char* name;
  protocol::Versions served;
  /// What ApiVersions says: more than `served` where clients insist on versions that nobody uses.
  protocol::Versions advertised;
  protocol::Versions flexible;
  /// Whether a connection's next request may begin before this one is answered.
  net::Next next;
  void (*serve)(std::unique_ptr<ApiCall> call);
  /// Answers a version that is advertised but not served.
  void (*refuse)(std::unique_ptr<ApiCall> call);
};

/// Sorted by key.
[[nodiscard]] std::span<const ApiRow> served_apis();

/// Null for an API that is not served.
[[nodiscard]] const ApiRow* find_api(std::int16_t key);

}  // namespace millrace
