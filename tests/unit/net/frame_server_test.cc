#include "net/frame_server.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "unit/net/frame_client.h"

namespace millrace::net {
namespace {

GatherBuffer frame_of(std::string_view content) {
  GatherBuffer frame;
  frame.append(as_bytes(wire_frame(content)));
  return frame;
}

/// Frames that reached the sessions, kept until the test answers them.
class Inbox {
 public:
  struct Item {
    std::string content;
    FrameReply reply;
  };

  void put(Item item) {
    const std::lock_guard lock{mutex_};
    items_.push_back(std::move(item));
    changed_.notify_all();
  }
  Item take() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return !items_.empty(); });
    auto item = std::move(items_.front());
    items_.pop_front();
    return item;
  }
  std::size_t size() {
    const std::lock_guard lock{mutex_};
    return items_.size();
  }
  void note_closed() {
    const std::lock_guard lock{mutex_};
    ++closed_;
    changed_.notify_all();
  }
  void wait_closed(int count) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return closed_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> items_;
  int closed_ = 0;
};

/// Puts frames that begin with '?' into the inbox and answers the others at once with what they say.
class TestSession final : public FrameSession {
 public:
  explicit TestSession(Inbox& inbox) : inbox_(inbox) {}
  Next on_frame(Frame frame, FrameReply reply) override {
    std::string content{as_text(frame.bytes())};
    if (content == "bad")
      std::move(reply).close("it said \"bad\"");
    else if (content == "silent")
      std::move(reply).none();
    else if (!content.starts_with('?'))
      std::move(reply).send(frame_of(content));
    else {
      const bool alone = content.starts_with("??");
      inbox_.put({std::move(content), std::move(reply)});
      return alone ? Next::kAfterAnswer : Next::kAtOnce;
    }
    return Next::kAtOnce;
  }
  void closed() override { inbox_.note_closed(); }

 private:
  Inbox& inbox_;
};

