#include "file/file_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/logger.h"
#include "base/random.h"
#include "connectors_support.h"

namespace millrace::connect {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

/// Says what the test told it to, and never waits.
class ToldWatcher final : public FileWatcher {
 public:
  FileChanges next;

  void watch_file(const FileId&, int) override {}
  void forget_file(const FileId&) override {}
  void watch_folder(const std::string&) override {}
  void watch_stream(int) override {}
  void forget_stream(int) override {}
  FileChanges wait(Duration) override {
    auto changes = std::exchange(next, {});
    // Nothing to say: the poll under way ends, as at its deadline.
    if (!changes.everything && !changes.streams) changes.is_woken = true;
    return changes;
  }
  void wakeup() override {}
};

/// A file task over real files, whose watcher and clock the test drives.
class Capture {
 public:
  explicit Capture(Properties config, LineTransform transform = {}, StoredOffsets offsets = {})
      : offsets_(std::move(offsets)), task_(std::move(transform), [this](WatchMode, Duration) {
          auto watcher = std::make_unique<ToldWatcher>();
          watcher_ = watcher.get();
          return watcher;
        }) {
    config.emplace("topic", "lines");
    started = file_source_config().check(config);
    if (started) started = task_.start(config, context_);
  }

  /// Everything that can be read now, as after a change of everything.
  Texts read() {
    Texts texts;
    watcher_->next.everything = true;
    watcher_->next.streams = true;
    while (true) {
      auto poll = task_.poll(0s);
      if (!poll) {
        error = poll.error().message();
        return texts;
      }
      for (const auto& batch : poll->batches) take(batch, texts);
      is_done = poll->state == SourceState::kDone;
      if (is_done || poll->batches.empty()) return texts;
    }
  }

  /// Tells the task that these lines are in the topic.
  void skip(const Texts& lines) {
    std::vector<RecordView> records;
    for (const auto& line : lines) records.push_back({.value = line});
    EXPECT_TRUE(task_.skip_stored(records));
  }

  std::string state_of(std::string_view path) const {
    for (const auto& source : task_.status()) {
      if (source.name == path) return source.state;
    }
    return "unknown";
  }

  Result<void> started;
  std::string error;
  bool is_done = false;
  ManualClock clock;
  StoredOffsets stored;
  std::vector<std::string> headers;

 private:
  void take(const SourceBatch& batch, Texts& texts) {
    for (const auto& record : batch.records) {
      EXPECT_EQ(record.topic, "lines");
      EXPECT_EQ(record.timestamp, clock.wall());
      EXPECT_TRUE(record.key.is_null());
      texts.emplace_back(record.value.text());
      for (const auto& header : record.headers)
        headers.push_back(std::string{header.name} + "=" + std::string{header.value.text()});
    }
    if (batch.offset) {
      stored.insert_or_assign(*batch.partition, *batch.offset);
    } else {
      stored.erase(*batch.partition);
    }
  }

