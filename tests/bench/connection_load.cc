// Many connections to any Kafka broker at once: silent ones, and ones that ask at a fixed rate. One thread; it says
// each phase in a line of JSON and goes on when it is sent a line.
//
//   connection_load PORT TOPIC PARTITIONS IDLE ACTIVE RATE SECONDS
//
//   {"idle": N}          N connections have asked for ApiVersions once, and are silent
//   {"active": N}        N more are open
//   {"produce": {...}, "fetch": {...}, "failures": N}
//                        every active connection has asked in its turn, RATE requests a second in all, half of them
//                        producing 100 bytes with acks=all, half fetching; and every silent one has asked once more
//
// A request counts from the moment when it was to be sent, so that a slow broker cannot make itself look quicker.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocol/api_versions.h"
#include "protocol/fetch.h"
#include "protocol/produce.h"
#include "protocol/request.h"
#include "record/record_batch_builder.h"

namespace millrace {
namespace {

using Clock = std::chrono::steady_clock;
using namespace protocol;  // NOLINT: the messages are what this sends

constexpr std::chrono::seconds kPatience{30};
constexpr std::int16_t kProduceVersion = 8;
constexpr std::int16_t kFetchVersion = 11;

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

class Connection {
 public:
  explicit Connection(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (socket_ < 0) give_up("socket");
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) give_up("connect");
    const int yes = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  ~Connection() { ::close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] int socket() const { return socket_; }

  [[nodiscard]] bool send(const std::vector<std::byte>& frame) const {
    return ::send(socket_, frame.data(), frame.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(frame.size());
  }
  /// False when the connection is closed.
  bool receive() {
    std::byte buffer[16384];
    const auto size = ::recv(socket_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (size > 0) received_.insert(received_.end(), buffer, buffer + size);
    return size > 0 || (size < 0 && errno == EAGAIN);
  }
  /// The answer's frame without its length, when all of it is there; takes it away.
  [[nodiscard]] std::vector<std::byte> answer() {
    constexpr std::size_t kLength = 4;
    if (received_.size() < kLength) return {};
    const auto size = static_cast<std::size_t>(load_be<std::int32_t>(received_.data()));
    if (received_.size() < kLength + size) return {};
    std::vector<std::byte> frame{received_.begin() + kLength, received_.end()};
    received_.clear();
    return frame;
  }

  enum class Asked : std::uint8_t { kNothing, kApiVersions, kProduce, kFetch };
  Asked asked = Asked::kNothing;
  Clock::time_point since;

 private:
  int socket_;
  std::vector<std::byte> received_;
};

/// The message behind the header; the versions used here have that of version 0.
template <class Response>
bool is_good(const std::vector<std::byte>& frame, std::int16_t version, auto code_of) {
  constexpr std::size_t kHeader = 4;
  const auto decoded = decode_prefix<Response>(Bytes{frame}.subspan(std::min(kHeader, frame.size())), version);
  return decoded && code_of(decoded->message) == ErrorCode::kNone;
}

bool is_good(Connection::Asked asked, const std::vector<std::byte>& frame) {
  switch (asked) {
    case Connection::Asked::kProduce:
      return is_good<ProduceResponse>(frame, kProduceVersion, [](const ProduceResponse& response) {
        return response.responses.at(0).partition_responses.at(0).error_code;
      });
    case Connection::Asked::kFetch:
      return is_good<FetchResponse>(frame, kFetchVersion, [](const FetchResponse& response) {
        return response.responses.at(0).partitions.at(0).error_code;
      });
    case Connection::Asked::kApiVersions:
      return is_good<ApiVersionsResponse>(frame, 0, [](const auto& response) { return response.error_code; });
    case Connection::Asked::kNothing:
      break;
  }
  return false;
}

std::vector<std::byte> produce_request(const std::string& topic, PartitionIndex partition) {
  BufferPool pool;
  RecordBatchBuilder builder{pool, 1 << 16};
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  if (!builder.try_append(now, nullptr, std::string(100, 'x'))) std::exit(1);
  const auto batch = builder.finish().value();
  ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = 30'000;
  auto& data = request.topic_data.emplace_back();
  data.name = topic;
  auto& asked = data.partition_data.emplace_back();
  asked.index = partition;
  asked.records = {.bytes = NullableBytes{Bytes{batch.bytes}}, .owner = batch.buffer.owner()};
  return request_frame(request, kProduceVersion, 1, "load").flatten();
}

std::vector<std::byte> fetch_request(const std::string& topic, PartitionIndex partition) {
  FetchRequest request;
  request.max_bytes = 1 << 20;
  auto& wanted = request.topics.emplace_back();
  wanted.topic = topic;
  auto& asked = wanted.partitions.emplace_back();
  asked.partition = partition;
  asked.partition_max_bytes = 100;
  return request_frame(request, kFetchVersion, 1, "load").flatten();
}

/// All connections, and what came of what they asked.
class Load {
 public:
  Load(int port, std::string topic, int partitions) : port_(port), topic_(std::move(topic)), partitions_(partitions) {}
  ~Load() { ::close(poll_); }

  void open(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      auto& connection = *connections_.emplace_back(std::make_unique<Connection>(port_));
      epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
      if (::epoll_ctl(poll_, EPOLL_CTL_ADD, connection.socket(), &event) != 0) give_up("epoll_ctl");
      ask(connection, Connection::Asked::kApiVersions, Clock::now());
      wait_for_all();
    }
  }

  /// Those from `first` on ask in turn.
  void run(std::size_t first, double rate, std::chrono::seconds length) {
    const auto begin = Clock::now();
    const auto count = static_cast<std::size_t>(rate * static_cast<double>(length.count()));
    for (std::size_t i = 0; i < count; ++i) {
      const auto due = begin + std::chrono::duration_cast<Clock::duration>(
                                   std::chrono::duration<double>(static_cast<double>(i) / rate));
      while (Clock::now() < due) take(due - Clock::now());
      auto& connection = *connections_[first + i % (connections_.size() - first)];
      while (connection.asked != Connection::Asked::kNothing && Clock::now() < due + kPatience) take(kPatience);
      const bool fetches = (i / (connections_.size() - first) + i) % 2 == 1;
      ask(connection, fetches ? Connection::Asked::kFetch : Connection::Asked::kProduce, due);
    }
    wait_for_all();
  }
  /// The first so many ask whether they are still served.
  void check(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) ask(*connections_[i], Connection::Asked::kApiVersions, Clock::now());
    wait_for_all();
  }

