#include "file/line_splitter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"

namespace millrace::connect {
namespace {

std::vector<std::string> texts(std::span<const Line> lines) {
  std::vector<std::string> texts;
  for (const auto& line : lines) texts.emplace_back(line.text);
  return texts;
}

using Texts = std::vector<std::string>;

TEST(LineSplitter, GivesTheLinesOfABlockAndKeepsTheRest) {
  LineSplitter splitter{100};
  EXPECT_EQ(texts(splitter.split("one\ntwo\n\nfo")), (Texts{"one", "two", ""}));
  EXPECT_EQ(splitter.pending_bytes(), 2u);
  EXPECT_EQ(texts(splitter.split("ur\nfive")), (Texts{"four"}));
  EXPECT_EQ(texts(splitter.split_last("")), (Texts{"five"}));
  EXPECT_EQ(splitter.pending_bytes(), 0u);
}

TEST(LineSplitter, DropsTheReturnBeforeANewlineAndNoOther) {
  LineSplitter splitter{100};
  EXPECT_EQ(texts(splitter.split("a\r\nb\rc\n\r\nd\r")), (Texts{"a", "b\rc", ""}));
  EXPECT_EQ(texts(splitter.split("\ne\r\r\n")), (Texts{"d", "e\r"}));
}

TEST(LineSplitter, GivesTwoKeptLinesInOneCall) {
  LineSplitter splitter{100};
  (void)splitter.split("ab");
  EXPECT_EQ(texts(splitter.split_last("cd\nef")), (Texts{"abcd", "ef"}));
}

TEST(LineSplitter, PassesBytesThatAreNoText) {
  LineSplitter splitter{100};
  const std::string junk{"\0\xff\x80\x01", 4};
  EXPECT_EQ(texts(splitter.split(junk + "\n")), (Texts{junk}));
}

TEST(LineSplitter, CutsALineThatIsTooLongAndCountsItOnceWithItsLength) {
  constexpr std::size_t kLimit = 1000;
  LineSplitter splitter{kLimit};
  const std::string part(64, 'x');
  for (int i = 0; i < 10000; ++i) EXPECT_TRUE(splitter.split(part).empty());
  const auto lines = splitter.split("\nnext\n");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].text, std::string(kLimit, 'x'));
  EXPECT_EQ(lines[0].full_size, 640000u);
  EXPECT_TRUE(lines[0].is_cut());
  EXPECT_EQ(lines[1].text, "next");
  EXPECT_FALSE(lines[1].is_cut());
}

TEST(LineSplitter, DoesNotCutALineThatJustFits) {
  for (const std::string end : {"\n", "\r\n"}) {
    LineSplitter splitter{4};
    (void)splitter.split("ab");
    const auto rest = "cd" + end;
    const auto kept = splitter.split(rest);
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_EQ(kept[0].text, "abcd");
    EXPECT_FALSE(kept[0].is_cut());
    const auto both = "abcd" + end + "abcde" + end;
    const auto whole = splitter.split(both);
    ASSERT_EQ(whole.size(), 2u);
    EXPECT_FALSE(whole[0].is_cut());
    EXPECT_EQ(whole[1].text, "abcd");
    EXPECT_EQ(whole[1].full_size, 5u);
  }
}

TEST(LineSplitter, GivesTheSameLinesHoweverTheBytesAreDivided) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Random random{seed};
    std::string bytes;
    for (int i = 0; i < 2000; ++i) bytes += "\n\rabc"[random.below(5)];

    LineSplitter whole{7};
    const auto expected = whole.split_last(bytes);

    LineSplitter parts{7};
    std::vector<std::pair<std::string, std::uint64_t>> given;
    const auto take = [&](std::span<const Line> lines) {
      for (const auto& line : lines) given.emplace_back(line.text, line.full_size);
    };
    std::string_view rest = bytes;
    while (!rest.empty()) {
      const auto size = std::min<std::size_t>(rest.size(), random.below(40));
      // A copy of just these bytes, so that a view into an earlier block would be seen.
      const std::string block{rest.substr(0, size)};
      take(parts.split(block));
      rest.remove_prefix(size);
    }
    take(parts.split_last({}));

    ASSERT_EQ(given.size(), expected.size());
    for (std::size_t i = 0; i < given.size(); ++i) {
      EXPECT_EQ(given[i].first, expected[i].text);
      EXPECT_EQ(given[i].second, expected[i].full_size);
    }
  }
}

}  // namespace
}  // namespace millrace::connect
