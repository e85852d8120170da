#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/files.h"

namespace millrace {

class FileCache;

/// A file that is opened when it is used and may be closed when it is not. Lives as long as its owner wants, without a
/// descriptor.
///
/// Threading: any thread.
class CachedFile {
 public:
  CachedFile(FileCache& cache, Path path, std::string suffix = {});
  ~CachedFile();
  CachedFile(const CachedFile&) = delete;
  CachedFile& operator=(const CachedFile&) = delete;

  /// Its name without the suffix.
  [[nodiscard]] const Path& path() const { return path_; }
  /// Where it lies now: `path()` and a suffix.
  [[nodiscard]] Path current_path() const;
  /// Renames it to `path()` + `suffix`, over what is there. Who has it open goes on with it, and who opens
  /// it later finds it there: never what has taken the old name. One thread at a time.
  [[nodiscard]] Result<void> move(std::string_view suffix);
  /// The open file. It stays open while somebody holds it, even if the cache lets it go. Errors: `kNotFound`, `kIo`.
  [[nodiscard]] Result<std::shared_ptr<File>> get() const { return open(std::nullopt); }
  /// The same, and makes the file if it is absent.
  [[nodiscard]] Result<std::shared_ptr<File>> get_or_create() const { return open(OpenMode::kCreate); }
  /// Closes it as soon as nobody holds it.
  void release() const;

 private:
  friend class FileCache;
  [[nodiscard]] Result<std::shared_ptr<File>> open(std::optional<OpenMode> mode) const;

  FileCache* cache_;
  Path path_;
  // Guarded by the cache's mutex.
  std::string suffix_;
  mutable std::shared_ptr<File> file_;
  mutable std::list<const CachedFile*>::iterator place_{};
};

/// Keeps the most recently used files open, at most `capacity` of them, so that ten thousand idle partitions cost no
/// descriptors.
///
/// Threading: any thread. Outlives its files.
class FileCache {
 public:
  /// `mode`: how files that exist are opened.
  FileCache(FileSystem& files, std::size_t capacity, OpenMode mode = OpenMode::kReadWrite);
  /// A capacity that leaves half of the process's descriptor limit to others.
  [[nodiscard]] static std::size_t capacity_from_process_limit();

  [[nodiscard]] FileSystem& files() const { return *files_; }
  [[nodiscard]] std::size_t open_count() const;

 private:
  friend class CachedFile;
  FileSystem* files_;
  std::size_t capacity_;
  OpenMode mode_;
  mutable std::mutex mutex_;
  std::list<const CachedFile*> recent_;  // newest first
};

}  // namespace millrace
