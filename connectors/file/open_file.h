#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "file/file_identity.h"
#include "file/followed_file.h"
#include "millrace/result.h"

namespace millrace::connect {

enum class FileKind : std::uint8_t {
  kRegular,
  kFolder,
  kStream,  ///< a pipe, a terminal, a socket: bytes come once and have no position
};

/// A file that is open for reading, closed by its destructor.
///
/// Threading: one thread. Nothing waits.
class OpenFile {
 public:
  /// Errors: `kNotFound`, `kIo` (not allowed to), naming the path.
  static Result<OpenFile> open(const std::string& path);
  static OpenFile standard_input();

  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&& other) noexcept;
  ~OpenFile();

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] FileKind kind() const { return kind_; }
  [[nodiscard]] const FileId& id() const { return id_; }

  /// Bytes of a regular file from `position` on; none at its end.
  [[nodiscard]] Result<std::size_t> read_at(std::uint64_t position, std::span<char> buffer) const;
  /// The next bytes of a stream; none when there are none yet.
  struct StreamRead {
    std::size_t bytes = 0;
    bool is_end = false;  ///< no bytes, and none will come; without it and without bytes: none yet
  };
  [[nodiscard]] Result<StreamRead> read(std::span<char> buffer) const;

  /// Size, links and head now. The head is valid until the next call.
  [[nodiscard]] Result<FileLook> look();

 private:
  OpenFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  [[nodiscard]] Result<void> find_kind();

  int descriptor_;
  std::string path_;
  FileKind kind_ = FileKind::kStream;
  FileId id_;
  std::vector<char> head_;
};

/// The id of what `path` leads to, or nothing.
[[nodiscard]] std::optional<FileId> id_at(const std::string& path);

/// Existing paths that a pattern stands for, sorted: the path itself if there is such a file, else what the glob
/// matches.
[[nodiscard]] std::vector<std::string> expand(const std::string& pattern);
[[nodiscard]] bool is_glob(const std::string& pattern);
/// Whether the pattern stands for the path.
[[nodiscard]] bool matches(const std::string& pattern, const std::string& path);

/// Folders whose changes can change what the pattern stands for: existing ones only, at least one.
[[nodiscard]] std::vector<std::string> folders_of(const std::string& pattern);

struct FolderEntry {
  std::string path;
  FileId id;
};
/// The regular files in a folder; none when it can't be read.
[[nodiscard]] std::vector<FolderEntry> list_folder(const std::string& folder);

}  // namespace millrace::connect
