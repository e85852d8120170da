#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "console/embed/page.h"
#include "weblog/live.h"

namespace millrace::weblog {

/// Serves the live page and the figures behind it:
///
///     GET /            the page
///     GET /api/report  `LiveModel::report_json`
///     GET /api/live    server-sent events: "snapshot" with `LiveModel::snapshot_json` at once and then whenever
///     something
///                      changed, at most every 500 ms; "beat" every 5 s, so that a page notices when it hears nothing
///
/// Threading: any thread; it owns one of its own. With no page open it does nothing.
class PageServer {
 public:
  /// Listens on `address`, "HOST:PORT" (port 0: any free one). `model` must outlive the server. Errors: `kInUse`,
  /// `kInvalidArgument`, `kIo`.
  static Result<std::unique_ptr<PageServer>> open(const std::string& address, const LiveModel& model,
                                                  const console::Page& page);

  virtual ~PageServer() = default;

  /// Where a browser finds it: "http://127.0.0.1:8080/".
  [[nodiscard]] virtual std::string url() const = 0;

  /// Sends the open pages the last snapshot (let the model say "stopped" before), then ends every connection, within
  /// half a second. Idempotent; the destructor calls it.
  virtual void close() = 0;
};

}  // namespace millrace::weblog
