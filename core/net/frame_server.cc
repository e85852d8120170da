#include "net/frame_server.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <optional>
#include <thread>
#include <vector>

#include "net/frame_connection.h"
#include "net/host_port.h"

namespace millrace::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

/// After an accept that failed for want of descriptors: trying again at once would only burn processor time.
constexpr std::chrono::milliseconds kAcceptPause{100};

/// How often the log hears of connections that cannot be served.
constexpr std::chrono::seconds kComplaintPause{10};

/// Files keep the other half, and some are for neither.
std::size_t room_for_connections() {
  constexpr rlim_t kOthers = 64;
  constexpr rlim_t kLeast = 16;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kLeast;
  return static_cast<std::size_t>(std::max(kLeast, limit.rlim_cur / 2 - std::min(kOthers, limit.rlim_cur / 2)));
}

FrameServerConfig with_room(FrameServerConfig config) {
  if (config.max_connections == 0) config.max_connections = room_for_connections();
  return config;
}

std::string text_of(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  return format_host_port(address.to_string(), endpoint.port());
}

Result<tcp::endpoint> resolve(asio::io_context& context, std::string_view address) {
  MILLRACE_TRY(parsed, parse_host_port(address));
  if (parsed.host.empty()) return tcp::endpoint{tcp::v6(), parsed.port};
  error_code error;
  const auto literal = asio::ip::make_address(parsed.host, error);
  if (!error) return tcp::endpoint{literal, parsed.port};
  tcp::resolver resolver{context};
  const auto found = resolver.resolve(parsed.host, std::to_string(parsed.port), tcp::resolver::passive, error);
  if (error || found.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("cannot listen on {}: the host is not known ({})", address, error.message()));
  }
  return found.begin()->endpoint();
}

class Server final : public FrameServer {
 public:
  Server(const FrameServerConfig& config, Logger& logger)
      : state_(std::make_shared<FrameServerState>(with_room(config), logger)) {}
  ~Server() override { close(Duration::zero()); }

  Result<std::string> listen(std::string_view address, FrameSessions sessions) override;
  [[nodiscard]] std::size_t connections() const override { return state_->connections.load(); }
  void close(Duration timeout) override;

 private:
  struct Thread {
    std::shared_ptr<FrameThread> io = std::make_shared<FrameThread>();
    asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(io->context);
    std::thread thread;
  };
  struct Listener {
    Listener(asio::io_context& context, FrameSessions made)
        : acceptor(context), pause(context), sessions(std::move(made)) {}
    tcp::acceptor acceptor;
    asio::steady_timer pause;
    const FrameSessions sessions;
  };

  void start_threads();
  void accept(const std::shared_ptr<Listener>& listener);
  void serve(tcp::socket socket, const std::shared_ptr<Thread>& thread, const std::shared_ptr<Listener>& listener);
  /// One that is not served, and why: in the log the first time, then now and then.
  void complain(std::string_view reason);
  /// Runs `work` on every thread and waits until all have.
  template <class Work>
  void on_every_thread(Work work);

  std::shared_ptr<FrameServerState> state_;
  std::mutex mutex_;
  bool closed_ = false;
  std::vector<std::shared_ptr<Thread>> threads_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  /// Only on the first thread, which accepts.
  std::size_t next_thread_ = 0;
  std::size_t unserved_ = 0;
  TimePoint quiet_until_{};
};

void Server::start_threads() {
  if (!threads_.empty()) return;
  for (std::size_t i = 0; i < std::max<std::size_t>(1, state_->config.threads); ++i) {
    threads_.push_back(std::make_shared<Thread>());
  }
  for (const auto& thread : threads_) {
    thread->thread = std::thread([io = thread->io] { io->context.run(); });
  }
}

