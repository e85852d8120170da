#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace millrace::test {

/// A blocking TCP connection to a server in this process: bytes as they are, so that a test sees what is on the wire.
///
/// Threading: one thread. A read that gets nothing for ten seconds throws: a deadline against a hanging test.
class RawClient {
 public:
  /// `address` is "127.0.0.1:PORT".
  explicit RawClient(const std::string& address) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval deadline{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      ::close(socket_);
      throw std::runtime_error("cannot connect to " + address);
    }
  }
  ~RawClient() { ::close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  RawClient& send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("the server closed the connection");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return *this;
  }

  /// What comes up to and with `mark`.
  std::string read_until(std::string_view mark) {
    auto found = received_.find(mark);
    while (found == std::string::npos) {
      if (!receive()) throw std::runtime_error("the connection ended after: " + received_);
      found = received_.find(mark);
    }
    auto text = received_.substr(0, found + mark.size());
    received_.erase(0, text.size());
    return text;
  }

  std::string read(std::size_t size) {
    while (received_.size() < size) {
      if (!receive()) throw std::runtime_error("the connection ended after: " + received_);
    }
    auto text = received_.substr(0, size);
    received_.erase(0, size);
    return text;
  }

  /// Everything up to the end of the connection.
  std::string read_all() {
    while (receive()) {
    }
    return std::exchange(received_, {});
  }

 private:
  // False at the end.
  bool receive() {
    char buffer[16384];
    const auto size = ::recv(socket_, buffer, sizeof buffer, 0);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      throw std::runtime_error("nothing came within ten seconds after: " + received_);
    }
    if (size <= 0) return false;
    received_.append(buffer, static_cast<std::size_t>(size));
    return true;
  }

  int socket_;
  std::string received_;
};

}  // namespace millrace::test
