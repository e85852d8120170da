#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace millrace {

/// GET /metrics, on an address of its own, for Prometheus. Requests whose Host header names another site are refused.
///
/// Threading: any thread; it owns one of its own, on which `report` is called.
class MetricsPage {
 public:
  /// Listens on `address`, "HOST:PORT" (port 0: any free one). `hosts`: names of this machine besides its own and that
  /// of `address`. `report` gives the page; what it needs outlives this. Errors: `kInUse`, `kInvalidArgument`, `kIo`.
  static Result<std::unique_ptr<MetricsPage>> open(const std::string& address, std::vector<std::string> hosts,
                                                   std::function<std::string()> report);
  virtual ~MetricsPage() = default;

  /// "http://127.0.0.1:9308/metrics".
  [[nodiscard]] virtual std::string url() const = 0;
};

}  // namespace millrace