Result<std::string> Server::listen(std::string_view address, FrameSessions sessions) {
  const std::lock_guard lock{mutex_};
  if (closed_) return fail(ErrorCode::kClosed, fmt::format("cannot listen on {}: the server is closed", address));
  start_threads();
  auto& context = threads_.front()->io->context;
  MILLRACE_TRY(endpoint, resolve(context, address));

  auto listener = std::make_shared<Listener>(context, std::move(sessions));
  error_code error;
  listener->acceptor.open(endpoint.protocol(), error);
  if (!error) listener->acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
  if (!error && endpoint.protocol() == tcp::v6() && endpoint.address().is_unspecified()) {
    listener->acceptor.set_option(asio::ip::v6_only{false}, error);
  }
  if (!error) listener->acceptor.bind(endpoint, error);
  if (!error) listener->acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (error == asio::error::address_in_use) {
    return fail(ErrorCode::kInUse, fmt::format("cannot listen on {}: address in use. Is another broker running? Choose "
                                               "another address, or port 0 for any free one.",
                                               address));
  }
  if (error) return fail(ErrorCode::kIo, fmt::format("cannot listen on {}: {}", address, error.message()));
  const auto bound = listener->acceptor.local_endpoint(error);

  listeners_.push_back(listener);
  asio::post(context, [this, listener] { accept(listener); });
  return text_of(bound);
}

void Server::accept(const std::shared_ptr<Listener>& listener) {
  const auto& thread = threads_[next_thread_++ % threads_.size()];
  listener->acceptor.async_accept(thread->io->context, [this, listener, thread](error_code error, tcp::socket socket) {
    if (!listener->acceptor.is_open()) return;
    if (!error) {
      serve(std::move(socket), thread, listener);
      return accept(listener);
    }
    if (error == asio::error::connection_aborted) return accept(listener);
    complain(error.message());
    listener->pause.expires_after(kAcceptPause);
    listener->pause.async_wait([this, listener](error_code cancelled) {
      if (!cancelled && listener->acceptor.is_open()) accept(listener);
    });
  });
}

void Server::serve(tcp::socket socket, const std::shared_ptr<Thread>& thread,
                   const std::shared_ptr<Listener>& listener) {
  error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return;  // gone already
  if (state_->connections >= state_->config.max_connections) {
    return complain(
        fmt::format("{} are open, which is the most, for files need the rest of what the process may open. "
                    "Raise its limit of open files (ulimit -n)",
                    state_->connections.load()));
  }
  auto connection = std::make_shared<FrameConnection>(state_, thread->io, std::move(socket), text_of(peer));
  asio::post(thread->io->context, [thread, listener, connection = std::move(connection)] {
    thread->io->connections.insert(connection);
    connection->start(listener->sessions);
  });
}

void Server::complain(std::string_view reason) {
  ++unserved_;
  const auto now = std::chrono::steady_clock::now();
  if (now < quiet_until_) return;
  quiet_until_ = now + kComplaintPause;
  const auto count = std::exchange(unserved_, 0);
  state_->logger.warn("{} could not be served: {}", count == 1 ? "a connection" : fmt::format("{} connections", count),
                      reason);
}

template <class Work>
void Server::on_every_thread(Work work) {
  struct Count {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t left;
  };
  auto count = std::make_shared<Count>();
  count->left = threads_.size();
  for (const auto& thread : threads_) {
    asio::post(thread->io->context, [work, count, io = thread->io] {
      work(*io);
      const std::lock_guard lock{count->mutex};
      if (--count->left == 0) count->changed.notify_all();
    });
  }
  std::unique_lock lock{count->mutex};
  count->changed.wait(lock, [&] { return count->left == 0; });
}

void Server::close(Duration timeout) {
  const std::lock_guard lock{mutex_};
  if (std::exchange(closed_, true) || threads_.empty()) return;
  on_every_thread([this](FrameThread& io) {
    if (&io == threads_.front()->io.get()) {
      for (const auto& listener : listeners_) {
        error_code ignored;
        listener->acceptor.close(ignored);
        listener->pause.cancel();
      }
    }
    // A connection that closes leaves the set.
    for (const auto& connection : std::vector(io.connections.begin(), io.connections.end())) connection->finish();
  });
  // Connections that have their answers close by themselves; the last one wakes us.
  state_->wait_for_no_connections(timeout);
  on_every_thread([](FrameThread& io) {
    for (const auto& connection : std::vector(io.connections.begin(), io.connections.end())) connection->close();
  });
  for (const auto& thread : threads_) {
    thread->work.reset();
    thread->thread.join();
  }
}

}  // namespace

std::unique_ptr<FrameServer> FrameServer::create(FrameServerConfig config, Logger& logger) {
  return std::make_unique<Server>(config, logger);
}

}  // namespace millrace::net
