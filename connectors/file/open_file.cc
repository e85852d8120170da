#include "file/open_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <fnmatch.h>
#include <glob.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace millrace::connect {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> fail_open(int error_number, const std::string& path) {
  const auto error = fail_errno(error_number, fmt::format("cannot read {}", path)).error();
  const auto hint = error_number == EACCES ? ". Run as a user who may read it, or give that user the right to." : "";
  return fail(error.code(), error.message() + hint);
}

FileId id_of(const struct stat& status) { return {status.st_dev, status.st_ino}; }

}  // namespace

Result<OpenFile> OpenFile::open(const std::string& path) {
  // Without O_NONBLOCK, opening a pipe that nobody writes to would wait.
  const auto descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) return fail_open(errno, path);
  OpenFile file{descriptor, path};
  MILLRACE_CHECK(file.find_kind());
  return file;
}

OpenFile OpenFile::standard_input() {
  // The descriptor stays the process's: a copy is what the destructor closes.
  return {::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0), "standard input"};
}

OpenFile::OpenFile(OpenFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      kind_(other.kind_),
      id_(other.id_),
      head_(std::move(other.head_)) {}

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  std::swap(kind_, other.kind_);
  std::swap(id_, other.id_);
  std::swap(head_, other.head_);
  return *this;
}

OpenFile::~OpenFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> OpenFile::find_kind() {
  struct stat status{};
  if (::fstat(descriptor_, &status) != 0) return fail_open(errno, path_);
  kind_ = S_ISREG(status.st_mode)   ? FileKind::kRegular
          : S_ISDIR(status.st_mode) ? FileKind::kFolder
                                    : FileKind::kStream;
  id_ = id_of(status);
  return {};
}

Result<std::size_t> OpenFile::read_at(std::uint64_t position, std::span<char> buffer) const {
  while (true) {
    const auto bytes = ::pread(descriptor_, buffer.data(), buffer.size(), static_cast<off_t>(position));
    if (bytes >= 0) return static_cast<std::size_t>(bytes);
    if (errno != EINTR) return fail_errno(errno, fmt::format("cannot read {} at byte {}", path_, position));
  }
}

Result<OpenFile::StreamRead> OpenFile::read(std::span<char> buffer) const {
  while (true) {
    // Standard input may be shared with others, so it is not for us to make it non-blocking.
    pollfd stream{.fd = descriptor_, .events = POLLIN, .revents = 0};
    const auto ready = ::poll(&stream, 1, 0);
    if (ready == 0) return StreamRead{};
    if (ready < 0) {
      if (errno == EINTR) continue;
      return fail_errno(errno, fmt::format("cannot read {}", path_));
    }
    const auto bytes = ::read(descriptor_, buffer.data(), buffer.size());
    if (bytes >= 0) return StreamRead{static_cast<std::size_t>(bytes), bytes == 0};
    if (errno == EAGAIN) return StreamRead{};
    if (errno != EINTR) return fail_errno(errno, fmt::format("cannot read {}", path_));
  }
}

Result<FileLook> OpenFile::look() {
  struct stat status{};
  if (::fstat(descriptor_, &status) != 0) return fail_errno(errno, fmt::format("cannot look at {}", path_));
  head_.resize(Fingerprint::kMaxBytes);
  MILLRACE_TRY(bytes, read_at(0, head_));
  return FileLook{static_cast<std::uint64_t>(status.st_size), status.st_nlink > 0, {head_.data(), bytes}};
}

std::optional<FileId> id_at(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return id_of(status);
}

bool is_glob(const std::string& pattern) { return pattern.find_first_of("*?[") != std::string::npos; }

std::vector<std::string> expand(const std::string& pattern) {
  if (id_at(pattern)) return {pattern};
  if (!is_glob(pattern)) return {};
  ::glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return paths;
}

bool matches(const std::string& pattern, const std::string& path) {
  return pattern == path || (is_glob(pattern) && ::fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME) == 0);
}

std::vector<std::string> folders_of(const std::string& pattern) {
  std::error_code ignored;
  const auto parent = [](const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path{"."}; };

  std::vector<std::string> folders;
  auto folder = parent(pattern);
  if (is_glob(folder.string())) {
    for (auto& match : expand(folder.string())) {
      if (fs::is_directory(match, ignored)) folders.push_back(std::move(match));
    }
  }
  // A folder that may yet appear appears in one that exists.
  while (is_glob(folder.string()) || !fs::is_directory(folder, ignored)) {
    const auto above = parent(folder);
    if (above == folder) break;
    folder = above;
  }
  folders.push_back(folder.string());
  return folders;
}

std::vector<FolderEntry> list_folder(const std::string& folder) {
  std::vector<FolderEntry> entries;
  std::error_code error;
  for (fs::directory_iterator at{folder, error}, end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (!at->is_regular_file(ignored)) continue;
    auto path = at->path().string();
    if (const auto id = id_at(path)) entries.push_back({std::move(path), *id});
  }
  return entries;
}

}  // namespace millrace::connect
