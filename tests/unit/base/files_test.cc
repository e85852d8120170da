#include "base/files.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/simulated_files.h"

namespace millrace {
namespace {

/// What every file system does.
class EveryFileSystem : public testing::TestWithParam<bool> {
 protected:
  EveryFileSystem() {
    if (GetParam()) {
      files = std::make_unique<SimulatedFileSystem>(1);
    } else {
      files = std::make_unique<PosixFileSystem>();
    }
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    root = testing::TempDir() + "millrace_files_" + test.substr(0, test.find('/'));
    EXPECT_TRUE(remove_tree(*files, root));
    EXPECT_TRUE(files->make_directories(root + "/a/b"));
  }
  ~EveryFileSystem() override { EXPECT_TRUE(remove_tree(*files, root)); }

  std::unique_ptr<FileSystem> files;
  Path root;
};

TEST_P(EveryFileSystem, ReadsWhatWasWritten) {
  auto file = files->open(root + "/f", OpenMode::kCreate).value();
  ASSERT_TRUE(file->write(3, as_bytes("abc")));
  std::byte read[10];
  EXPECT_EQ(file->read(2, read).value(), 4U);
  EXPECT_EQ(as_text({read, 4}), std::string_view("\0abc", 4));
  EXPECT_EQ(file->read(6, read).value(), 0U);
  ASSERT_TRUE(file->truncate(4));
  EXPECT_EQ(file->size().value(), 4U);
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(read_file(*files, root + "/f").value(), std::string_view("\0\0\0a", 4));
}

TEST_P(EveryFileSystem, SaysWhichFileIsMissingOrInTheWay) {
  const auto missing = files->open(root + "/none", OpenMode::kRead);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message().find(root + "/none"), std::string::npos);
  EXPECT_FALSE(exists(*files, root + "/none").value());
  ASSERT_TRUE(files->open(root + "/f", OpenMode::kCreateNew));
  EXPECT_FALSE(files->open(root + "/f", OpenMode::kCreateNew));
  EXPECT_FALSE(files->make_directories(root + "/f/below"));
  EXPECT_FALSE(files->remove(root + "/a"));
}

TEST_P(EveryFileSystem, ListsNamesInOrder) {
  ASSERT_TRUE(files->open(root + "/z", OpenMode::kCreate));
  const auto entries = files->list(root).value();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_TRUE(entries[0].is_directory);
  EXPECT_EQ(entries[1].name, "z");
  EXPECT_FALSE(entries[1].is_directory);
}

TEST_P(EveryFileSystem, ReplacesAFileInOneStep) {
  ASSERT_TRUE(replace_file(*files, root + "/f", as_bytes("one")));
  ASSERT_TRUE(replace_file(*files, root + "/f", as_bytes("two")));
  EXPECT_EQ(read_file(*files, root + "/f").value(), "two");
  EXPECT_EQ(files->list(root).value().size(), 2U);
}

TEST_P(EveryFileSystem, RenamesAFolderWithAllBelowIt) {
  ASSERT_TRUE(files->open(root + "/a/b/f", OpenMode::kCreate));
  ASSERT_TRUE(files->rename(root + "/a", root + "/c"));
  EXPECT_TRUE(exists(*files, root + "/c/b/f").value());
  EXPECT_FALSE(exists(*files, root + "/a").value());
}

TEST_P(EveryFileSystem, OneHolderOfALockAtATime) {
  auto held = files->lock(root + "/.lock").value();
  EXPECT_EQ(files->lock(root + "/.lock").error().code(), ErrorCode::kInUse);
  held.reset();
  EXPECT_TRUE(files->lock(root + "/.lock"));
}

TEST_P(EveryFileSystem, TellsTheSpaceOfItsDisk) {
  const auto space = files->space(root).value();
  EXPECT_GT(space.total, 0U);
  EXPECT_LE(space.usable, space.total);
}

INSTANTIATE_TEST_SUITE_P(FileSystems, EveryFileSystem, testing::Bool(),
                         [](const auto& param) { return param.param ? "simulated" : "posix"; });

TEST(SimulatedFileSystem, KeepsWhatWasSyncedAndNothingElseForSure) {
  bool lost = false;
  bool torn = false;
  bool name_lost = false;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SimulatedFileSystem disk{seed};
    ASSERT_TRUE(disk.make_directories("/d"));
    const std::string synced(1000, 's');
    const std::string unsynced(2000, 'u');
    auto file = disk.open("/d/f", OpenMode::kCreate).value();
    ASSERT_TRUE(file->write(0, as_bytes(synced)));
    ASSERT_TRUE(file->sync());
    ASSERT_TRUE(disk.sync_directory("/d"));
    ASSERT_TRUE(file->write(1000, as_bytes(unsynced)));
    ASSERT_TRUE(disk.open("/d/g", OpenMode::kCreate));
    disk.fail_power();
    EXPECT_FALSE(file->sync());
    disk.restore_power();
    EXPECT_FALSE(file->sync()) << "a file of the life before";
    const auto content = read_file(disk, "/d/f").value();
    ASSERT_EQ(content.substr(0, 1000), synced);
    lost |= content.size() == 1000;
    torn |= content.size() > 1000 && content != synced + unsynced;
    name_lost |= !exists(disk, "/d/g").value();
  }
  EXPECT_TRUE(lost);
  EXPECT_TRUE(torn);
  EXPECT_TRUE(name_lost);
}

TEST(SimulatedFileSystem, AFailedSyncLosesDataThatALaterOneDoesNotSave) {
  bool lost = false;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SimulatedFileSystem disk{seed};
    auto file = disk.open("/f", OpenMode::kCreate).value();
    ASSERT_TRUE(disk.sync_directory("/"));
    ASSERT_TRUE(file->write(0, as_bytes("abc")));
    disk.inject({FileOperation::kSync, "/f", EIO});
    EXPECT_EQ(file->sync().error().code(), ErrorCode::kIo);
    EXPECT_TRUE(file->sync());
    EXPECT_EQ(read_file(disk, "/f").value(), "abc");
    disk.fail_power();
    disk.restore_power();
    lost |= read_file(disk, "/f").value() != "abc";
  }
  EXPECT_TRUE(lost);
}

TEST(SimulatedFileSystem, AFullDiskTakesWhatFits) {
  SimulatedFileSystem disk{1};
  auto file = disk.open("/f", OpenMode::kCreate).value();
  disk.set_capacity(5);
  EXPECT_EQ(file->write(0, as_bytes("abcdefgh")).error().code(), ErrorCode::kNoSpace);
  EXPECT_EQ(read_file(disk, "/f").value(), "abcde");
}

}  // namespace
}  // namespace millrace
