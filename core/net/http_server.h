#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "base/result.h"

namespace millrace::net {

/// What a client asked for. The views are valid during the call of the handler.
struct HttpRequest {
  std::string_view method;
  /// Without the query, not decoded: "/api/report".
  std::string_view path;
  /// After the question mark, not decoded; empty if there is none.
  std::string_view query;
  /// A header's value by its name in any case; empty if absent.
  std::function<std::string_view(std::string_view name)> header;
};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// An answer. `body` may point to bytes that live as long as the server (a page inside the program) or own them.
struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  HttpHeaders headers;
  std::string body;
  /// Sent instead of `body` if not empty, and not copied.
  std::string_view fixed_body;
};

/// A response that goes on until either side ends it. Chunks reach the client as they are written.
///
/// Threading: only in work on the server's executor, handlers included.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  /// Sends `chunk` after what was written before. Dropped when the stream has ended.
  virtual void write(std::shared_ptr<const std::string> chunk) = 0;
  /// Bytes that were written and that the client's connection has not taken yet. A writer that has newer data for a
  /// slow client waits for 0, so that memory stays bounded.
  [[nodiscard]] virtual std::size_t unsent() const = 0;
  [[nodiscard]] virtual bool ended() const = 0;
  /// Ends the response after what was written.
  virtual void end() = 0;
};

/// Where a handler answers: exactly once, by either function, at once or later.
///
/// Threading: as `HttpStream`. A reply that is dropped unanswered answers 500.
class HttpReply {
 public:
  virtual ~HttpReply() = default;
  virtual void send(HttpResponse response) = 0;
  /// Sends the status and headers of `head` and keeps the response open; its bodies are not used.
  virtual std::shared_ptr<HttpStream> stream(HttpResponse head) = 0;
};

struct HttpServerConfig {
  /// "HOST:PORT"; port 0 is any free one. "[::1]:8080" for IPv6.
  std::string address;
  /// Besides addresses, "localhost" and the host of `address`: names that a request's Host header may have. Any other
  /// is answered 421, so that a page of another site cannot reach this server under a name of its own (DNS rebinding).
  std::vector<std::string> allowed_hosts;
  std::size_t max_connections = 256;
  /// A connection on which nothing is asked for this long is closed; so is one that is this slow in asking.
  std::chrono::milliseconds idle_timeout{60'000};
};

/// HTTP/1.1 for the program's own pages: GET and HEAD only, no request bodies, keep-alive.
///
/// Threading: `address` and `executor` from any thread; `serve` once, `close` not from the server's own thread. One
/// thread of its own does everything else: it calls the handler and runs the work of `executor()`, so handlers and
/// streams need no lock, and a slow handler delays the others. Streams and replies that are kept are let go before the
/// server is.
class HttpServer {
 public:
  using Handler = std::function<void(const HttpRequest&, std::unique_ptr<HttpReply>)>;

  /// Listens; connections wait for `serve`. Errors: `kInvalidArgument` for an address that is none, `kInUse`, `kIo`.
  /// Messages name the address.
  static Result<std::unique_ptr<HttpServer>> open(HttpServerConfig config);

  virtual ~HttpServer() = default;

  /// Starts to answer.
  virtual void serve(Handler handler) = 0;

  /// The address it listens on, with the port that was taken: "127.0.0.1:34567".
  [[nodiscard]] virtual std::string address() const = 0;

  /// Runs work on the server's thread, in the order posted. Work for a later time is dropped by `close`.
  [[nodiscard]] virtual Executor& executor() = 0;

  /// Takes no new connection, ends streams after what was written to them, gives clients half a second to take it, and
  /// waits for the thread. Idempotent; the destructor calls it.
  virtual void close() = 0;
};

}  // namespace millrace::net
