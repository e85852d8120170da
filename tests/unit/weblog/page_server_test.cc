#include "weblog/page_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>

#include "support/raw_client.h"

namespace millrace::weblog {
namespace {

using test::RawClient;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr console::Page kPage{
    .html = "<html>", .gzip = "gzipped", .etag = "\"abc\"", .content_security_policy = "default-src 'none'"};

class FakeModel final : public LiveModel {
 public:
  [[nodiscard]] std::uint64_t version() const override { return version_; }
  [[nodiscard]] std::string report_json() const override { return R"({"hits":7})"; }
  [[nodiscard]] std::string snapshot_json() const override { return "{\"v\":" + std::to_string(version_) + "}"; }
  void change() { ++version_; }

 private:
  std::atomic<std::uint64_t> version_ = 1;
};

class PageServerTest : public testing::Test {
 protected:
  PageServerTest() {
    auto opened = PageServer::open("127.0.0.1:0", model, kPage);
    if (!opened) throw std::runtime_error(opened.error().message());
    server = std::move(*opened);
    address = server->url().substr(7, server->url().size() - 8);
  }
  std::string get(const std::string& path, const std::string& headers = "") {
    RawClient client{address};
    client.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + "\r\n");
    return client.read_all();
  }

  FakeModel model;
  std::unique_ptr<PageServer> server;
  std::string address;
};

TEST_F(PageServerTest, GivesThePageWithItsSecurityPolicy) {
  const auto answer = get("/");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr("Content-Security-Policy: default-src 'none'\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/html; charset=utf-8\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n<html>"));
}

TEST_F(PageServerTest, GivesTheCompressedPageToABrowserThatTakesIt) {
  const auto answer = get("/", "Accept-Encoding: br, gzip\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Encoding: gzip\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\ngzipped"));
}

TEST_F(PageServerTest, SavesABrowserThatHasThePageFromGettingItAgain) {
  const auto answer = get("/", "If-None-Match: W/\"abc\"\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 304 "));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(PageServerTest, GivesTheReport) {
  const auto answer = get("/api/report");
  EXPECT_THAT(answer, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n{\"hits\":7}"));
}

TEST_F(PageServerTest, SendsASnapshotAtOnceAndWheneverSomethingChanged) {
  RawClient client{address};
  client.send("GET /api/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(client.read_until("data: {\"v\":1}\n\n"), HasSubstr("Content-Type: text/event-stream\r\n"));
  model.change();
  EXPECT_THAT(client.read_until("data: {\"v\":2}\n\n"), HasSubstr("event: snapshot\n"));
}

TEST_F(PageServerTest, SendsTheLastFiguresBeforeItCloses) {
  RawClient client{address};
  client.send("GET /api/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
  client.read_until("data: {\"v\":1}\n\n");
  model.change();
  server->close();
  EXPECT_THAT(client.read_all(), testing::AllOf(HasSubstr("data: {\"v\":2}\n\n"), EndsWith("0\r\n\r\n")));
}

TEST_F(PageServerTest, SaysWhereThingsAreWhenAskedForAnythingElse) {
  EXPECT_THAT(get("/report"), testing::AllOf(StartsWith("HTTP/1.1 404 "), HasSubstr("/api/report")));
}

TEST_F(PageServerTest, SaysThatAProgramWithoutPageHasNone) {
  const auto bare = PageServer::open("127.0.0.1:0", model, console::Page{});
  address = (*bare)->url().substr(7, (*bare)->url().size() - 8);
  EXPECT_THAT(get("/"), testing::AllOf(StartsWith("HTTP/1.1 404 "), HasSubstr("MILLRACE_PAGE")));
}

TEST_F(PageServerTest, NamesTheOptionWhenItsAddressIsInUse) {
  const auto second = PageServer::open(address, model, kPage);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kInUse);
  EXPECT_THAT(second.error().message(), HasSubstr("--page"));
}

}  // namespace
}  // namespace millrace::weblog