  NullLogger logger_;
  StoredOffsets offsets_;
  SourceContext context_{clock, logger_, offsets_};
  ToldWatcher* watcher_ = nullptr;
  FileTask task_;
};

void write_gzip(const std::string& path, std::string_view text, const char* mode = "wb") {
  auto* file = ::gzopen(path.c_str(), mode);
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(::gzwrite(file, text.data(), static_cast<unsigned>(text.size())), static_cast<int>(text.size()));
  ::gzclose(file);
}

TEST(FileTaskOnce, ReadsFilesOneAfterTheOtherAndIsDone) {
  TempFolder folder;
  write_file(folder / "a.log", "a1\na2\n");
  write_file(folder / "b.log", "b1\nb2");
  Capture capture{{{"file", folder / "*.log"}, {"mode", "once"}}};
  EXPECT_EQ(capture.read(), (Texts{"a1", "a2", "b1", "b2"}));
  EXPECT_TRUE(capture.is_done);
  EXPECT_EQ(capture.state_of(folder / "a.log"), "done");
}

TEST(FileTaskOnce, AddsNothingTheSecondTimeAndOnlyWhatIsNewTheThird) {
  TempFolder folder;
  const auto path = folder / "a.log";
  const Properties config{{"file", path}, {"mode", "once"}};
  write_file(path, "one\ntwo\n");
  Capture first{config};
  EXPECT_EQ(first.read(), (Texts{"one", "two"}));
  Capture second{config, {}, first.stored};
  EXPECT_EQ(second.read(), (Texts{}));
  EXPECT_TRUE(second.is_done);
  append_file(path, "three\n");
  Capture third{config, {}, first.stored};
  EXPECT_EQ(third.read(), (Texts{"three"}));
}

TEST(FileTaskOnce, ReadsTheSameFileOnceHoweverOftenItIsNamed) {
  TempFolder folder;
  write_file(folder / "a.log", "one\n");
  std::filesystem::create_hard_link(folder / "a.log", folder / "b.log");
  const std::vector files{folder / "a.log", folder / "a.log", folder / "*.log"};
  Capture capture{{{"file", join_file_list(files)}, {"mode", "once"}}};
  EXPECT_EQ(capture.read(), (Texts{"one"}));
}

TEST(FileTaskOnce, SaysWhatIsWrongWithAPath) {
  TempFolder folder;
  const auto message_for = [&](const std::string& path, const std::string& mode) {
    Capture capture{{{"file", path}, {"mode", mode}}};
    return capture.started ? "no error" : capture.started.error().message();
  };
  EXPECT_EQ(message_for(folder / "none.log", "once"), "cannot read " + folder / "none.log" + ": no such file");
  EXPECT_EQ(message_for(folder / "*.log", "once"), "no file matches " + folder / "*.log");
  EXPECT_EQ(message_for(folder.path(), "follow"), "cannot read " + folder.path() +
                                                      ": it is a directory. Name the files in it, for example \"" +
                                                      folder.path() + "/*.log\"");
  write_gzip(folder / "a.gz", "x\n");
  EXPECT_EQ(message_for(folder / "a.gz", "follow"),
            "cannot follow " + folder / "a.gz" + ": it is compressed. Read it once (mode=once), on its own");
  EXPECT_EQ(message_for(folder / "a.gz", "on"), "file source: \"mode\" is \"on\", but must be one of follow|once");
  if (::geteuid() != 0) {
    write_file(folder / "secret.log", "x\n");
    std::filesystem::permissions(folder / "secret.log", std::filesystem::perms::none);
    EXPECT_THAT(message_for(folder / "secret.log", "follow"), testing::HasSubstr("Permission denied"));
  }
}

TEST(FileTaskOnce, ReadsGzipOfSeveralMembersAndGoesOnInIt) {
  TempFolder folder;
  const auto path = folder / "old.gz";
  std::string text;
  Texts expected;
  for (int i = 0; i < 20000; ++i) {
    expected.push_back("line " + std::to_string(i * 7919));
    text += expected.back() + "\n";
  }
  write_gzip(path, std::string_view{text}.substr(0, 100'001));
  write_gzip(path, std::string_view{text}.substr(100'001), "ab");
  const Properties config{{"file", path}, {"mode", "once"}, {"block.bytes", "4096"}};
  Capture first{config};
  EXPECT_EQ(first.read(), expected);
  EXPECT_TRUE(first.is_done);

  Capture second{config, {}, first.stored};
  EXPECT_EQ(second.read(), (Texts{}));
  EXPECT_TRUE(second.is_done);

  for (auto& [partition, offset] : first.stored) {
    offset["position"] = static_cast<std::int64_t>(expected[0].size() + expected[1].size() + 2);
  }
  Capture third{config, {}, first.stored};
  EXPECT_EQ(third.read(), Texts(expected.begin() + 2, expected.end()));
}

TEST(FileTaskOnce, GivesTheLinesBeforeTheDamageOfAGzipFile) {
  TempFolder folder;
  const auto path = folder / "old.gz";
  write_gzip(path, "one\ntwo\n");
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 5);
  Capture capture{{{"file", path}, {"mode", "once"}}};
  EXPECT_EQ(capture.read(), (Texts{"one", "two"}));
  EXPECT_THAT(capture.error, testing::StartsWith(path + " is damaged at byte "));
  EXPECT_THAT(capture.error, testing::HasSubstr("it ends in the middle"));
}

TEST(FileTaskOnce, CutsALongLineAndMarksIt) {
  TempFolder folder;
  const auto path = folder / "a.log";
  write_file(path, "short\n" + std::string(10'000'000, 'x') + "\nafter\n");
  Capture capture{{{"file", path}, {"mode", "once"}, {"max.line.bytes", "1000"}}};
  EXPECT_EQ(capture.read(), (Texts{"short", std::string(1000, 'x'), "after"}));
  EXPECT_EQ(capture.headers, (Texts{"line.bytes=10000000"}));
}

TEST(FileTask, ReadsFilesThatAppearLater) {
  TempFolder folder;
  const std::vector files{folder / "sub/a.log", folder / "*.txt"};
  Capture capture{{{"file", join_file_list(files)}}};
  EXPECT_EQ(capture.read(), (Texts{}));
  EXPECT_FALSE(capture.is_done);
  EXPECT_EQ(capture.state_of(folder / "sub/a.log"), "waiting");
  std::filesystem::create_directory(folder / "sub");
  write_file(folder / "sub/a.log", "one\n");
  write_file(folder / "b.txt", "two\n");
  auto lines = capture.read();
  std::ranges::sort(lines);
  EXPECT_EQ(lines, (Texts{"one", "two"}));
  EXPECT_EQ(capture.state_of(folder / "b.txt"), "following");
}

TEST(FileTask, ReadsARenamedFileToItsEndAndThenItsSuccessor) {
  TempFolder folder;
  const auto path = folder / "a.log";
  write_file(path, "one\n");
  Capture capture{{{"file", path}}};
  EXPECT_EQ(capture.read(), (Texts{"one"}));
  append_file(path, "two\n");
  std::filesystem::rename(path, folder / "a.log.1");
  write_file(path, "four\n");
  append_file(folder / "a.log.1", "three\n");
  EXPECT_EQ(capture.read(), (Texts{"two", "three", "four"}));
  append_file(folder / "a.log.1", "late\n");
  append_file(path, "five\n");
  auto lines = capture.read();
  std::ranges::sort(lines);
  EXPECT_EQ(lines, (Texts{"five", "late"}));
}

TEST(FileTask, FinishesARenamedFileBeforeItsSuccessorHoweverLongItIs) {
  TempFolder folder;
  const auto path = folder / "a.log";
  write_file(path, "0\n");
  Capture capture{{{"file", path}, {"block.bytes", "4096"}}};
  EXPECT_EQ(capture.read(), (Texts{"0"}));
  Texts expected;
  std::string old_lines, new_lines;
  for (int i = 0; i < 3000; ++i) old_lines += "old " + std::to_string(i) + "\n";
  for (int i = 0; i < 3000; ++i) new_lines += "new " + std::to_string(i) + "\n";
  append_file(path, old_lines);
  std::filesystem::rename(path, folder / "a.log.1");
  write_file(path, new_lines);
  std::string given;
  for (const auto& line : capture.read()) given += line + "\n";
  EXPECT_EQ(given, old_lines + new_lines);
}

TEST(FileTask, ReadsOnInARenamedFileAfterARestart) {
  TempFolder folder;
  const auto path = folder / "a.log";
  write_file(path, "one\n");
  Capture first{{{"file", path}}};
  EXPECT_EQ(first.read(), (Texts{"one"}));
  append_file(path, "two\n");
  std::filesystem::rename(path, folder / "a.log.1");
  append_file(folder / "a.log.1", "three\n");
  write_file(path, "four\n");
  Capture second{{{"file", path}}, {}, first.stored};
  EXPECT_EQ(second.read(), (Texts{"two", "three", "four"}));
}

TEST(FileTask, ReadsATruncatedFileFromItsStart) {
  TempFolder folder;
  const auto path = folder / "a.log";
  write_file(path, "one\ntwo\n");
  Capture capture{{{"file", path}}};
  EXPECT_EQ(capture.read(), (Texts{"one", "two"}));
  std::filesystem::copy_file(path, folder / "a.log.1");
  std::filesystem::resize_file(path, 0);
  EXPECT_EQ(capture.read(), (Texts{}));
  append_file(path, "three\n");
  EXPECT_EQ(capture.read(), (Texts{"three"}));
}

TEST(FileTask, StoresTheNewPositionOfATruncatedFile) {
  TempFolder folder;
  const auto path = folder / "a.log";
  write_file(path, "one\ntwo\n");
  Capture first{{{"file", path}}};
  (void)first.read();
  std::filesystem::resize_file(path, 0);
  (void)first.read();
  write_file(path, "one\ntwo\nthree\n");
  Capture second{{{"file", path}}, {}, first.stored};
  EXPECT_EQ(second.read(), (Texts{"one", "two", "three"}));
}

TEST(FileTask, FollowsAFileUnderItsNewNameWhenAGlobMatchesIt) {
  TempFolder folder;
  write_file(folder / "a.log", "one\n");
  Capture capture{{{"file", folder / "a.log*"}}};
  EXPECT_EQ(capture.read(), (Texts{"one"}));
  std::filesystem::rename(folder / "a.log", folder / "a.log.1");
  write_file(folder / "a.log", "two\n");
  EXPECT_EQ(capture.read(), (Texts{"two"}));
  EXPECT_EQ(capture.state_of(folder / "a.log.1"), "following");
  write_gzip(folder / "a.log.2.gz", "one\n");
  EXPECT_EQ(capture.read(), (Texts{}));
}

TEST(FileTask, ForgetsADeletedFileOnceItHasBeenQuiet) {
  TempFolder folder;
  const auto path = folder / "a.log";
  write_file(path, "one\ntw");
  Capture capture{{{"file", path}, {"rotate.wait.ms", "1000"}}};
  EXPECT_EQ(capture.read(), (Texts{"one"}));
  EXPECT_EQ(capture.stored.size(), 1u);
  std::filesystem::remove(path);
  EXPECT_EQ(capture.read(), (Texts{}));
  EXPECT_EQ(capture.state_of(path), "rotated");
  capture.clock.advance(1s);
  EXPECT_EQ(capture.read(), (Texts{"tw"}));
  EXPECT_EQ(capture.stored.size(), 0u);
  EXPECT_EQ(capture.state_of(path), "waiting");
}

TEST(FileTask, ReadsAFileOnThatWasLetGoAndCameBack) {
  TempFolder folder;
  const auto path = folder / "a.log";
  write_file(path, "one\n");
  Capture capture{{{"file", path}, {"rotate.wait.ms", "1000"}}};
  EXPECT_EQ(capture.read(), (Texts{"one"}));
  std::filesystem::rename(path, folder / "b.log");
  (void)capture.read();
  capture.clock.advance(1s);
  EXPECT_EQ(capture.read(), (Texts{}));
  EXPECT_EQ(capture.state_of(path), "waiting");
  append_file(folder / "b.log", "two\n");
  std::filesystem::rename(folder / "b.log", path);
  EXPECT_EQ(capture.read(), (Texts{"two"}));
}

TEST(FileTask, ChangesEachLineBeforeItIsStored) {
  TempFolder folder;
  write_file(folder / "a.log", "one\ntwo\nthree\n");
  const auto transform = [](std::string_view line, LineScratch& scratch) -> std::string_view {
    if (line == "two") return line;
    const auto text = scratch.take(line.size() + 1);
    std::ranges::copy(line, text.begin());
    text.back() = '!';
    return {text.data(), text.size()};
  };
  Capture capture{{{"file", folder / "a.log"}, {"mode", "once"}}, transform};
  EXPECT_EQ(capture.read(), (Texts{"one!", "two", "three!"}));
}

TEST(FileTaskSkip, GivesNoLineThatIsStoredBehindItsPosition) {
  for (const std::string mode : {"once", "follow"}) {
    TempFolder folder;
    const auto path = folder / "a.log";
    const Properties config{{"file", path}, {"mode", mode}};
    write_file(path, "zero\n");
    Capture first{config};
    EXPECT_EQ(first.read(), (Texts{"zero"}));
    append_file(path, "one\r\ntwo\n\nthree\nfo");
    for (const auto& stored : {Texts{}, Texts{"one"}, Texts{"one", "two"}, Texts{"one", "two", "", "three"}}) {
      Capture second{config, {}, first.stored};
      second.skip(stored);
      Texts expected{"one", "two", "", "three"};
      expected.erase(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(stored.size()));
      if (mode == "once") expected.push_back("fo");
      EXPECT_EQ(second.read(), expected);
    }
  }
}

TEST(FileTaskSkip, StoresThePositionBehindTheSkippedLines) {
  TempFolder folder;
  const auto path = folder / "a.log";
  write_file(path, "one\ntwo\nthr");
  Capture first{{{"file", path}, {"mode", "once"}}};
  first.skip({"one", "two", "thr"});
  EXPECT_EQ(first.read(), (Texts{}));
  append_file(path, "\nfour\n");
  Capture second{{{"file", path}, {"mode", "once"}}, {}, first.stored};
  EXPECT_EQ(second.read(), (Texts{"four"}));
}

TEST(FileTaskSkip, TellsTheFilesApartHoweverTheirLinesAreMixed) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    Random random{seed};
    TempFolder folder;
    std::vector<Texts> files(3);
    Texts topic;
    Texts all;
    for (std::size_t i = 0; i < files.size(); ++i) {
      std::string text;
      for (std::uint64_t line = 0; line < 200; ++line) {
        // Many lines are equal, within a file and between files.
        files[i].push_back("line " + std::to_string(random.below(20) * (1 + i % 2)));
        text += files[i].back() + "\n";
        all.push_back(files[i].back());
      }
      write_file(folder / std::to_string(i), text);
    }
    std::vector<std::size_t> next(files.size());
    for (auto count = random.below(600); count > 0; --count) {
      const auto file = random.below(files.size());
      if (next[file] < files[file].size()) topic.push_back(files[file][next[file]++]);
      if (random.one_in(10)) topic.push_back("somebody else's");
    }
    Capture capture{{{"file", folder / "*"}, {"mode", "once"}}};
    capture.skip(topic);
    std::erase(topic, "somebody else's");
    for (auto& line : capture.read()) topic.push_back(std::move(line));
    // Equal lines of different files can be taken for one another, which may repeat some; none is ever lost.
    std::ranges::sort(topic);
    std::ranges::sort(all);
    EXPECT_TRUE(std::ranges::includes(topic, all));
  }
}

TEST(FileTaskSkip, ComparesLinesAsTheyAreStored) {
  TempFolder folder;
  write_file(folder / "a.log", "one\n" + std::string(200, 'x') + "\nthree\n");
  const auto transform = [](std::string_view line, LineScratch&) { return line.substr(1); };
  Capture capture{{{"file", folder / "a.log"}, {"mode", "once"}, {"max.line.bytes", "64"}}, transform};
  capture.skip({"ne", std::string(63, 'x')});
  EXPECT_EQ(capture.read(), (Texts{"hree"}));
}

TEST(FileTask, RefusesANamedPipe) {
  TempFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  Capture capture{{{"file", folder / "pipe"}}};
  ASSERT_FALSE(capture.started);
  EXPECT_EQ(capture.started.error().message(),
            "cannot read " + folder / "pipe" + ": it is a pipe. Give it as standard input: - < " + folder / "pipe");
}

/// Standard input is another descriptor as long as this lives.
class StandardInput {
 public:
  explicit StandardInput(int descriptor) : kept_(::dup(STDIN_FILENO)) { ::dup2(descriptor, STDIN_FILENO); }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;
  ~StandardInput() {
    if (kept_ < 0) {
      ::close(STDIN_FILENO);
    } else {
      ::dup2(kept_, STDIN_FILENO);
      ::close(kept_);
    }
  }

 private:
  int kept_;
};

TEST(FileTaskOnce, ASilentStandardInputStallsNobody) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  TempFolder folder;
  write_file(folder / "a.log", "one\ntwo\n");
  {
    const StandardInput input{ends[0]};
    Capture capture{{{"file", "-," + folder / "a.log"}, {"mode", "once"}}};
    ASSERT_TRUE(capture.started) << capture.started.error().message();
    EXPECT_EQ(capture.read(), (Texts{"one", "two"}));
    EXPECT_EQ(capture.read(), (Texts{})) << "told that a stream is ready that is not";
    EXPECT_FALSE(capture.is_done);
    ASSERT_EQ(::write(ends[1], "three\n", 6), 6);
    ::close(ends[1]);
    EXPECT_EQ(capture.read(), (Texts{"three"}));
    EXPECT_EQ(capture.read(), (Texts{}));
    EXPECT_TRUE(capture.is_done);
  }
  ::close(ends[0]);
}

TEST(FileTask, ReadsADescriptorToItsEnd) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "one\ntw", 6), 6);
  Capture capture{{{"file", "/dev/fd/" + std::to_string(ends[0])}, {"mode", "once"}}};
  ASSERT_TRUE(capture.started) << capture.started.error().message();
  EXPECT_EQ(capture.read(), (Texts{"one"}));
  EXPECT_FALSE(capture.is_done);
  ASSERT_EQ(::write(ends[1], "o\nthree", 7), 7);
  ::close(ends[1]);
  auto lines = capture.read();
  for (auto& line : capture.read()) lines.push_back(std::move(line));
  EXPECT_EQ(lines, (Texts{"two", "three"}));
  EXPECT_TRUE(capture.is_done);
  ::close(ends[0]);
}

}  // namespace
}  // namespace millrace::connect
