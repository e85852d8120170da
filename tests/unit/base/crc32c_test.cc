#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <array>

namespace millrace {
namespace {

// RFC 3720, appendix B.4.
TEST(Crc32c, HasTheStandardsValues) {
  std::array<std::byte, 32> bytes{};
  EXPECT_EQ(crc32c(bytes), 0x8a9136aaU);
  bytes.fill(std::byte{0xff});
  EXPECT_EQ(crc32c(bytes), 0x62a8ab43U);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  EXPECT_EQ(crc32c(bytes), 0x46dd794eU);
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283U);
}

TEST(Crc32c, GoesOnFromAnEarlierPart) {
  EXPECT_EQ(crc32c(as_bytes("6789"), crc32c(as_bytes("12345"))), crc32c(as_bytes("123456789")));
  EXPECT_EQ(crc32c({}), 0U);
}

}  // namespace
}  // namespace millrace
