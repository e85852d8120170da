#include "server/broker_server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <vector>

#include "broker/broker_core.h"
#include "net/frame_server.h"
#include "net/host_port.h"
#include "server/request_session.h"

namespace millrace {
namespace {

net::FrameServerConfig server_config(const BrokerConfig& config) {
  return {.threads = static_cast<std::size_t>(config.get_long("num.network.threads")),
          .max_frame_bytes = static_cast<std::size_t>(config.get_long("socket.request.max.bytes")),
          .idle_timeout = std::chrono::milliseconds{config.get_long("connections.max.idle.ms")}};
}

/// Where clients find a listener that was bound to every interface.
std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string{name.data()} : std::string{"localhost"};
}

class Server final : public BrokerServer {
 public:
  Server(BrokerCore& broker, RequestMetrics& metrics, Logger& logger)
      : broker_(broker),
        metrics_(metrics),
        logger_(logger),
        frames_(net::FrameServer::create(server_config(broker.config()), logger)) {}
  ~Server() override { close(Duration::zero()); }

  Result<std::string> listen(std::string_view address) override;
  void close(Duration timeout) override;

 private:
  /// The listener's name, made different from those that there are.
  [[nodiscard]] std::string free_name(const std::string& wanted) const;
  [[nodiscard]] Endpoint advertised(const ListenerAddress& listener, const net::HostPort& bound) const;

  BrokerCore& broker_;
  RequestMetrics& metrics_;
  Logger& logger_;
  std::unique_ptr<net::FrameServer> frames_;
  std::mutex mutex_;
  std::vector<std::string> names_;
};

std::string Server::free_name(const std::string& wanted) const {
  auto name = wanted;
  for (int number = 2; std::ranges::find(names_, name) != names_.end(); ++number) {
    name = fmt::format("{}-{}", wanted, number);
  }
  return name;
}

Endpoint Server::advertised(const ListenerAddress& listener, const net::HostPort& bound) const {
  for (const auto& told : broker_.config().advertised_listeners()) {
    if (told.name != listener.name) continue;
    return {.listener = told.name, .host = told.host, .port = told.port == 0 ? bound.port : told.port};
  }
  const bool everywhere = listener.host.empty() || bound.host == "0.0.0.0" || bound.host == "::";
  return {.listener = listener.name, .host = everywhere ? host_name() : bound.host, .port = bound.port};
}

Result<std::string> Server::listen(std::string_view address) {
  MILLRACE_TRY(listener, parse_listener(address));
  const std::lock_guard lock{mutex_};
  listener.name = free_name(listener.name);
  const auto name = std::make_shared<const std::string>(listener.name);
  auto sessions = [this, name](const std::string& peer) {
    const auto host = net::parse_host_port(peer);
    return std::make_unique<RequestSession>(broker_, metrics_, name, host ? host->host : peer);
  };
  MILLRACE_TRY(bound, frames_->listen(net::format_host_port(listener.host, listener.port), std::move(sessions)));
  MILLRACE_TRY(parsed, net::parse_host_port(bound));
  names_.push_back(listener.name);
  const auto told = advertised(listener, parsed);
  logger_.info("listening on {} as {}; clients are sent to {}", bound, told.listener,
               net::format_host_port(told.host, told.port));
  broker_.advertise(told);
  return bound;
}

void Server::close(Duration timeout) {
  const std::lock_guard lock{mutex_};
  for (const auto& name : std::exchange(names_, {})) broker_.withdraw(name);
  frames_->close(timeout);
}

}  // namespace

std::unique_ptr<BrokerServer> BrokerServer::create(BrokerCore& broker, RequestMetrics& metrics, Logger& logger) {
  return std::make_unique<Server>(broker, metrics, logger);
}

}  // namespace millrace
