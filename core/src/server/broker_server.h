#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/types.h"

namespace millrace {

class BrokerCore;
class Logger;
class RequestMetrics;

/// Answers Kafka's protocol for a broker: listeners and connections on `net/`, handlers that map wire structs to
/// `BrokerCore`. Threads, frame size and idle time are the broker's `num.network.threads`, `socket.request.max.bytes`
/// and `connections.max.idle.ms`.
///
/// Threading: any thread. Its threads start with the first `listen` and end with `close`.
class BrokerServer {
 public:
  /// What is passed outlives the server.
  static std::unique_ptr<BrokerServer> create(BrokerCore& broker, RequestMetrics& metrics, Logger& logger);
  /// Closes, at once.
  virtual ~BrokerServer() = default;

  /// Serves "HOST:PORT" or "NAME://HOST:PORT" (port 0: any free one) and gives the bound "HOST:PORT". Clients are told
  /// this address, or the one that `advertised.listeners` has under the same name; port 0 in there means the bound one.
  /// Errors: `kInUse`, `kInvalidArgument`, `kInvalidConfig`, `kIo`.
  [[nodiscard]] virtual Result<std::string> listen(std::string_view address) = 0;

  /// Takes no more requests, gives those under way until `timeout` to be answered, and ends its threads. Idempotent.
  /// Requests that wait are answered at once by `BrokerCore::close`, so that one is called from another thread, or
  /// `timeout` is short.
  virtual void close(Duration timeout) = 0;
};

}  // namespace millrace
