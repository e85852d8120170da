#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/files.h"

namespace millrace {
namespace {

std::string doing(std::string_view what, std::string_view path) { return std::string{what}.append(" ").append(path); }

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

Result<Descriptor> open_descriptor(const Path& path, int flags, std::string_view what) {
  int number = -1;
  do {
    number = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  } while (number < 0 && errno == EINTR);
  if (number < 0) return fail_errno(errno, doing(what, path));
  return Descriptor{number};
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor descriptor, Path path) : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Result<std::size_t> read(std::uint64_t position, MutableBytes into) const override {
    std::size_t done = 0;
    while (done < into.size()) {
      const auto got =
          ::pread(descriptor_.number(), into.data() + done, into.size() - done, static_cast<off_t>(position + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno(errno, doing("cannot read", path_));
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Result<void> write(std::uint64_t position, Bytes bytes) override {
    while (!bytes.empty()) {
      const auto put = ::pwrite(descriptor_.number(), bytes.data(), bytes.size(), static_cast<off_t>(position));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return fail_errno(errno, doing("cannot write to", path_));
      bytes = bytes.subspan(static_cast<std::size_t>(put));
      position += static_cast<std::uint64_t>(put);
    }
    return {};
  }

  Result<void> sync() override {
    // Not repeated on EINTR: after a failure nobody knows which pages the system has dropped.
    if (::fdatasync(descriptor_.number()) != 0) return fail_errno(errno, doing("cannot sync", path_));
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    while (::ftruncate(descriptor_.number(), static_cast<off_t>(size)) != 0) {
      if (errno != EINTR) return fail_errno(errno, doing("cannot cut", path_));
    }
    return {};
  }

  Result<std::uint64_t> size() const override {
    struct stat status{};
    if (::fstat(descriptor_.number(), &status) != 0) return fail_errno(errno, doing("cannot look at", path_));
    return static_cast<std::uint64_t>(status.st_size);
  }

  const Path& path() const override { return path_; }

 private:
  Descriptor descriptor_;
  Path path_;
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;
};

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kReadWrite:
      return O_RDWR;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT;
    case OpenMode::kCreateNew:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

}  // namespace

Result<std::unique_ptr<File>> PosixFileSystem::open(const Path& path, OpenMode mode) {
  const bool makes = mode == OpenMode::kCreate || mode == OpenMode::kCreateNew;
  MILLRACE_TRY(descriptor, open_descriptor(path, flags_of(mode), makes ? "cannot make or open" : "cannot open"));
  return std::make_unique<PosixFile>(std::move(descriptor), path);
}

Result<void> PosixFileSystem::rename(const Path& from, const Path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return fail_errno(errno, doing("cannot rename", from) + " to " + to);
  return {};
}

Result<void> PosixFileSystem::remove(const Path& path) {
  if (::remove(path.c_str()) != 0) return fail_errno(errno, doing("cannot remove", path));
  return {};
}

Result<std::vector<DirectoryEntry>> PosixFileSystem::list(const Path& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream{::opendir(directory.c_str()), ::closedir};
  if (!stream) return fail_errno(errno, doing("cannot list", directory));
  std::vector<DirectoryEntry> entries;
  while (true) {
    errno = 0;
    const auto* entry = ::readdir(stream.get());
    if (entry == nullptr) {
      if (errno != 0) return fail_errno(errno, doing("cannot list", directory));
      break;
    }
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    bool is_directory = entry->d_type == DT_DIR;
    if (entry->d_type == DT_UNKNOWN || entry->d_type == DT_LNK) {
      struct stat status{};
      is_directory = ::stat(join(directory, name).c_str(), &status) == 0 && S_ISDIR(status.st_mode);
    }
    entries.push_back({std::string{name}, is_directory});
  }
  std::ranges::sort(entries, {}, &DirectoryEntry::name);
  return entries;
}

Result<void> PosixFileSystem::make_directories(const Path& directory) {
  if (::mkdir(directory.c_str(), 0755) == 0) return sync_directory(Path{folder_of(directory)});
  if (errno == ENOENT && folder_of(directory) != directory) {
    MILLRACE_CHECK(make_directories(Path{folder_of(directory)}));
    if (::mkdir(directory.c_str(), 0755) == 0) return sync_directory(Path{folder_of(directory)});
  }
  const auto problem = errno;
  struct stat status{};
  if (problem == EEXIST && ::stat(directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return {};
  return fail_errno(problem == EEXIST ? ENOTDIR : problem, doing("cannot make the folder", directory));
}

Result<void> PosixFileSystem::sync_directory(const Path& directory) {
  MILLRACE_TRY(descriptor, open_descriptor(directory, O_RDONLY | O_DIRECTORY, "cannot open the folder"));
  if (::fsync(descriptor.number()) != 0) return fail_errno(errno, doing("cannot sync the folder", directory));
  return {};
}

Result<FileInfo> PosixFileSystem::info(const Path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail_errno(errno, doing("cannot look at", path));
  const auto modified =
      std::chrono::seconds{status.st_mtim.tv_sec} + std::chrono::milliseconds{status.st_mtim.tv_nsec / 1'000'000};
  return FileInfo{.size = static_cast<std::uint64_t>(status.st_size),
                  .is_directory = S_ISDIR(status.st_mode),
                  .modified = Timestamp{modified}};
}

Result<FileSpace> PosixFileSystem::space(const Path& path) {
  struct statvfs status{};
  if (::statvfs(path.c_str(), &status) != 0) return fail_errno(errno, doing("cannot look at the file system of", path));
  return FileSpace{.total = std::uint64_t{status.f_blocks} * status.f_frsize,
                   .usable = std::uint64_t{status.f_bavail} * status.f_frsize};
}

Result<std::unique_ptr<FileLock>> PosixFileSystem::lock(const Path& path) {
  MILLRACE_TRY(descriptor, open_descriptor(path, O_RDWR | O_CREAT, "cannot open the lock file"));
  if (::flock(descriptor.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return fail(ErrorCode::kInUse, path + " is locked by another process or another part of this one");
    return fail_errno(errno, doing("cannot lock", path));
  }
  return std::make_unique<PosixLock>(std::move(descriptor));
}

}  // namespace millrace
