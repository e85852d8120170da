#include "record/compression.h"

#include <gtest/gtest.h>
#include <snappy.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "record/record_batch_builder.h"

namespace millrace {
namespace {

constexpr Compression kPacked[] = {Compression::kGzip, Compression::kSnappy, Compression::kLz4, Compression::kZstd};

std::string text(Bytes bytes) { return std::string{as_text(bytes)}; }

std::string some_lines(std::size_t size) {
  Random random{42};
  std::string lines;
  while (lines.size() < size) lines += "GET /path/" + std::to_string(random.below(1000)) + " HTTP/1.1\n";
  lines.resize(size);
  return lines;
}

class EveryCodec : public testing::TestWithParam<Compression> {
 protected:
  BufferPool pool;
};

TEST_P(EveryCodec, GivesBackWhatWasPacked) {
  for (const auto size : {1UL, 100UL, 32767UL, 32768UL, 32769UL, 1000000UL}) {
    const auto plain = some_lines(size);
    const auto packed = compress(GetParam(), as_bytes(plain), kDefaultLevel, 61, pool).value();
    EXPECT_EQ(packed.bytes.data() - packed.buffer.data(), 61);
    EXPECT_EQ(text(decompress(GetParam(), packed.bytes, size, pool).value().bytes), plain);
  }
}

TEST_P(EveryCodec, PacksTheRecordsOfABatch) {
  RecordBatchBuilder builder{pool, 1 << 20, {.compression = GetParam()}};
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(builder.try_append(kNoTimestamp, nullptr, "the same value"));
  const auto plain_size = builder.size();
  const auto built = builder.finish().value();
  EXPECT_LT(built.bytes.size(), plain_size / 2);
  const auto batch = RecordBatchView::parse(built.bytes).value();
  EXPECT_TRUE(batch.crc_matches());
  EXPECT_EQ(batch.compression(), GetParam());
  auto cursor = batch.records(pool).value();
  int count = 0;
  while (cursor.next()) count += cursor.record().value.text() == "the same value" ? 1 : 0;
  EXPECT_TRUE(cursor.status().has_value());
  EXPECT_EQ(count, 1000);
}

TEST_P(EveryCodec, NeverUnpacksMoreThanIsAllowed) {
  const std::string zeros(64 << 20, '\0');
  const auto bomb = compress(GetParam(), as_bytes(zeros), kDefaultLevel, 0, pool).value();
  BufferPool own{0};
  const auto result = decompress(GetParam(), bomb.bytes, 1 << 20, own);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kCorruptMessage);
  EXPECT_NE(result.error().message().find("allowed"), std::string::npos) << result.error().message();
}

TEST_P(EveryCodec, ACutOffOrDamagedStreamIsAnError) {
  const auto plain = some_lines(100000);
  const auto packed = compress(GetParam(), as_bytes(plain), kDefaultLevel, 0, pool).value();
  for (std::size_t size = 0; size < packed.bytes.size(); size += 97) {
    const auto result = decompress(GetParam(), packed.bytes.first(size), 1 << 20, pool);
    EXPECT_TRUE(!result || result->bytes.size() < plain.size()) << size;
  }
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    Random random{seed};
    std::vector<std::byte> damaged{packed.bytes.begin(), packed.bytes.end()};
    for (int i = 0; i < 3; ++i) damaged[random.below(damaged.size())] = static_cast<std::byte>(random());
    const auto result = decompress(GetParam(), damaged, 1 << 20, pool);
    EXPECT_LE(result ? result->bytes.size() : 0, 1U << 20);
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, EveryCodec, testing::ValuesIn(kPacked),
                         [](const auto& param) { return std::string{name_of(param.param)}; });

TEST(Compression, ReadsTheRawSnappyBlockOfLibrdkafka) {
  BufferPool pool;
  const auto plain = some_lines(50000);
  std::string packed;
  snappy::Compress(plain.data(), plain.size(), &packed);
  EXPECT_EQ(text(decompress(Compression::kSnappy, as_bytes(packed), plain.size(), pool).value().bytes), plain);
}

TEST(Compression, ALengthThatSnappyCannotReachIsNotBelieved) {
  BufferPool pool;
  const std::uint8_t claims_200_mb[] = {0x80, 0x90, 0xae, 0x5f, 0x00};
  EXPECT_FALSE(decompress(Compression::kSnappy, std::as_bytes(std::span{claims_200_mb}), 256 << 20, pool));
  EXPECT_EQ(pool.used_bytes() + pool.kept_bytes(), 0U);
}

TEST(Compression, HasTheWordsOfItsSetting) {
  EXPECT_EQ(compression_from("zstd"), Compression::kZstd);
  EXPECT_EQ(name_of(Compression::kLz4), "lz4");
  EXPECT_FALSE(compression_from("lzo"));
}

}  // namespace
}  // namespace millrace
