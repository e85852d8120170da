#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace millrace {

/// A place in a file system, with '/' between folders.
using Path = std::string;

[[nodiscard]] inline Path join(std::string_view folder, std::string_view name) {
  Path path{folder};
  if (!path.empty() && path.back() != '/') path += '/';
  return path += name;
}
/// What is after the last '/'.
[[nodiscard]] std::string_view file_name(std::string_view path);
/// What is before the last '/'; "." when there is none.
[[nodiscard]] std::string_view folder_of(std::string_view path);

/// An open file, read and written at positions: there is no cursor to share.
///
/// Threading: any thread may call any function; writes to overlapping ranges are the caller's to order.
/// Durability: what `write` has written survives the process; what was written before `sync` began survives a power cut
/// once `sync` has returned without error, provided the file's name was made durable by `FileSystem::sync_directory`. A
/// sync that failed must not be repeated: the system may have dropped the dirty pages, and a second one would lie.
class File {
 public:
  virtual ~File() = default;

  /// Fills `into` from `position`; gives the count of bytes, which is smaller only at the end of the file.
  [[nodiscard]] virtual Result<std::size_t> read(std::uint64_t position, MutableBytes into) const = 0;
  /// Writes all of it. After an error any part of it may have been written. Errors: `kNoSpace`, `kIo`.
  [[nodiscard]] virtual Result<void> write(std::uint64_t position, Bytes bytes) = 0;
  /// Waits until data and size are on stable storage.
  [[nodiscard]] virtual Result<void> sync() = 0;
  [[nodiscard]] virtual Result<void> truncate(std::uint64_t size) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> size() const = 0;
  [[nodiscard]] virtual const Path& path() const = 0;
};

/// Held while it lives; released with the process at the latest.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class OpenMode : std::uint8_t {
  kRead,       ///< must exist
  kReadWrite,  ///< must exist
  kCreate,     ///< read and write; made if absent
  kCreateNew,  ///< read and write; an error if it exists
};

struct FileInfo {
  std::uint64_t size = 0;
  bool is_directory = false;
  Timestamp modified = kNoTimestamp;
};

/// Of a whole file system, in bytes.
struct FileSpace {
  std::uint64_t total = 0;
  /// What this process may still write.
  std::uint64_t usable = 0;
};

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
};

/// Files and folders. The one way to a disk for everything that must survive a crash, so that tests can pull the plug.
///
/// Threading: any thread. Errors name the operation and the path: `kNotFound`, `kNoSpace`, `kIo`.
/// Durability: making, renaming and removing become durable with `sync_directory` of the folder that holds the name.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const Path& path, OpenMode mode) = 0;
  /// Replaces `to` if it exists, in one step.
  [[nodiscard]] virtual Result<void> rename(const Path& from, const Path& to) = 0;
  /// Removes a file or an empty folder.
  [[nodiscard]] virtual Result<void> remove(const Path& path) = 0;
  /// The folder's entries, sorted by name, without "." and "..".
  [[nodiscard]] virtual Result<std::vector<DirectoryEntry>> list(const Path& directory) = 0;
  /// Makes the folder and those above it; done if it is there. Their names are durable when it returns.
  [[nodiscard]] virtual Result<void> make_directories(const Path& directory) = 0;
  [[nodiscard]] virtual Result<void> sync_directory(const Path& directory) = 0;
  /// `kNotFound` if there is nothing.
  [[nodiscard]] virtual Result<FileInfo> info(const Path& path) = 0;
  /// Of the file system that holds `path`.
  [[nodiscard]] virtual Result<FileSpace> space(const Path& path) = 0;
  /// Locks the file (made if absent) for this holder alone. Errors: `kInUse` when another one holds it, in this process
  /// or another.
  [[nodiscard]] virtual Result<std::unique_ptr<FileLock>> lock(const Path& path) = 0;
};

/// The machine's file system. `sync` is fdatasync; locks are flock.
class PosixFileSystem final : public FileSystem {
 public:
  [[nodiscard]] Result<std::unique_ptr<File>> open(const Path& path, OpenMode mode) override;
  [[nodiscard]] Result<void> rename(const Path& from, const Path& to) override;
  [[nodiscard]] Result<void> remove(const Path& path) override;
  [[nodiscard]] Result<std::vector<DirectoryEntry>> list(const Path& directory) override;
  [[nodiscard]] Result<void> make_directories(const Path& directory) override;
  [[nodiscard]] Result<void> sync_directory(const Path& directory) override;
  [[nodiscard]] Result<FileInfo> info(const Path& path) override;
  [[nodiscard]] Result<FileSpace> space(const Path& path) override;
  [[nodiscard]] Result<std::unique_ptr<FileLock>> lock(const Path& path) override;
};

[[nodiscard]] Result<bool> exists(FileSystem& files, const Path& path);

/// The whole file. Errors: `kNotFound`, `kIo`.
[[nodiscard]] Result<std::string> read_file(FileSystem& files, const Path& path);

/// Replaces the file's content in one durable step: written beside it, synced, renamed, folder synced. After a crash
/// there is the old content or the new.
[[nodiscard]] Result<void> replace_file(FileSystem& files, const Path& path, Bytes content);

/// Removes a folder and all below it; done if there is none.
[[nodiscard]] Result<void> remove_tree(FileSystem& files, const Path& path);

}  // namespace millrace
