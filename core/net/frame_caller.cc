#include "net/frame_caller.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/bytes_io.h"
#include "net/host_port.h"

namespace millrace::net {
namespace {

constexpr std::size_t kFrameLengthBytes = sizeof(std::int32_t);

Result<void> wait_until_ready(int socket, short events, TimePoint deadline, const std::string& peer) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return fail(ErrorCode::kTimedOut, fmt::format("{} does not answer in time", peer));
    pollfd watched{.fd = socket, .events = events, .revents = 0};
    const int found = ::poll(&watched, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 1'000'000)));
    if (found > 0) return {};
    if (found < 0 && errno != EINTR) return fail_errno(errno, fmt::format("cannot wait for {}", peer));
  }
}

/// A connected socket.
Result<int> connect_to(const addrinfo& address, const std::string& peer, TimePoint deadline) {
  const int socket =
      ::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol);
  if (socket < 0) return fail_errno(errno, fmt::format("cannot connect to {}", peer));
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  int problem = ::connect(socket, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
  if (problem == EINPROGRESS) {
    if (auto ready = wait_until_ready(socket, POLLOUT, deadline, peer); !ready) {
      ::close(socket);
      return std::unexpected(std::move(ready).error());
    }
    socklen_t size = sizeof problem;
    if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &problem, &size) != 0) problem = errno;
  }
  if (problem == 0) return socket;
  ::close(socket);
  return fail_errno(problem, fmt::format("cannot connect to {}", peer));
}

}  // namespace

Result<std::unique_ptr<FrameCaller>> FrameCaller::connect(const std::string& host, std::uint16_t port,
                                                          TimePoint deadline) {
  const auto peer = format_host_port(host, port);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int problem = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); problem != 0) {
    return fail(ErrorCode::kIo, fmt::format("cannot find {}: {}", host, ::gai_strerror(problem)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses{found, ::freeaddrinfo};
  std::optional<Error> first;
  for (const auto* address = found; address != nullptr; address = address->ai_next) {
    auto socket = connect_to(*address, peer, deadline);
    if (socket) return std::unique_ptr<FrameCaller>{new FrameCaller{*socket, peer}};
    if (!first) first = std::move(socket).error();
  }
  if (first) return std::unexpected(*std::move(first));
  return fail(ErrorCode::kIo, fmt::format("cannot find {}: it has no address", host));
}

FrameCaller::~FrameCaller() { ::close(socket_); }

Result<void> FrameCaller::wait(short events, TimePoint deadline) const {
  return wait_until_ready(socket_, events, deadline, peer_);
}

Result<void> FrameCaller::receive(MutableBytes into, TimePoint deadline) const {
  while (!into.empty()) {
    const auto got = ::recv(socket_, into.data(), into.size(), 0);
    if (got > 0) {
      into = into.subspan(static_cast<std::size_t>(got));
    } else if (got == 0) {
      return fail(ErrorCode::kIo, fmt::format("{} closed the connection", peer_));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      MILLRACE_CHECK(wait(POLLIN, deadline));
    } else if (errno != EINTR) {
      return fail_errno(errno, fmt::format("cannot read from {}", peer_));
    }
  }
  return {};
}

Result<std::vector<std::byte>> FrameCaller::ask(Bytes frame, TimePoint deadline) {
  while (!frame.empty()) {
    const auto sent = ::send(socket_, frame.data(), frame.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      frame = frame.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      MILLRACE_CHECK(wait(POLLOUT, deadline));
    } else if (errno != EINTR) {
      return fail_errno(errno, fmt::format("cannot write to {}", peer_));
    }
  }
  std::byte length_bytes[kFrameLengthBytes];
  MILLRACE_CHECK(receive(length_bytes, deadline));
  const auto length = load_be<std::int32_t>(length_bytes);
  if (length < 0 || length > kMaxAnswerBytes) {
    return fail(ErrorCode::kMalformed,
                fmt::format("{} answers with a frame of {} bytes: is it a Kafka broker?", peer_, length));
  }
  std::vector<std::byte> answer(static_cast<std::size_t>(length));
  MILLRACE_CHECK(receive(answer, deadline));
  return answer;
}

}  // namespace millrace::net
