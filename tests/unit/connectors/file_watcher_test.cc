#include "file/file_watcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "connectors_support.h"
#include "file/open_file.h"
#include "support/patience.h"

namespace millrace::connect {
namespace {

using namespace std::chrono_literals;

/// Long enough for any machine: a test that needs it has failed.
/// Waits for changes until they satisfy the condition.
bool await(FileWatcher& watcher, auto condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition(watcher.wait(kPatience))) return true;
  }
  return false;
}

TEST(FileWatcher, SeesAFileThatWasWrittenTo) {
  TempFolder folder;
  write_file(folder / "a.log", "one\n");
  auto file = OpenFile::open(folder / "a.log").value();
  const auto watcher = make_file_watcher(WatchMode::kInotify, 1h);
  watcher->watch_file(file.id(), file.descriptor());
  append_file(folder / "a.log", "two\n");
  EXPECT_EQ(watcher->wait(kPatience).files, std::vector{file.id()});
}

TEST(FileWatcher, SeesAFileThatWasWrittenToUnderAnotherName) {
  TempFolder folder;
  write_file(folder / "a.log", "one\n");
  auto file = OpenFile::open(folder / "a.log").value();
  std::filesystem::rename(folder / "a.log", folder / "a.log.1");
  write_file(folder / "a.log", "");
  const auto watcher = make_file_watcher(WatchMode::kInotify, 1h);
  watcher->watch_file(file.id(), file.descriptor());
  append_file(folder / "a.log", "not this one\n");
  append_file(folder / "a.log.1", "two\n");
  EXPECT_EQ(watcher->wait(kPatience).files, std::vector{file.id()});
}

TEST(FileWatcher, SeesNamesThatComeAndGo) {
  TempFolder folder;
  const auto watcher = make_file_watcher(WatchMode::kInotify, 1h);
  watcher->watch_folder(folder.path());
  const auto folders_changed = [](const FileChanges& changes) { return changes.folders; };
  write_file(folder / "a.log", "");
  EXPECT_TRUE(await(*watcher, folders_changed));
  std::filesystem::rename(folder / "a.log", folder / "b.log");
  EXPECT_TRUE(await(*watcher, folders_changed));
  std::filesystem::remove(folder / "b.log");
  EXPECT_TRUE(await(*watcher, folders_changed));
}

TEST(FileWatcher, SaysNothingOfAFileItWasToldToForget) {
  TempFolder folder;
  write_file(folder / "a.log", "one\n");
  auto file = OpenFile::open(folder / "a.log").value();
  const auto watcher = make_file_watcher(WatchMode::kInotify, 1h);
  watcher->watch_file(file.id(), file.descriptor());
  watcher->forget_file(file.id());
  append_file(folder / "a.log", "two\n");
  const auto changes = watcher->wait(0s);
  EXPECT_TRUE(changes.files.empty());
  EXPECT_FALSE(changes.folders);
}

TEST(FileWatcher, LooksAtEverythingNowAndThenWhenItPolls) {
  const auto watcher = make_file_watcher(WatchMode::kPoll, 1ms);
  EXPECT_TRUE(await(*watcher, [](const FileChanges& changes) { return changes.everything; }));
}

TEST(FileWatcher, EndsAWaitWhenItIsWokenFromAnotherThread) {
  const auto watcher = make_file_watcher(WatchMode::kAuto, 1h);
  std::jthread other{[&] { watcher->wakeup(); }};
  EXPECT_TRUE(await(*watcher, [](const FileChanges& changes) { return changes.is_woken; }));
  // A wake-up that came before the wait counts as well, but once.
  watcher->wakeup();
  EXPECT_TRUE(watcher->wait(kPatience).is_woken);
  EXPECT_FALSE(watcher->wait(0s).is_woken);
}

TEST(FileWatcher, SeesBytesInAStream) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const auto watcher = make_file_watcher(WatchMode::kAuto, 1h);
  watcher->watch_stream(ends[0]);
  EXPECT_FALSE(watcher->wait(0s).streams);
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  EXPECT_TRUE(watcher->wait(kPatience).streams);
  watcher->forget_stream(ends[0]);
  EXPECT_FALSE(watcher->wait(0s).streams);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace millrace::connect
