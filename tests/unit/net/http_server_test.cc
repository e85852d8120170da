#include "net/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "support/raw_client.h"

namespace millrace::net {
namespace {

using test::RawClient;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::unique_ptr<HttpServer> serve(HttpServer::Handler handler, HttpServerConfig config = {.address = "127.0.0.1:0"}) {
  auto server = HttpServer::open(std::move(config));
  if (!server) throw std::runtime_error(server.error().message());
  (*server)->serve(std::move(handler));
  return std::move(*server);
}

/// Answers with the method, path and query that it was asked for.
void echo(const HttpRequest& request, std::unique_ptr<HttpReply> reply) {
  reply->send(
      {.body = std::string{request.method} + ' ' + std::string{request.path} + ' ' + std::string{request.query}});
}

std::string get(const HttpServer& server, const std::string& target,
                const std::string& headers = "Host: localhost\r\n") {
  RawClient client{server.address()};
  client.send("GET " + target + " HTTP/1.1\r\n" + headers + "Connection: close\r\n\r\n");
  return client.read_all();
}

TEST(HttpServer, GivesTheHandlerMethodPathAndQuery) {
  const auto server = serve(echo);
  const auto answer = get(*server, "/a/b?c=d&e");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 14\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nGET /a/b c=d&e"));
}

TEST(HttpServer, AnswersRequestsOnOneConnectionInOrderEvenWhenTheyComeTogether) {
  const auto server = serve(echo);
  RawClient client{server->address()};
  client.send("GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /2 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(client.read_until("GET /1 "), HasSubstr("200 OK"));
  EXPECT_THAT(client.read_until("GET /2 "), HasSubstr("200 OK"));
}

TEST(HttpServer, AnswersARequestThatComesByteByByte) {
  const auto server = serve(echo);
  RawClient client{server->address()};
  for (const char byte : std::string_view{"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n"}) client.send({&byte, 1});
  EXPECT_THAT(client.read_until("GET /slow "), HasSubstr("200 OK"));
}

TEST(HttpServer, SendsHeadersButNoBodyForHead) {
  const auto server = serve(echo);
  RawClient client{server->address()};
  client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.read_all(), testing::AllOf(HasSubstr("Content-Length: 7\r\n"), EndsWith("\r\n\r\n")));
}

TEST(HttpServer, SendsFixedBytesWithoutCopyingThem) {
  static const std::string kPage(100'000, 'x');
  const auto server = serve([](const auto&, auto reply) { reply->send({.fixed_body = kPage}); });
  EXPECT_THAT(get(*server, "/"), EndsWith("\r\n\r\n" + kPage));
}

TEST(HttpServer, AnswersOnlyUnderNamesThatNoOtherSiteCanTake) {
  HttpServerConfig config{.address = "127.0.0.1:0", .allowed_hosts = {"stats.example.org"}};
  const auto server = serve(echo, std::move(config));
  for (const auto* host : {"localhost", "127.0.0.1", "127.0.0.1:80", "[::1]:80", "STATS.example.org:8080"}) {
    EXPECT_THAT(get(*server, "/", std::string{"Host: "} + host + "\r\n"), StartsWith("HTTP/1.1 200 ")) << host;
  }
  for (const auto* headers : {"Host: evil.example\r\n", "Host: localhost.evil.example\r\n", "Host: \r\n", ""}) {
    EXPECT_THAT(get(*server, "/", headers), StartsWith("HTTP/1.1 421 ")) << headers;
  }
}

TEST(HttpServer, RefusesWhatItDoesNotServeAndGoesOn) {
  HttpServerConfig config{.address = "127.0.0.1:0"};
  const auto server = serve(echo, std::move(config));
  const auto answer_to = [&](const std::string& bytes) {
    RawClient client{server->address()};
    client.send(bytes);
    return client.read_until("\r\n");
  };
  EXPECT_THAT(answer_to("DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n"), HasSubstr(" 405 "));
  EXPECT_THAT(answer_to("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"), HasSubstr(" 413 "));
  EXPECT_THAT(answer_to("\x16\x03\x01\x02 not HTTP at all\r\n\r\n"), HasSubstr(" 400 "));
  EXPECT_THAT(answer_to("GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\n\r\n"), HasSubstr(" 431 "));
  EXPECT_THAT(get(*server, "/"), HasSubstr("200 OK"));
}

TEST(HttpServer, SaysSoWhenAHandlerDropsItsReply) {
  const auto server = serve([](const auto&, auto) {});
  EXPECT_THAT(get(*server, "/"), StartsWith("HTTP/1.1 500 "));
}

TEST(HttpServer, StreamsChunksUntilTheStreamEnds) {
  std::shared_ptr<HttpStream> stream;
  const auto server = serve([&](const auto&, auto reply) {
    stream = reply->stream({.content_type = "text/event-stream"});
    stream->write(std::make_shared<const std::string>("first"));
  });
  RawClient client{server->address()};
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(client.read_until("5\r\nfirst\r\n"), HasSubstr("Transfer-Encoding: chunked\r\n"));
  server->executor().post([&] {
    stream->write(std::make_shared<const std::string>(std::string(20, 's')));
    stream->end();
    stream.reset();
  });
  EXPECT_EQ(client.read_all(), "14\r\n" + std::string(20, 's') + "\r\n0\r\n\r\n");
}

TEST(HttpServer, NoticesThatTheClientOfAStreamWentAway) {
  std::promise<void> noticed;
  std::shared_ptr<HttpStream> stream;
  HttpServer* server_of_handler = nullptr;
  std::function<void()> look = [&] {
    if (!stream->ended()) return server_of_handler->executor().post([&] { look(); });
    stream.reset();
    noticed.set_value();
  };
  const auto opened = HttpServer::open({.address = "127.0.0.1:0"});
  server_of_handler = opened->get();
  (*opened)->serve([&](const auto&, auto reply) {
    stream = reply->stream({});
    look();
  });
  {
    RawClient client{(*opened)->address()};
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").read_until("\r\n\r\n");
  }
  EXPECT_EQ(noticed.get_future().wait_for(std::chrono::seconds{10}), std::future_status::ready);
}

TEST(HttpServer, ClosesAConnectionThatAsksNothing) {
  HttpServerConfig config{.address = "127.0.0.1:0", .idle_timeout = std::chrono::milliseconds{20}};
  const auto server = serve(echo, std::move(config));
  RawClient client{server->address()};
  EXPECT_EQ(client.send("GET / HT").read_all(), "");
}

TEST(HttpServer, LetsOthersWaitWhileItHasAsManyConnectionsAsItMay) {
  HttpServerConfig config{.address = "127.0.0.1:0", .max_connections = 1};
  const auto server = serve(echo, std::move(config));
  auto first = std::make_unique<RawClient>(server->address());
  first->send("GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n").read_until("GET /1 ");
  RawClient second{server->address()};
  second.send("GET /2 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  first->send("GET /3 HTTP/1.1\r\nHost: localhost\r\n\r\n").read_until("GET /3 ");
  first.reset();
  EXPECT_THAT(second.read_until("GET /2 "), HasSubstr("200 OK"));
}

TEST(HttpServer, EndsStreamsAndIdleConnectionsWhenItCloses) {
  std::shared_ptr<HttpStream> stream;
  auto server = serve([&](const auto&, auto reply) {
    stream = reply->stream({});
    stream->write(std::make_shared<const std::string>("last words"));
  });
  RawClient streaming{server->address()};
  streaming.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").read_until("\r\n\r\n");
  RawClient idle{server->address()};
  server->close();
  server->close();
  EXPECT_EQ(streaming.read_all(), "a\r\nlast words\r\n0\r\n\r\n");
  EXPECT_EQ(idle.read_all(), "");
  stream.reset();
  EXPECT_THROW(RawClient{server->address()}, std::runtime_error);
}

TEST(HttpServer, SaysWhatIsWrongWithAnAddress) {
  for (const auto* address : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000", ":80"}) {
    const auto server = HttpServer::open({.address = address});
    ASSERT_FALSE(server) << address;
    EXPECT_EQ(server.error().code(), ErrorCode::kInvalidArgument) << address;
    EXPECT_THAT(server.error().message(), HasSubstr("HOST:PORT")) << address;
  }
}

TEST(HttpServer, SaysThatAnAddressIsInUse) {
  const auto first = HttpServer::open({.address = "127.0.0.1:0"});
  const auto second = HttpServer::open({.address = (*first)->address()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kInUse);
  EXPECT_THAT(second.error().message(), HasSubstr((*first)->address()));
}

}  // namespace
}  // namespace millrace::net
