#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "protocol/request.h"
#include "server/api_table.h"
#include "server/request_session.h"
#include "unit/broker/simulated_broker.h"

namespace millrace::test {

/// What a session answered, by the frame's number. Nothing is sent.
class CaughtAnswers final : public net::FrameAnswers {
 public:
  void answer(std::uint64_t number, GatherBuffer bytes) override { answers[number] = bytes.flatten(); }
  void refuse(std::uint64_t number, std::string reason) override { refused[number] = std::move(reason); }

  std::map<std::uint64_t, std::vector<std::byte>> answers;
  std::map<std::uint64_t, std::string> refused;
};

/// A connection to a broker on a simulated disk, with neither socket nor thread: frames in, frames out.
class ServerUnderTest {
 public:
  explicit ServerUnderTest(const Properties& config = {}) : broker(config) {
    broker.core->advertise(Endpoint{.listener = "PLAINTEXT", .host = "broker.example", .port = 9092});
    broker.executor.run_all();
    session = std::make_unique<RequestSession>(*broker.core, metrics, std::make_shared<const std::string>("PLAINTEXT"));
  }

  /// Hands a frame's content to the session; gives its number.
  std::uint64_t send(Bytes content) {
    net::Frame frame{broker.buffers.take(content.size()), content.size()};
    std::memcpy(frame.buffer.data(), content.data(), content.size());
    next = session->on_frame(std::move(frame), net::FrameReply{answers, sent});
    return sent++;
  }
  template <class Request>
  std::uint64_t send(const Request& request, std::int16_t version) {
    const auto frame = protocol::request_frame(request, version, kCorrelation, "test").flatten();
    return send(Bytes{frame}.subspan(4));
  }

  /// The answer to a frame, if it has come.
  template <class Response>
  std::optional<Response> received(std::uint64_t number, std::int16_t version) const {
    const auto body = body_of(number, protocol::response_header_version<Response>(version));
    if (body.is_null()) return std::nullopt;
    std::optional<Response> response{std::in_place};
    decode(body.bytes(), protocol::format_of<Response>(version), protocol::object_of(*response));
    return response;
  }

  /// Sends, lets everything run that can, and gives the answer, which must have come.
  template <class Response, class Request>
  Response ask(const Request& request, std::int16_t version) {
    const auto number = send(request, version);
    broker.executor.run_all();
    const auto body = body_of(number, protocol::response_header_version<Response>(version));
    EXPECT_FALSE(body.is_null()) << Request::kName << " version " << version
                                 << " was not answered: " << refusal(number);
    Response response;
    if (body) decode(body.bytes(), protocol::format_of<Response>(version), protocol::object_of(response));
    return response;
  }

  [[nodiscard]] std::string refusal(std::uint64_t number) const {
    const auto found = answers->refused.find(number);
    return found == answers->refused.end() ? "" : found->second;
  }

  static constexpr std::int32_t kCorrelation = 77;

  SimulatedBroker broker;
  RequestMetrics metrics{served_apis().size(), 2, broker.clock};
  std::shared_ptr<CaughtAnswers> answers = std::make_shared<CaughtAnswers>();
  std::unique_ptr<RequestSession> session;
  net::Next next = net::Next::kAtOnce;
  std::uint64_t sent = 0;

 private:
  /// The message in an answer's frame; null if it has not come. The test reads the records in it after this.
  NullableBytes body_of(std::uint64_t number, std::int16_t header_version) const {
    const auto found = answers->answers.find(number);
    if (found == answers->answers.end() || found->second.empty()) return {};
    kept = found->second;
    EXPECT_EQ(load_be<std::int32_t>(kept.data()), static_cast<std::int32_t>(kept.size() - 4));
    const auto frame = Bytes{kept}.subspan(4);
    const auto header = must(protocol::decode_prefix<protocol::ResponseHeader>(frame, header_version));
    EXPECT_EQ(header.message.correlation_id, kCorrelation);
    return NullableBytes{frame.subspan(header.used)};
  }
  /// All of `body` is the message.
  static void decode(Bytes body, const protocol::WireFormat& format, std::byte* response) {
    EXPECT_EQ(must(protocol::decode_fields(body, format, "the answer", response)), body.size());
  }

  mutable std::vector<std::byte> kept;
};

/// Calls `check(version)` for each version of `versions`, naming it.
template <class Check>
void for_versions(protocol::Versions versions, Check check) {
  for (auto version = versions.first; version <= versions.last; ++version) {
    SCOPED_TRACE(testing::Message() << "version " << version);
    check(version);
  }
}

}  // namespace millrace::test
