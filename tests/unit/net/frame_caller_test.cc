#include "net/frame_caller.h"

#include <gmock/gmock.h>

#include <string>

#include "base/bytes_io.h"
#include "base/logger.h"
#include "net/frame_server.h"
#include "net/host_port.h"
#include "support/must.h"
#include "support/patience.h"

namespace millrace::test {
namespace {

TimePoint soon() { return std::chrono::steady_clock::now() + kPatience; }

/// Answers each frame with itself, or as it is told to.
class Echo final : public net::FrameSession {
 public:
  enum class Manners { kAnswers, kHangsUp, kIsSilent };
  explicit Echo(Manners manners) : manners_(manners) {}
  net::Next on_frame(net::Frame frame, net::FrameReply reply) override {
    if (manners_ == Manners::kHangsUp) {
      std::move(reply).close("");
    } else if (manners_ == Manners::kAnswers) {
      GatherBuffer answer;
      const auto body = frame.bytes();
      std::byte length[4];
      store_be<std::int32_t>(length, static_cast<std::int32_t>(body.size()));
      answer.append(length);
      answer.append(body);
      std::move(reply).send(std::move(answer));
    } else {
      waiting_.push_back(std::move(reply));
    }
    return net::Next::kAtOnce;
  }
  void closed() override { waiting_.clear(); }

 private:
  const Manners manners_;
  std::vector<net::FrameReply> waiting_;
};

struct Server {
  explicit Server(Echo::Manners manners)
      : address(must(net::parse_host_port(
            must(frames->listen("127.0.0.1:0", [manners](const auto&) { return std::make_unique<Echo>(manners); }))))) {
  }
  NullLogger logger;
  std::unique_ptr<net::FrameServer> frames = net::FrameServer::create({}, logger);
  net::HostPort address;
};

std::vector<std::byte> frame_of(std::string_view text) {
  std::vector<std::byte> frame(4);
  store_be<std::int32_t>(frame.data(), static_cast<std::int32_t>(text.size()));
  const auto raw = as_bytes(text);
  frame.insert(frame.end(), raw.begin(), raw.end());
  return frame;
}

TEST(FrameCaller, GivesTheAnswerToEachFrame) {
  const Server server{Echo::Manners::kAnswers};
  auto client = must(net::FrameCaller::connect(server.address.host, server.address.port, soon()));
  for (const auto& text : {std::string{"hello"}, std::string(3 << 20, 'x'), std::string{"again"}}) {
    EXPECT_EQ(as_text(must(client->ask(frame_of(text), soon()))), text);
  }
}

TEST(FrameCaller, SaysWhoHungUp) {
  const Server server{Echo::Manners::kHangsUp};
  auto client = must(net::FrameCaller::connect(server.address.host, server.address.port, soon()));
  const auto answer = client->ask(frame_of("hello"), soon());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::kIo);
  EXPECT_THAT(answer.error().message(), ::testing::HasSubstr(std::to_string(server.address.port)));
}

TEST(FrameCaller, WaitsNoLongerThanItsDeadline) {
  const Server server{Echo::Manners::kIsSilent};
  auto client = must(net::FrameCaller::connect(server.address.host, server.address.port, soon()));
  const auto answer = client->ask(frame_of("hello"), std::chrono::steady_clock::now() + std::chrono::milliseconds{20});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::kTimedOut);
}

TEST(FrameCaller, SaysWhereNobodyListens) {
  std::uint16_t port = 0;
  {
    const Server server{Echo::Manners::kAnswers};
    port = server.address.port;
  }
  const auto client = net::FrameCaller::connect("127.0.0.1", port, soon());
  ASSERT_FALSE(client);
  EXPECT_THAT(client.error().message(), ::testing::HasSubstr("cannot connect to 127.0.0.1:"));
}

}  // namespace
}  // namespace millrace::test
