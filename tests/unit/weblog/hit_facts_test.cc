#include "weblog/hit_facts.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <set>

namespace millrace::weblog {
namespace {

TEST(StaticFile, IsKnownByTheExtensionOfThePath) {
  for (const char* target :
       {"/favicon.ico", "/style2.css", "/A.PNG", "/app.js?v=12", "/fonts/x.woff2", "/a.b/c.tar.gz", "/.css"}) {
    EXPECT_TRUE(is_static_file(target)) << target;
  }
  for (const char* target :
       {"/", "", "-", "/blog/", "/index.html", "/a.css/b", "/?file=x.css", "/css", "/x.", "/a.jsx", "png"}) {
    EXPECT_FALSE(is_static_file(target)) << target;
  }
}

TEST(ReferringSite, IsTheHostOfTheReferer) {
  const auto site = [](std::string_view referer) { return referring_site(Hit{.referer = referer}); };
  EXPECT_EQ(site("http://www.example.com/a?b#c"), "www.example.com");
  EXPECT_EQ(site("https://example.com"), "example.com");
  EXPECT_EQ(site("https://user:secret@example.com:8443/x"), "example.com");
  EXPECT_EQ(site("http://[2001:db8::1]:80/"), "[2001:db8::1]");
  EXPECT_EQ(site("http://example.com?q"), "example.com");
  EXPECT_EQ(site("android-app://com.google.android.gm/"), "com.google.android.gm");
  EXPECT_EQ(site(""), "");
  EXPECT_EQ(site("example.com/a"), "");
  EXPECT_EQ(site("http:///a"), "");
}

TEST(Visitor, IsClientAgentAndDay) {
  using namespace std::chrono_literals;
  const Hit hit{.time = Timestamp{1431857103000ms}, .client = "10.0.0.1", .agent = "curl"};
  auto later = hit;
  later.time += 13h;
  EXPECT_EQ(visitor(later), visitor(hit));
  later.time += 1h;
  EXPECT_NE(visitor(later), visitor(hit)) << "the next day";
  auto other = hit;
  other.agent = "wget";
  EXPECT_NE(visitor(other), visitor(hit));
  other = hit;
  other.client = "10.0.0.2";
  EXPECT_NE(visitor(other), visitor(hit));
}

TEST(Visitor, NearbyClientsOnNearbyDaysAreDifferent) {
  using namespace std::chrono_literals;
  std::set<std::uint64_t> seen;
  std::size_t added = 0;
  for (int day = 0; day < 30; ++day) {
    for (int client = 0; client < 1000; ++client) {
      const auto address = fmt::format("192.168.{}.{}", client / 250, client % 250);
      seen.insert(visitor(Hit{.time = Timestamp{day * 24h}, .client = address, .agent = "curl/8.0"}));
      ++added;
    }
  }
  EXPECT_EQ(seen.size(), added);
}

TEST(StatusClass, IsTheFirstDigit) {
  EXPECT_EQ(status_class(Hit{.status = 204}), "2xx");
  EXPECT_EQ(status_class(Hit{.status = 599}), "5xx");
}

}  // namespace
}  // namespace millrace::weblog
