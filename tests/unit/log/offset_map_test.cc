#include "log/offset_map.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/random.h"

namespace millrace {
namespace {

// The vectors of SipHash's authors: key 00..0f, input 00..(n-1).
TEST(KeyHashTest, GivesTheAuthorsVectors) {
  const HashSecret secret{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  std::vector<std::byte> input;
  // a3817f04ba25a8e6 6df67214c7550293
  EXPECT_EQ(hash_key(input, secret), (KeyHash{0xe6a825ba047f81a3ULL, 0x930255c71472f66dULL}));
  input.push_back(std::byte{0});
  // da87c1d86b99af44 347659119b22fc45
  EXPECT_EQ(hash_key(input, secret), (KeyHash{0x44af996bd8c187daULL, 0x45fc229b11597634ULL}));
}

TEST(OffsetMapTest, KnowsTheNewestOffsetOfEachKeyAsAMapDoes) {
  Random random{5};
  OffsetMap offsets{3000, 1 << 20, 0.9, {1, 2}};
  std::map<std::string, Offset> expected;
  for (int i = 0; i < 9000; ++i) {
    const auto key = std::to_string(random.below(2500));
    offsets.put(as_bytes(key), Offset{i});
    expected[key] = Offset{i};
  }
  EXPECT_EQ(offsets.size(), expected.size());
  for (const auto& [key, offset] : expected) EXPECT_EQ(offsets.find(as_bytes(key)), offset);
  EXPECT_EQ(offsets.find(as_bytes("never put")), kNoOffset);
}

TEST(OffsetMapTest, TakesNoMoreMemoryThanItMayAndSaysWhenItIsFull) {
  OffsetMap offsets{1'000'000, 2400, 0.5, {1, 2}};
  EXPECT_LE(offsets.memory_bytes(), 2400U);
  int put = 0;
  for (; !offsets.full(); ++put) offsets.put(as_bytes(std::to_string(put)), Offset{put});
  EXPECT_EQ(put, 50);
  // And for few keys takes little.
  EXPECT_LT((OffsetMap{10, 1 << 27, 0.9, {1, 2}}.memory_bytes()), 1000U);
  EXPECT_FALSE((OffsetMap{1, 0, 0.9, {1, 2}}.full()));
}

}  // namespace
}  // namespace millrace
