#include "embed/metrics_page.h"

#include <gmock/gmock.h>

#include "support/must.h"
#include "support/raw_client.h"

namespace millrace::test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class MetricsPageTest : public ::testing::Test {
 protected:
  std::string get(const std::string& path, const std::string& host = "localhost") {
    const auto url = page_->url();
    const auto address = url.substr(7, url.rfind('/') - 7);  // between http:// and /metrics
    RawClient client{address};
    client.send("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
    return client.read_all();
  }

  std::unique_ptr<MetricsPage> page_ =
      must(MetricsPage::open("127.0.0.1:0", {"Broker.example"}, [] { return std::string{"fish 3\n"}; }));
};

TEST_F(MetricsPageTest, ServesTheReportAsPrometheusWantsIt) {
  EXPECT_THAT(page_->url(), EndsWith("/metrics"));
  const auto answer = get("/metrics");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nfish 3\n"));
}

TEST_F(MetricsPageTest, ServesNothingElse) { EXPECT_THAT(get("/"), StartsWith("HTTP/1.1 404 ")); }

TEST_F(MetricsPageTest, AnswersUnderItsOwnNamesOnly) {
  EXPECT_THAT(get("/metrics", "127.0.0.1"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(get("/metrics", "broker.example:9308"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(get("/metrics", "evil.example"), StartsWith("HTTP/1.1 421 "));
}

}  // namespace
}  // namespace millrace::test
