#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/random.h"

namespace millrace {

/// What a fault may hit.
enum class FileOperation : std::uint8_t { kOpen, kRead, kWrite, kSync, kTruncate, kRename, kRemove, kSyncDirectory };

/// The next `times` operations of a kind, on paths that contain a text, fail, after `skip` that do not.
struct FileFault {
  FileOperation operation;
  std::string path_contains;
  int error_number;
  std::uint64_t skip = 0;
  std::uint64_t times = 1;
};

/// A disk in memory whose plug can be pulled.
///
/// What a power failure takes, chosen by the seed: of each file's unsynced writes and cuts some are kept, some are
/// dropped and some are kept in part, sector by sector and so in any order; bytes that were never written read as zero.
/// Of each folder's unsynced names the newest are lost, however many. A file's sync says nothing about its name.
///
///     disk.fail_power_after(37);              // the 37th change from now is the first that is not made
///     ... everything fails with kIo ...
///     log.reset();                            // the process is gone
///     disk.restore_power();                   // what a reboot finds
///
/// A sync that is made to fail drops what it could not write, as Linux does: later syncs succeed and the data is still
/// gone after a power failure.
///
/// Threading: any thread may call any function.
class SimulatedFileSystem final : public FileSystem {
 public:
  explicit SimulatedFileSystem(std::uint64_t seed);
  ~SimulatedFileSystem() override;

  [[nodiscard]] Result<std::unique_ptr<File>> open(const Path& path, OpenMode mode) override;
  [[nodiscard]] Result<void> rename(const Path& from, const Path& to) override;
  [[nodiscard]] Result<void> remove(const Path& path) override;
  [[nodiscard]] Result<std::vector<DirectoryEntry>> list(const Path& directory) override;
  [[nodiscard]] Result<void> make_directories(const Path& directory) override;
  [[nodiscard]] Result<void> sync_directory(const Path& directory) override;
  [[nodiscard]] Result<FileInfo> info(const Path& path) override;
  [[nodiscard]] Result<FileSpace> space(const Path& path) override;
  [[nodiscard]] Result<std::unique_ptr<FileLock>> lock(const Path& path) override;

  /// The power goes off now.
  void fail_power();
  /// The power goes off at the `changes`-th write, cut, sync, or change of a name from now; that one may be made in
  /// part.
  void fail_power_after(std::uint64_t changes);
  [[nodiscard]] bool power_is_on() const;
  /// Decides what survived. Files that were open stay dead; locks are gone.
  void restore_power();
  /// The same when it was only the process that died: all it wrote is there, though not yet durable.
  void restart_process();

  void inject(FileFault fault);
  /// The cause of the faults that are left is gone.
  void clear_faults();
  /// Called inside every sync of a file, once it is settled what this one makes durable: what happens while a sync
  /// takes its time. No lock is held.
  void on_sync(std::function<void()> hook);
  /// Writes that would make the files larger than this in total fail with `kNoSpace`, after writing what fits.
  void set_capacity(std::uint64_t bytes);
  /// Changes so far: what `fail_power_after` counts.
  [[nodiscard]] std::uint64_t changes() const;

 private:
  struct Inode;
  struct Folder;
  struct Entry;
  struct NameChange;
  class OpenFile;
  class Lock;

  // All of them with the mutex held.
  Result<void> check(FileOperation operation, const Path& path);
  bool power_fails_now();
  Result<Folder*> find_folder(const Path& path);
  Result<Entry> find(const Path& path);
  Result<void> change_names(Folder& folder, NameChange change);
  void settle(Inode& inode);
  void settle(Folder& folder);
  std::uint64_t used_bytes() const;
  void end_lives();

  mutable std::mutex mutex_;
  Random random_;
  std::shared_ptr<Folder> root_;
  std::vector<FileFault> faults_;
  std::function<void()> on_sync_;
  std::set<Path> locks_;
  std::uint64_t capacity_ = UINT64_MAX;
  std::uint64_t changes_ = 0;
  std::uint64_t power_fails_at_ = UINT64_MAX;
  std::uint64_t life_ = 0;
  bool powered_ = true;
};

}  // namespace millrace
