#include "net/http_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <deque>
#include <optional>
#include <thread>
#include <unordered_set>

#include "base/assert.h"
#include "net/host_port.h"

namespace millrace::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kMaxHeaderBytes = 16 * 1024;
constexpr std::chrono::milliseconds kCloseGrace{500};
constexpr std::chrono::milliseconds kAcceptRetry{100};

// "Example.org:8080" and "[::1]:8080" without their ports.
std::string host_name(std::string_view header) {
  std::string host;
  if (header.starts_with('[')) {
    host = header.substr(1, header.find(']') - 1);
  } else {
    host = header.substr(0, header.find(':'));
  }
  for (auto& letter : host) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return host;
}

class Session;

// What sessions share. Lives on the server's thread.
struct Shared {
  HttpServerConfig config;
  HttpServer::Handler handler;
  std::unordered_set<Session*> sessions;
  bool closing = false;
  // Set by the server: a place has become free.
  std::function<void()> session_ended;

  [[nodiscard]] bool allows(std::string_view host_header) const {
    const auto host = host_name(host_header);
    error_code not_an_address;
    asio::ip::make_address(host, not_an_address);
    if (!not_an_address || host == "localhost" || host.ends_with(".localhost")) return true;
    return std::ranges::find(config.allowed_hosts, host) != config.allowed_hosts.end();
  }
};

// One connection. Beast parses what comes in; what goes out is put together here, as text.
//
//     reading -> handling -> writing -> reading ...
//                   |
//                   +-> streaming -> closed
//
// It keeps itself alive by the operation that is under way, and by the reply or stream that the handler holds.
class Session final : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, std::shared_ptr<Shared> shared)
      : socket_(std::move(socket)), deadline_(socket_.get_executor()), shared_(std::move(shared)) {
    shared_->sessions.insert(this);
  }
  ~Session() { leave(); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void read_request();
  void send(HttpResponse response);
  void start_stream(HttpResponse head);

  // For streams.
  void write_chunk(std::shared_ptr<const std::string> chunk);
  void end_stream();
  [[nodiscard]] std::size_t unsent() const { return unsent_; }
  [[nodiscard]] bool ended() const { return ended_; }

  // Lets a response that is under way finish; a connection that only waits is closed now.
  void close_soon() {
    if (state_ == State::kReading) drop();
    if (state_ == State::kStreaming) end_stream();
  }
  void drop() {
    ended_ = true;
    deadline_.cancel();
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
    leave();
  }

 private:
  enum class State { kReading, kHandling, kWriting, kStreaming };

  // A handler may keep its stream for long: the place is free when the connection is.
  void leave() {
    if (shared_->sessions.erase(this) != 0 && shared_->session_ended) shared_->session_ended();
  }
  void read_some();
  void parse();
  void handle();
  void refuse(int status, std::string_view reason);
  [[nodiscard]] std::string head_of(const HttpResponse& response, std::string_view framing) const;
  void write(std::string head, std::shared_ptr<const std::string> body, std::string_view fixed_body);
  void on_written(error_code error, std::size_t body_size);
  void write_next();
  void expect_progress();

  tcp::socket socket_;
  asio::steady_timer deadline_;
  std::shared_ptr<Shared> shared_;
  State state_ = State::kReading;

  std::array<char, 4096> input_;
  std::string unread_;
  std::optional<http::request_parser<http::empty_body>> parser_;
  bool keep_alive_ = false;
  bool is_head_ = false;
  bool is_http_1_1_ = true;

  // What is being written: kept until it has been.
  bool is_writing_ = false;
  std::string head_;
  std::shared_ptr<const std::string> body_;

  // Streaming only.
  std::deque<std::shared_ptr<const std::string>> chunks_;
  std::size_t unsent_ = 0;
  bool ended_ = false;
  bool end_is_written_ = false;
};

