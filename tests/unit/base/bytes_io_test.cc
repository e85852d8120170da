#include "base/bytes_io.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/buffers.h"

namespace millrace {
namespace {

TEST(Varint, GivesBackEveryNumber) {
  for (const std::int64_t number : {0LL, -1LL, 1LL, 63LL, 64LL, -64LL, -65LL, 1LL << 31, -(1LL << 31)}) {
    ByteWriter writer;
    writer.write_zigzag_long(number);
    EXPECT_EQ(writer.size(), varint_size(zigzag(number)));
    ByteReader reader{writer.bytes()};
    EXPECT_EQ(reader.read_zigzag_long(), number);
    EXPECT_TRUE(reader.ok());
  }
  ByteWriter writer;
  writer.write_zigzag_long(std::numeric_limits<std::int64_t>::min());
  writer.write_zigzag(std::numeric_limits<std::int32_t>::min());
  ByteReader reader{writer.bytes()};
  EXPECT_EQ(reader.read_zigzag_long(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(reader.read_zigzag(), std::numeric_limits<std::int32_t>::min());
}

TEST(Varint, RefusesNumbersThatAreTooLongOrTooLarge) {
  const std::vector<std::byte> endless(11, std::byte{0xff});
  EXPECT_EQ(get_varint(endless.data(), endless.data() + endless.size()).next, nullptr);
  ByteWriter writer;
  writer.write_varint(1ULL << 32);
  EXPECT_EQ(get_varint(writer.bytes().data(), writer.bytes().data() + writer.size(), 32).next, nullptr);
}

TEST(ByteReader, FailsForGoodPastTheEnd) {
  ByteWriter writer;
  writer.write<std::int16_t>(-2);
  writer.write_text("abc");
  ByteReader reader{writer.bytes()};
  EXPECT_EQ(reader.read<std::int16_t>(), -2);
  EXPECT_EQ(reader.read<std::int64_t>(), 0);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.read_bytes(1).size(), 0U);
}

TEST(BufferPool, UsesMemoryAgainAndKeepsOnlyItsShare) {
  BufferPool pool{16384};
  const auto* first = pool.take(5000).data();
  EXPECT_EQ(pool.kept_bytes(), 8192U);
  EXPECT_EQ(pool.take(8000).data(), first);
  {
    const auto large = pool.take(100000);
    EXPECT_EQ(pool.used_bytes(), large.capacity());
  }
  EXPECT_EQ(pool.used_bytes(), 0U);
  EXPECT_EQ(pool.kept_bytes(), 8192U);
}

TEST(BufferPool, BuffersOutliveIt) {
  SharedBuffer buffer;
  {
    BufferPool pool;
    buffer = pool.take(1);
  }
  buffer.data()[4095] = std::byte{1};
}

}  // namespace
}  // namespace millrace
