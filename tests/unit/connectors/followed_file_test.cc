#include "file/followed_file.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace millrace::connect {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

/// A file as a string, read through the state machine as an adapter would.
class FileOnPaper {
 public:
  std::string content;
  bool is_linked = true;
  TimePoint now{};

  FileLook look() const {
    return {content.size(), is_linked, std::string_view{content}.substr(0, Fingerprint::kMaxBytes)};
  }

  std::string block_at(const FollowedFile& file, std::size_t block_bytes = 64) const {
    if (file.read_position() >= content.size()) return {};
    return content.substr(file.read_position(), file.read_size(block_bytes));
  }

  /// Reads to the end; gives the lines.
  Texts read(FollowedFile& file) const {
    Texts texts;
    do {
      const auto block = block_at(file);
      for (const auto& line : file.on_block(block, look(), now)) texts.emplace_back(line.text);
    } while (file.has_more());
    for (const auto& line : file.on_timer(now)) texts.emplace_back(line.text);
    return texts;
  }
};

FollowedFile follow(const FileOnPaper& paper, const std::optional<FilePosition>& stored = {}) {
  return {{.mode = FileMode::kFollow, .rotate_wait = 30s}, paper.look(), stored, paper.now};
}

FollowedFile read_once(const FileOnPaper& paper, const std::optional<FilePosition>& stored = {}) {
  return {{.mode = FileMode::kOnce}, paper.look(), stored, paper.now};
}

TEST(FollowedFile, WaitsForTheNewlineOfTheLastLine) {
  FileOnPaper paper{.content = "one\ntw"};
  auto file = follow(paper);
  EXPECT_EQ(paper.read(file), (Texts{"one"}));
  EXPECT_EQ(file.position().position, 4u);
  paper.content += "o\n";
  EXPECT_EQ(paper.read(file), (Texts{"two"}));
  EXPECT_EQ(file.position().position, 8u);
  EXPECT_EQ(file.position().lines, 2u);
}

TEST(FollowedFile, GoesOnWhereAnEarlierRunStopped) {
  FileOnPaper paper{.content = "one\ntwo\n"};
  auto first = follow(paper);
  (void)paper.read(first);
  paper.content += "three\n";
  auto second = follow(paper, first.position());
  EXPECT_EQ(paper.read(second), (Texts{"three"}));
}

TEST(FollowedFile, ReadsADifferentFileWithTheSameIdFromItsStart) {
  FileOnPaper paper{.content = "one\ntwo\n"};
  auto first = follow(paper);
  (void)paper.read(first);
  paper.content = "another file that got the inode of the first\n";
  auto second = follow(paper, first.position());
  EXPECT_EQ(paper.read(second), (Texts{"another file that got the inode of the first"}));
}

TEST(FollowedFile, StaysTheSameFileWhileItsHeadGrows) {
  FileOnPaper paper{.content = "a\n"};
  auto file = follow(paper);
  Texts expected;
  for (int i = 0; i < 600; ++i) {
    const auto line = "line " + std::to_string(i);
    paper.content += line + "\n";
    expected.push_back(line);
  }
  auto lines = paper.read(file);
  lines.erase(lines.begin());
  EXPECT_EQ(lines, expected);
  EXPECT_EQ(file.restarts(), 0u);
  EXPECT_TRUE(file.position().fingerprint.is_full());
}

TEST(FollowedFile, StartsOverWhenItWasTruncated) {
  FileOnPaper paper{.content = "one\ntwo\n"};
  auto file = follow(paper);
  (void)paper.read(file);
  paper.content = "new\n";
  EXPECT_EQ(paper.read(file), (Texts{"new"}));
  EXPECT_EQ(file.restarts(), 1u);
  EXPECT_EQ(file.position().position, 4u);
}

TEST(FollowedFile, StartsOverWhenItWasTruncatedAndHasGrownPastItsPosition) {
  FileOnPaper paper{.content = "one\ntwo\n"};
  auto file = follow(paper);
  (void)paper.read(file);
  paper.content = "new one\nnew two\nnew three\n";
  EXPECT_EQ(paper.read(file), (Texts{"new one", "new two", "new three"}));
}

TEST(FollowedFile, KeepsABlockThatWasReadBeforeTheTruncation) {
  FileOnPaper paper{.content = "one\ntwo\nthr"};
  auto file = follow(paper);
  const auto block = paper.block_at(file);
  paper.content = "new\n";
  Texts lines;
  for (const auto& line : file.on_block(block, paper.look(), paper.now)) lines.emplace_back(line.text);
  // What was read of the line that was cut off is given too: nothing vanishes in silence.
  EXPECT_EQ(lines, (Texts{"one", "two", "thr"}));
  EXPECT_EQ(paper.read(file), (Texts{"new"}));
}

