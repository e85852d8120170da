#include "net/host_port.h"

#include <gtest/gtest.h>

namespace millrace::net {
namespace {

TEST(HostPort, ReadsNamesAddressesAndNoHost) {
  const auto name = parse_host_port("localhost:9092");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->host, "localhost");
  EXPECT_EQ(name->port, 9092);
  const auto six = parse_host_port("[::1]:0");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->host, "::1");
  const auto everywhere = parse_host_port(":80");
  ASSERT_TRUE(everywhere);
  EXPECT_EQ(everywhere->host, "");
}

TEST(HostPort, SaysWhatIsWrongWithWhat) {
  for (const auto* text : {"localhost", "localhost:", "localhost:65536", "localhost:9x", "::1:9092", ""}) {
    const auto parsed = parse_host_port(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(parsed.error().message().find(text), std::string::npos) << parsed.error().message();
  }
}

TEST(HostPort, PutsBracketsAroundWhatHasColons) {
  EXPECT_EQ(format_host_port("::1", 9092), "[::1]:9092");
  EXPECT_EQ(format_host_port("127.0.0.1", 9092), "127.0.0.1:9092");
}

}  // namespace
}  // namespace millrace::net
