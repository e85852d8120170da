#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/files.h"
#include "base/logger.h"
#include "base/thread_executor.h"
#include "broker/broker_core.h"
#include "client/embedded/embedded_client.h"
#include "embed/metrics_page.h"
#include "millrace/broker.h"
#include "server/broker_server.h"
#include "server/request_metrics.h"

namespace millrace {

/// A broker with what it stands on in a real process: the machine's clock and files, a few threads that start with the
/// work that needs them, and listeners once somebody asks for them.
///
/// Threading: any thread. Gone when the last `Broker` and the last handle of a client are.
class BrokerHost {
 public:
  /// As `Broker::open`. `logger` may be null.
  static Result<std::unique_ptr<BrokerHost>> open(std::string_view directory, const Properties& config, Logger* logger);
  ~BrokerHost();
  BrokerHost(const BrokerHost&) = delete;
  BrokerHost& operator=(const BrokerHost&) = delete;

  /// A client of `host`, which it keeps.
  [[nodiscard]] static Result<std::unique_ptr<Client>> client(const std::shared_ptr<BrokerHost>& host,
                                                              const Properties& properties);
  /// As `Broker::listen`. Without a host it is this machine's loopback: there is no authentication yet.
  [[nodiscard]] Result<std::string> listen(std::string_view address);
  [[nodiscard]] Result<void> close(Duration timeout);

 private:
  explicit BrokerHost(Logger* logger);
  [[nodiscard]] bool is_closed() const;
  /// `metrics.address`, if it is set.
  [[nodiscard]] Result<void> serve_metrics();

  NullLogger silence_;
  Logger& logger_;
  SystemClock clock_;
  PosixFileSystem files_;
  ThreadExecutor executor_;
  std::shared_ptr<BrokerCore> core_;
  std::optional<RequestMetrics> requests_;

  mutable std::mutex mutex_;
  /// Made by the first `listen`: a program that never listens has none of its threads.
  std::unique_ptr<BrokerServer> server_;
  std::unique_ptr<MetricsPage> metrics_;
  bool closed_ = false;
};

}  // namespace millrace