/// Keeps the lines.
class LineLogger final : public Logger {
 public:
  void write(LogLevel, std::string_view line) override {
    const std::lock_guard lock{mutex_};
    lines_.emplace_back(line);
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock{mutex_};
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

class FrameServerTest : public testing::Test {
 protected:
  void start(const FrameServerConfig& config = {}) {
    server_ = FrameServer::create(config, logger_);
    auto sessions = [this](const std::string&) { return std::make_unique<TestSession>(inbox_); };
    const auto bound = server_->listen("127.0.0.1:0", sessions);
    ASSERT_TRUE(bound) << bound.error().message();
    address_ = *bound;
  }

  LineLogger logger_;
  Inbox inbox_;
  std::unique_ptr<FrameServer> server_;
  std::string address_;
};

TEST_F(FrameServerTest, AnswersAFrame) {
  start();
  FrameClient client{address_};
  client.send_frame("hello");
  EXPECT_EQ(client.receive_frame(), "hello");
}

TEST_F(FrameServerTest, TakesFramesOfAnySizeInOneStream) {
  start();
  FrameClient client{address_};
  const std::size_t sizes[] = {0, 1, 4091, 4093, 16'379, 16'380, 16'381, 100'000, 3, 5'000'000, 70'000, 0, 2};
  std::thread sender{[&] {
    std::string stream;
    for (const auto size : sizes) stream += wire_frame(std::string(size, 'x'));
    client.send(stream);
  }};
  for (const auto size : sizes) EXPECT_EQ(client.receive_frame(), std::string(size, 'x'));
  sender.join();
}

TEST_F(FrameServerTest, TakesFramesThatComeByteByByte) {
  start();
  FrameClient client{address_};
  const auto stream = wire_frame("abc") + wire_frame("") + wire_frame("d");
  for (const char byte : stream) client.send({&byte, 1});
  EXPECT_EQ(client.receive_frame(), "abc");
  EXPECT_EQ(client.receive_frame(), "");
  EXPECT_EQ(client.receive_frame(), "d");
}

TEST_F(FrameServerTest, KeepsTheOrderOfAFramesAnswersWhateverTheOrderTheyAreMadeIn) {
  start();
  FrameClient client{address_};
  client.send_frame("?1");
  client.send_frame("?2");
  client.send_frame("3");
  client.send_frame("silent");
  client.send_frame("?4");
  auto first = inbox_.take();
  auto second = inbox_.take();
  auto fourth = inbox_.take();
  std::move(fourth.reply).send(frame_of("4"));
  std::move(second.reply).send(frame_of("2"));
  std::move(first.reply).send(frame_of("1"));
  EXPECT_EQ(client.receive_frame(), "1");
  EXPECT_EQ(client.receive_frame(), "2");
  EXPECT_EQ(client.receive_frame(), "3");
  EXPECT_EQ(client.receive_frame(), "4");
}

TEST_F(FrameServerTest, HoldsTheNextFrameBackUntilAnAnswerThatWantsIt) {
  start();
  FrameClient client{address_};
  client.send_frame("??alone");
  client.send_frame("?next");
  auto alone = inbox_.take();
  EXPECT_EQ(inbox_.size(), 0U);
  std::move(alone.reply).send(frame_of("done"));
  EXPECT_EQ(client.receive_frame(), "done");
  EXPECT_EQ(inbox_.take().content, "?next");
}

TEST_F(FrameServerTest, SendsSharedPiecesAsTheyAre) {
  start();
  FrameClient client{address_};
  client.send_frame("?");
  auto item = inbox_.take();
  const auto big = std::make_shared<std::string>(3'000'000, 'z');
  GatherBuffer answer;
  answer.append(as_bytes(wire_frame("")).first(0));
  std::string length(4, '\0');
  store_be<std::int32_t>(reinterpret_cast<std::byte*>(length.data()), static_cast<std::int32_t>(2 * big->size() + 1));
  answer.append(as_bytes(length));
  answer.append_shared(as_bytes(*big), big);
  answer.append(as_bytes("-"));
  answer.append_shared(as_bytes(*big), big);
  std::move(item.reply).send(std::move(answer));
  EXPECT_EQ(client.receive_frame(), *big + "-" + *big);
}

TEST_F(FrameServerTest, StopsReadingWhenAConnectionHasTooManyUnansweredFrames) {
  start({.max_connection_frames = 3});
  FrameClient client{address_};
  for (int i = 0; i < 10; ++i) client.send_frame("?" + std::to_string(i));
  FrameClient other{address_};
  std::deque<Inbox::Item> taken;
  for (int i = 0; i < 3; ++i) taken.push_back(inbox_.take());
  // Another connection is served meanwhile, and the first one's fourth frame is not there.
  other.send_frame("ping");
  EXPECT_EQ(other.receive_frame(), "ping");
  EXPECT_EQ(inbox_.size(), 0U);
  for (int i = 0; i < 10; ++i) {
    std::move(taken.front().reply).send(frame_of(taken.front().content));
    taken.pop_front();
    if (i < 7) taken.push_back(inbox_.take());
    EXPECT_EQ(client.receive_frame(), "?" + std::to_string(i));
  }
}

TEST_F(FrameServerTest, ServesSmallFramesWhileLargeOnesSpendTheBudget) {
  start({.max_server_bytes = 100 << 10});
  FrameClient large{address_};
  large.send_frame("?" + std::string(200 << 10, 'x'));
  auto held = inbox_.take();
  FrameClient waits{address_};
  waits.send_frame("?" + std::string(80 << 10, 'y'));
  FrameClient small{address_};
  small.send_frame("hello");
  EXPECT_EQ(small.receive_frame(), "hello");
  EXPECT_EQ(inbox_.size(), 0U);
  std::move(held.reply).none();
  EXPECT_EQ(inbox_.take().content.size(), (80U << 10) + 1);
}

TEST_F(FrameServerTest, ClosesAConnectionWhoseFrameIsTooLongAndSaysSoOnce) {
  start({.max_frame_bytes = 1000});
  FrameClient client{address_};
  client.send_frame("fine");
  EXPECT_EQ(client.receive_frame(), "fine");
  client.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(client.read_all(), "");
  ASSERT_EQ(logger_.lines().size(), 1U);
  EXPECT_NE(logger_.lines()[0].find("1195725856 bytes"), std::string::npos) << logger_.lines()[0];
}

TEST_F(FrameServerTest, ClosesAConnectionThatIsRefusedAfterItsEarlierAnswers) {
  start();
  FrameClient client{address_};
  client.send_frame("?first");
  client.send_frame("bad");
  client.send_frame("never");
  auto first = inbox_.take();
  std::move(first.reply).send(frame_of("answer"));
  EXPECT_EQ(client.receive_frame(), "answer");
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(FrameServerTest, ClosesAConnectionWhoseReplyIsDropped) {
  start();
  FrameClient client{address_};
  client.send_frame("?");
  {
    const auto dropped = inbox_.take();
  }
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(FrameServerTest, TellsTheSessionWhenTheClientHasGone) {
  start();
  auto client = std::make_unique<FrameClient>(address_);
  client->send_frame("?");
  auto item = inbox_.take();
  client.reset();
  inbox_.wait_closed(1);
  std::move(item.reply).send(frame_of("nobody hears this"));
}

TEST_F(FrameServerTest, LetsAnswersUnderWayLeaveWhenItCloses) {
  start();
  FrameClient client{address_};
  client.send_frame("?");
  auto item = inbox_.take();
  std::thread closer{[this] { server_->close(std::chrono::seconds{10}); }};
  std::move(item.reply).send(frame_of("last words"));
  EXPECT_EQ(client.receive_frame(), "last words");
  EXPECT_EQ(client.read_all(), "");
  closer.join();
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(FrameServerTest, ClosesWithinItsTimeWhateverIsUnanswered) {
  start();
  FrameClient client{address_};
  client.send_frame("?");
  auto item = inbox_.take();
  server_->close(std::chrono::milliseconds{1});
  server_->close(std::chrono::milliseconds{1});
  EXPECT_EQ(client.read_all(), "");
  std::move(item.reply).none();
  EXPECT_THROW(FrameClient{address_}, std::runtime_error);
}

TEST_F(FrameServerTest, SaysThatAnAddressIsInUse) {
  start();
  const auto second = FrameServer::create({}, logger_);
  const auto bound = second->listen(address_, [](const std::string&) { return nullptr; });
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error().code(), ErrorCode::kInUse);
  EXPECT_NE(bound.error().message().find(address_), std::string::npos);
}

TEST_F(FrameServerTest, ClosesConnectionsThatAreTooManyAndSaysItOnce) {
  start({.max_connections = 2});
  auto first = std::make_unique<FrameClient>(address_);
  FrameClient second{address_};
  for (auto* client : {first.get(), &second}) {
    client->send_frame("hello");
    EXPECT_EQ(client->receive_frame(), "hello");
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(FrameClient{address_}.read_all(), "");
  const auto lines = logger_.lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("2 are open"), std::string::npos) << lines[0];

  // Whoever was there is served on, and so is the next one when there is room.
  second.send_frame("still here");
  EXPECT_EQ(second.receive_frame(), "still here");
  first.reset();
  inbox_.wait_closed(1);
  while (server_->connections() > 1) std::this_thread::yield();
  FrameClient third{address_};
  third.send_frame("hello");
  EXPECT_EQ(third.receive_frame(), "hello");
}

}  // namespace
}  // namespace millrace::net
