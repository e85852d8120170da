#include "base/files.h"

#include <algorithm>

namespace millrace {

std::string_view file_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<bool> exists(FileSystem& files, const Path& path) {
  const auto info = files.info(path);
  if (info) return true;
  if (info.error().code() == ErrorCode::kNotFound) return false;
  return std::unexpected(info.error());
}

Result<std::string> read_file(FileSystem& files, const Path& path) {
  MILLRACE_TRY(file, files.open(path, OpenMode::kRead));
  MILLRACE_TRY(size, file->size());
  std::string content(size, '\0');
  MILLRACE_TRY(got, file->read(0, std::as_writable_bytes(std::span{content})));
  content.resize(got);
  return content;
}

Result<void> replace_file(FileSystem& files, const Path& path, Bytes content) {
  const Path temporary = path + ".tmp";
  {
    MILLRACE_TRY(file, files.open(temporary, OpenMode::kCreate));
    MILLRACE_CHECK(file->truncate(0));
    MILLRACE_CHECK(file->write(0, content));
    MILLRACE_CHECK(file->sync());
  }
  MILLRACE_CHECK(files.rename(temporary, path));
  return files.sync_directory(Path{folder_of(path)});
}

Result<void> remove_tree(FileSystem& files, const Path& path) {
  auto entries = files.list(path);
  if (!entries) {
    if (entries.error().code() == ErrorCode::kNotFound) return {};
    return std::unexpected(std::move(entries).error());
  }
  for (const auto& entry : *entries) {
    const auto below = join(path, entry.name);
    MILLRACE_CHECK(entry.is_directory ? remove_tree(files, below) : files.remove(below));
  }
  return files.remove(path);
}

}  // namespace millrace