class Stream final : public HttpStream {
 public:
  explicit Stream(std::shared_ptr<Session> session) : session_(std::move(session)) {}
  ~Stream() override { session_->end_stream(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void write(std::shared_ptr<const std::string> chunk) override { session_->write_chunk(std::move(chunk)); }
  [[nodiscard]] std::size_t unsent() const override { return session_->unsent(); }
  [[nodiscard]] bool ended() const override { return session_->ended(); }
  void end() override { session_->end_stream(); }

 private:
  std::shared_ptr<Session> session_;
};

class Reply final : public HttpReply {
 public:
  explicit Reply(std::shared_ptr<Session> session) : session_(std::move(session)) {}
  ~Reply() override {
    if (session_) send({.status = 500, .body = "the server has no answer\n"});
  }
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;

  void send(HttpResponse response) override { std::exchange(session_, nullptr)->send(std::move(response)); }
  std::shared_ptr<HttpStream> stream(HttpResponse head) override {
    auto session = std::exchange(session_, nullptr);
    session->start_stream(std::move(head));
    return std::make_shared<Stream>(std::move(session));
  }

 private:
  std::shared_ptr<Session> session_;
};

void Session::read_request() {
  state_ = State::kReading;
  parser_.emplace();
  parser_->header_limit(kMaxHeaderBytes);
  parser_->body_limit(0);
  expect_progress();
  if (unread_.empty()) return read_some();
  parse();
}

// While a stream is written, reading only notices that the client went away.
void Session::read_some() {
  socket_.async_read_some(asio::buffer(input_), [self = shared_from_this()](error_code error, std::size_t size) {
    if (error) return self->drop();
    if (self->state_ == State::kStreaming) return self->read_some();
    self->unread_.append(self->input_.data(), size);
    self->parse();
  });
}

void Session::parse() {
  error_code error;
  const auto used = parser_->put(asio::buffer(unread_), error);
  unread_.erase(0, used);
  if (error && error != http::error::need_more) {
    keep_alive_ = false;
    if (error == http::error::body_limit) return refuse(413, "a request has no body here");
    if (error == http::error::header_limit) return refuse(431, "the request's headers are too large");
    return refuse(400, "this is no HTTP request: " + error.message());
  }
  if (!parser_->is_done()) return read_some();
  handle();
}

void Session::handle() {
  state_ = State::kHandling;
  const auto& request = parser_->get();
  is_http_1_1_ = request.version() >= 11;
  keep_alive_ = request.keep_alive();
  is_head_ = request.method() == http::verb::head;
  if (!shared_->allows(request[http::field::host])) {
    return refuse(421, "this server does not answer under that name. Open it by its address or as localhost.");
  }
  if (!is_head_ && request.method() != http::verb::get) return refuse(405, "only GET and HEAD are answered here");

  const std::string_view target{request.target().data(), request.target().size()};
  const auto question = target.find('?');
  const HttpRequest asked{
      .method = std::string_view{request.method_string().data(), request.method_string().size()},
      .path = target.substr(0, question),
      .query = question == std::string_view::npos ? std::string_view{} : target.substr(question + 1),
      .header =
          [&request](std::string_view name) {
            const auto value = request[beast::string_view{name.data(), name.size()}];
            return std::string_view{value.data(), value.size()};
          },
  };
  shared_->handler(asked, std::make_unique<Reply>(shared_from_this()));
}

void Session::refuse(int status, std::string_view reason) {
  HttpResponse response{.status = status, .body = std::string{reason} + '\n'};
  if (status == 405) response.headers.emplace_back("Allow", "GET, HEAD");
  send(std::move(response));
}

std::string Session::head_of(const HttpResponse& response, std::string_view framing) const {
  const auto reason = http::obsolete_reason(static_cast<http::status>(response.status));
  auto head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, std::string_view{reason.data(), reason.size()});
  if (!response.content_type.empty()) head += fmt::format("Content-Type: {}\r\n", response.content_type);
  for (const auto& [name, value] : response.headers) head += fmt::format("{}: {}\r\n", name, value);
  head += framing;
  if (!keep_alive_) head += "Connection: close\r\n";
  return head += "\r\n";
}

void Session::send(HttpResponse response) {
  state_ = State::kWriting;
  keep_alive_ = keep_alive_ && is_http_1_1_ && !shared_->closing;
  const bool has_body = response.status != 304 && response.status != 204;
  const auto size = response.fixed_body.empty() ? response.body.size() : response.fixed_body.size();
  auto head = head_of(response, has_body ? fmt::format("Content-Length: {}\r\n", size) : std::string{});
  if (is_head_ || !has_body) return write(std::move(head), nullptr, {});
  write(std::move(head), std::make_shared<const std::string>(std::move(response.body)), response.fixed_body);
}

void Session::start_stream(HttpResponse head) {
  keep_alive_ = false;
  if (is_head_) {
    ended_ = true;
    state_ = State::kWriting;
    return write(head_of(head, {}), nullptr, {});
  }
  state_ = State::kStreaming;
  read_some();
  write(head_of(head, is_http_1_1_ ? "Transfer-Encoding: chunked\r\n" : ""), nullptr, {});
}

void Session::write_chunk(std::shared_ptr<const std::string> chunk) {
  if (ended_ || chunk->empty()) return;
  unsent_ += chunk->size();
  chunks_.push_back(std::move(chunk));
  write_next();
}

void Session::end_stream() {
  if (ended_) return;
  ended_ = true;
  write_next();
}

void Session::write_next() {
  if (is_writing_ || end_is_written_ || !socket_.is_open()) return;
  if (!chunks_.empty()) {
    auto chunk = std::move(chunks_.front());
    chunks_.pop_front();
    write(is_http_1_1_ ? fmt::format("{:x}\r\n", chunk->size()) : std::string{}, chunk, {});
  } else if (ended_) {
    end_is_written_ = true;
    write(is_http_1_1_ ? "0\r\n\r\n" : "", nullptr, {});
  }
}

// `head`, then one of the bodies if there is one; after a chunk, its line end.
void Session::write(std::string head, std::shared_ptr<const std::string> body, std::string_view fixed_body) {
  is_writing_ = true;
  head_ = std::move(head);
  body_ = std::move(body);
  const bool is_chunk = state_ == State::kStreaming && body_ && is_http_1_1_;
  std::string_view bytes = fixed_body;
  if (bytes.empty() && body_) bytes = *body_;
  const std::string_view after = is_chunk ? "\r\n" : "";
  const std::array<asio::const_buffer, 3> parts = {asio::buffer(head_), asio::const_buffer{bytes.data(), bytes.size()},
                                                   asio::const_buffer{after.data(), after.size()}};
  expect_progress();
  asio::async_write(socket_, parts, [self = shared_from_this(), size = bytes.size()](error_code error, std::size_t) {
    self->on_written(error, size);
  });
}

void Session::on_written(error_code error, std::size_t body_size) {
  is_writing_ = false;
  body_.reset();
  if (error) return drop();
  if (state_ == State::kStreaming) {
    unsent_ -= body_size;
    // Between two chunks a stream may rest as long as it likes.
    deadline_.cancel();
    return end_is_written_ ? drop() : write_next();
  }
  if (!keep_alive_ || shared_->closing) return drop();
  read_request();
}

// What is under way must end before the idle time has passed, or the connection is closed.
void Session::expect_progress() {
  deadline_.expires_after(shared_->config.idle_timeout);
  deadline_.async_wait([weak = weak_from_this()](error_code error) {
    if (error) return;
    if (const auto self = weak.lock()) self->drop();
  });
}

class ContextExecutor final : public Executor {
 public:
  explicit ContextExecutor(asio::io_context& context) : context_(context) {}
  void post(Work work) override { asio::post(context_, std::move(work)); }
  void post_at(TimePoint when, Work work) override {
    auto timer = std::make_shared<asio::steady_timer>(context_, when);
    timer->async_wait([timer, work = std::move(work)](error_code error) mutable {
      if (!error) work();
    });
  }

