#include "weblog/anonymize.h"

#include <gtest/gtest.h>

namespace millrace::weblog {
namespace {

std::string anonymized(std::string_view line) {
  connect::LineScratch scratch;
  return std::string{anonymize(line, scratch)};
}

TEST(Anonymize, ZeroesTheLastOctetAndTheLast80Bits) {
  EXPECT_EQ(masked_address("203.0.113.77"), "203.0.113.0");
  EXPECT_EQ(masked_address("2001:db8:1234:5678:9abc:def0:1234:5678"), "2001:db8:1234::");
  EXPECT_EQ(masked_address("::ffff:203.0.113.77"), "::ffff:203.0.113.0");
  EXPECT_EQ(masked_address("::1"), "::");
  EXPECT_FALSE(masked_address("www.example.com"));
  EXPECT_FALSE(masked_address("1.2.3"));
  EXPECT_FALSE(masked_address("1.2.3.400"));
  EXPECT_FALSE(masked_address("10:05:03"));
}

TEST(Anonymize, MasksTheClientAndForwardedAddressesOfALine) {
  EXPECT_EQ(
      anonymized(
          R"(203.0.113.77 - - [17/May/2015:10:05:03 +0000] "GET /?ip=198.51.100.9&x HTTP/1.1" 200 1 "-" "x/2.0.0.4")"
          R"( "198.51.100.23, 2001:db8:1234:5678::9" 192.0.2.8:4711 [2001:db8:1:2::3]:80)"),
      R"(203.0.113.0 - - [17/May/2015:10:05:03 +0000] "GET /?ip=198.51.100.0&x HTTP/1.1" 200 1 "-" "x/2.0.0.4")"
      R"( "198.51.100.0, 2001:db8:1234::" 192.0.2.0:4711 [2001:db8:1::]:80)");
}

TEST(Anonymize, MasksJsonAndWhatCannotBeRead) {
  EXPECT_EQ(anonymized(R"({"remote_ip":"203.0.113.77","status":200})"), R"({"remote_ip":"203.0.113.0","status":200})");
  EXPECT_EQ(anonymized("203.0.113.77"), "203.0.113.0");
  EXPECT_EQ(anonymized("203.0.113.77 \x16\x03 junk"), "203.0.113.0 \x16\x03 junk");
}

TEST(Anonymize, LeavesEverythingElse) {
  for (const char* line :
       {"", "no address here", R"(host.example "Firefox/2.0.0.4; rv:1.8.1.4" "http://192.0.2.1/a" 10:05:03)"}) {
    EXPECT_EQ(anonymized(line), line);
  }
}

}  // namespace
}  // namespace millrace::weblog