TEST(FollowedFile, DropsABlockThatMayBeOfAnotherContent) {
  FileOnPaper paper{.content = "one\ntwo\n"};
  auto file = follow(paper);
  (void)paper.read(file);
  paper.content = "uno\ndos\ntres\n";
  const auto block = paper.block_at(file);
  EXPECT_EQ(block, "tres\n");
  EXPECT_TRUE(file.on_block(block, paper.look(), paper.now).empty());
  EXPECT_EQ(paper.read(file), (Texts{"uno", "dos", "tres"}));
}

TEST(FollowedFile, ReadsALineThatIsWrittenAfterTheRename) {
  FileOnPaper paper{.content = "one\n"};
  auto file = follow(paper);
  (void)paper.read(file);
  file.on_path(PathTarget::kElsewhere, paper.now);
  paper.now += 29s;
  paper.content += "two\n";
  EXPECT_EQ(paper.read(file), (Texts{"two"}));
  paper.now += 29s;
  EXPECT_EQ(paper.read(file), (Texts{}));
  EXPECT_FALSE(file.is_finished());
  paper.now += 1s;
  EXPECT_EQ(paper.read(file), (Texts{}));
  EXPECT_TRUE(file.is_finished());
}

TEST(FollowedFile, GivesTheUnterminatedLastLineOfARenamedFileOnceItIsQuiet) {
  FileOnPaper paper{.content = "one\ntwo"};
  auto file = follow(paper);
  (void)paper.read(file);
  paper.now += 1h;
  EXPECT_EQ(paper.read(file), (Texts{}));
  file.on_path(PathTarget::kElsewhere, paper.now);
  EXPECT_EQ(file.next_timer(), paper.now + 30s);
  paper.now += 30s;
  EXPECT_EQ(paper.read(file), (Texts{"two"}));
  EXPECT_TRUE(file.position().is_unterminated);
}

TEST(FollowedFile, IsNotRotatedAnyMoreWhenItsNameComesBack) {
  FileOnPaper paper{.content = "one\n"};
  auto file = follow(paper);
  (void)paper.read(file);
  file.on_path(PathTarget::kElsewhere, paper.now);
  file.on_path(PathTarget::kThisFile, paper.now);
  EXPECT_EQ(file.next_timer(), std::nullopt);
}

TEST(FollowedFile, ReadsADeletedFileToItsEndAndThenLetsGo) {
  FileOnPaper paper{.content = "one\n"};
  auto file = follow(paper);
  (void)paper.read(file);
  paper.is_linked = false;
  paper.content += "two\n";
  EXPECT_EQ(paper.read(file), (Texts{"two"}));
  paper.now += 30s;
  EXPECT_EQ(paper.read(file), (Texts{}));
  EXPECT_TRUE(file.is_finished());
  EXPECT_FALSE(file.is_linked());
}

TEST(FollowedFileOnce, ReadsToWhereTheFileEndedAndGivesTheUnterminatedLine) {
  FileOnPaper paper{.content = "one\ntwo"};
  auto file = read_once(paper);
  paper.content += " and more\nthree\n";
  EXPECT_EQ(paper.read(file), (Texts{"one", "two"}));
  EXPECT_TRUE(file.is_finished());
}

TEST(FollowedFileOnce, IsFinishedAtOnceWhenThereIsNothingNew) {
  FileOnPaper paper{.content = "one\ntwo"};
  auto first = read_once(paper);
  (void)paper.read(first);
  EXPECT_TRUE(read_once(paper, first.position()).is_finished());
  EXPECT_TRUE(read_once({}).is_finished());
}

TEST(FollowedFileOnce, TakesANewlineThatCameLateAsTheEndOfTheLineBefore) {
  for (const std::string end : {"\n", "\r\n"}) {
    FileOnPaper paper{.content = "one\ntwo"};
    auto first = read_once(paper);
    (void)paper.read(first);
    paper.content += end + "three\n\n";
    auto second = read_once(paper, first.position());
    EXPECT_EQ(paper.read(second), (Texts{"three", ""}));
    EXPECT_EQ(second.position().position, paper.content.size());
  }
}

TEST(FollowedFileOnce, EndsWhenTheFileSystemHasLessThanItSaid) {
  FileOnPaper paper{.content = "one\n"};
  auto file = read_once(paper);
  auto look = paper.look();
  look.size = 100;
  FollowedFile promised{{.mode = FileMode::kOnce}, look, {}, paper.now};
  Texts lines;
  for (const auto& line : promised.on_block("one\n", look, paper.now)) lines.emplace_back(line.text);
  EXPECT_FALSE(promised.is_finished());
  EXPECT_TRUE(promised.on_block("", look, paper.now).empty());
  EXPECT_TRUE(promised.is_finished());
  EXPECT_EQ(lines, (Texts{"one"}));
}

}  // namespace
}  // namespace millrace::connect