 private:
  asio::io_context& context_;
};

class AsioHttpServer final : public HttpServer {
 public:
  explicit AsioHttpServer(HttpServerConfig config) : shared_(std::make_shared<Shared>()) {
    shared_->config = std::move(config);
  }
  ~AsioHttpServer() override { close(); }
  AsioHttpServer(const AsioHttpServer&) = delete;
  AsioHttpServer& operator=(const AsioHttpServer&) = delete;

  Result<void> listen() {
    const auto& address = shared_->config.address;
    MILLRACE_TRY(place, parse_host_port(address));
    if (place.host.empty()) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("cannot listen on \"{}\": it names no host. An address is HOST:PORT, such as 127.0.0.1:{}.",
                      address, place.port));
    }
    error_code error;
    const auto found =
        tcp::resolver{context_}.resolve(place.host, std::to_string(place.port), tcp::resolver::passive, error);
    if (error) return fail(ErrorCode::kInvalidArgument, "cannot listen on " + address + ": " + error.message());
    for (const auto& entry : found) {
      error = bind(entry.endpoint());
      if (!error) break;
    }
    if (error == asio::error::address_in_use) {
      return fail(ErrorCode::kInUse, "cannot listen on " + address + ": address in use");
    }
    if (error) return fail(ErrorCode::kIo, "cannot listen on " + address + ": " + error.message());
    const auto bound = acceptor_.local_endpoint(error);
    address_ = format_host_port(bound.address().to_string(), bound.port());
    shared_->config.allowed_hosts.push_back(host_name(place.host));
    return {};
  }

  void serve(Handler handler) override {
    shared_->handler = std::move(handler);
    shared_->session_ended = [this] {
      if (shared_->closing && shared_->sessions.empty()) context_.stop();
      if (!shared_->closing && !is_accepting_) accept();
    };
    accept();
    thread_ = std::thread{[this] { context_.run(); }};
  }

  [[nodiscard]] std::string address() const override { return address_; }
  [[nodiscard]] Executor& executor() override { return executor_; }

  void close() override {
    if (!thread_.joinable()) return;
    MILLRACE_ASSERT(thread_.get_id() != std::this_thread::get_id());
    asio::post(context_, [this] { stop_accepting(); });
    thread_.join();
    // Operations that were under way are destroyed with the context: nobody is told any more.
    shared_->session_ended = nullptr;
  }

 private:
  error_code bind(const tcp::endpoint& endpoint) {
    error_code error;
    error_code ignored;
    acceptor_.close(ignored);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    return error;
  }

  void accept() {
    if (shared_->sessions.size() >= shared_->config.max_connections) return;
    is_accepting_ = true;
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      is_accepting_ = false;
      if (shared_->closing) return;
      if (error) {
        // Out of descriptors, mostly: those that are open go on, and new ones get their turn.
        is_accepting_ = true;
        executor_.post_at(std::chrono::steady_clock::now() + kAcceptRetry, [this] { accept(); });
        return;
      }
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      std::make_shared<Session>(std::move(socket), shared_)->read_request();
      if (!is_accepting_) accept();
    });
  }

  void stop_accepting() {
    shared_->closing = true;
    error_code ignored;
    acceptor_.close(ignored);
    // A session may end while it is told to.
    std::vector<std::weak_ptr<Session>> open;
    for (auto* session : shared_->sessions) open.push_back(session->weak_from_this());
    for (const auto& each : open) {
      if (const auto session = each.lock()) session->close_soon();
    }
    if (shared_->sessions.empty()) return context_.stop();
    executor_.post_at(std::chrono::steady_clock::now() + kCloseGrace, [this] { context_.stop(); });
  }

  // Sessions refer to it until the context is gone.
  std::shared_ptr<Shared> shared_;
  asio::io_context context_{1};
  ContextExecutor executor_{context_};
  tcp::acceptor acceptor_{context_};
  bool is_accepting_ = false;
  std::string address_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::open(HttpServerConfig config) {
  auto server = std::make_unique<AsioHttpServer>(std::move(config));
  MILLRACE_CHECK(server->listen());
  return std::unique_ptr<HttpServer>{std::move(server)};
}

}  // namespace millrace::net
