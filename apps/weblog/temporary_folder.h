#pragma once

#include <filesystem>
#include <memory>

#include "millrace/result.h"

namespace millrace::weblog {

/// A folder that is removed, with what is in it, when this goes out of scope.
///
/// Threading: one thread.
class TemporaryFolder {
 public:
  /// Makes one in $TMPDIR or, as it may become large, in /var/tmp. Errors: `kIo`, `kNoSpace`.
  static Result<std::unique_ptr<TemporaryFolder>> make();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace millrace::weblog
