#pragma once

#include <memory>
#include <string>

#include "net/frame_server.h"
#include "server/handler_context.h"
#include "server/request_metrics.h"

namespace millrace {

/// One client's connection: reads each frame's header, finds the API's row and hands the request to its handler.
///
///     frame -> RequestHeader -> ApiRow -> decode -> handle -> encode -> reply
///
/// What is not served ends the connection, with two exceptions: an ApiVersions request of any version is answered (an
/// unknown one in version 0, so that the client can choose), and so are versions that are only advertised.
///
/// Threading: as `net::FrameSession`.
class RequestSession final : public net::FrameSession {
 public:
  /// `client_host`: the peer's address without its port. What is passed outlives it.
  RequestSession(BrokerCore& broker, RequestMetrics& metrics, std::shared_ptr<const std::string> listener,
                 const std::string& client_host = "")
      : broker_(broker),
        metrics_(metrics),
        place_(metrics.connected()),
        listener_(std::move(listener)),
        state_(std::make_shared<ConnectionState>("/" + client_host)) {}
  ~RequestSession() override { metrics_.disconnected(); }

  net::Next on_frame(net::Frame frame, net::FrameReply reply) override;
  void finishing() override { state_->closed(broker_); }
  void closed() override { state_->closed(broker_); }

 private:
  BrokerCore& broker_;
  RequestMetrics& metrics_;
  const RequestMetrics::Place place_;
  std::shared_ptr<const std::string> listener_;
  std::shared_ptr<ConnectionState> state_;
};

}  // namespace millrace