  void print() {
    std::printf("{\"produce\": %s, \"fetch\": %s, \"failures\": %zu}\n", text_of(produced_).c_str(),
                text_of(fetched_).c_str(), failures_);
    std::fflush(stdout);
  }

 private:
  void ask(Connection& connection, Connection::Asked what, Clock::time_point since) {
    static const auto kVersions = request_frame(ApiVersionsRequest{}, 0, 1, "load").flatten();
    const PartitionIndex partition{static_cast<std::int32_t>(turn_++ % static_cast<std::size_t>(partitions_))};
    const auto frame = what == Connection::Asked::kApiVersions ? kVersions
                       : what == Connection::Asked::kProduce   ? produce_request(topic_, partition)
                                                               : fetch_request(topic_, partition);
    connection.asked = what;
    connection.since = since;
    ++waiting_;
    if (!connection.send(frame)) fail(connection);
  }

  void fail(Connection& connection) {
    ++failures_;
    ::epoll_ctl(poll_, EPOLL_CTL_DEL, connection.socket(), nullptr);
    if (std::exchange(connection.asked, Connection::Asked::kNothing) != Connection::Asked::kNothing) --waiting_;
  }

  void take(Clock::duration most) {
    epoll_event events[256];
    const auto wait = std::max<std::int64_t>(std::chrono::nanoseconds{most}.count(), 0);
    const timespec time{.tv_sec = wait / 1'000'000'000, .tv_nsec = wait % 1'000'000'000};
    const auto count = ::epoll_pwait2(poll_, events, 256, &time, nullptr);
    for (int i = 0; i < count; ++i) {
      auto& connection = *static_cast<Connection*>(events[i].data.ptr);
      if (!connection.receive()) {
        fail(connection);
      } else if (const auto frame = connection.answer(); !frame.empty()) {
        answered(connection, frame);
      }
    }
  }

  void answered(Connection& connection, const std::vector<std::byte>& frame) {
    const auto asked = std::exchange(connection.asked, Connection::Asked::kNothing);
    --waiting_;
    if (!is_good(asked, frame)) ++failures_;
    const auto took = std::chrono::duration<double, std::milli>(Clock::now() - connection.since).count();
    if (asked == Connection::Asked::kProduce) produced_.push_back(took);
    if (asked == Connection::Asked::kFetch) fetched_.push_back(took);
  }

  void wait_for_all() {
    const auto until = Clock::now() + kPatience;
    while (waiting_ > 0 && Clock::now() < until) take(std::chrono::milliseconds{100});
    failures_ += waiting_;
    waiting_ = 0;
  }

  static std::string text_of(std::vector<double>& times) {
    std::sort(times.begin(), times.end());
    const auto at = [&](double part) {
      return times.empty() ? 0.0 : times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
    };
    char text[160];
    std::snprintf(text, sizeof text, "{\"count\": %zu, \"p50\": %.3f, \"p99\": %.3f, \"p999\": %.3f, \"max\": %.3f}",
                  times.size(), at(0.5), at(0.99), at(0.999), at(1));
    return text;
  }

  const int port_;
  const std::string topic_;
  const int partitions_;
  const int poll_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::unique_ptr<Connection>> connections_;
  std::size_t turn_ = 0;
  std::size_t waiting_ = 0;
  std::size_t failures_ = 0;
  std::vector<double> produced_;
  std::vector<double> fetched_;
};

void say_and_wait(const char* what, std::size_t count) {
  std::printf("{\"%s\": %zu}\n", what, count);
  std::fflush(stdout);
  for (int c = std::getchar(); c != '\n' && c != EOF;) c = std::getchar();
}

void run(char** arguments) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);

  const auto idle = std::strtoull(arguments[4], nullptr, 10);
  const auto active = std::strtoull(arguments[5], nullptr, 10);
  Load load{std::atoi(arguments[1]), arguments[2], std::atoi(arguments[3])};
  load.open(idle);
  say_and_wait("idle", idle);
  load.open(active);
  say_and_wait("active", active);
  load.run(idle, std::strtod(arguments[6], nullptr), std::chrono::seconds{std::atoi(arguments[7])});
  load.check(idle);
  load.print();
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fprintf(stderr, "usage: connection_load PORT TOPIC PARTITIONS IDLE ACTIVE RATE SECONDS\n");
    return 2;
  }
  millrace::run(argv);
}
