#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/files.h"
#include "base/logger.h"
#include "millrace/result.h"
#include "millrace/streams/codec.h"

namespace millrace::streams {

/// The checkpoints of one task: files `checkpoint-N` in a folder, of which the last two are kept.
///
///     magic | version | length | description of the topology | content | CRC-32C of all before
///
/// A checkpoint is written beside its name, synced and renamed, and the folder is synced: after a crash there is the
/// old one or the new. Threading: one thread.
class CheckpointFolder {
 public:
  /// Makes the folder if it is not there and removes what a crash left half-written. Errors: `kIo`, `kNoSpace`.
  static Result<CheckpointFolder> open(FileSystem& files, Path folder, std::string description, Logger& logger);

  /// The content of the newest checkpoint that is whole; nothing when there is none at all. A damaged one is logged and
  /// the one before it is used. Errors: `kCorruptLog` (all are damaged), `kUnsupported` (another topology or a newer
  /// version wrote it), `kIo`.
  [[nodiscard]] Result<std::optional<std::string>> load();

  /// One checkpoint being written: nothing is there for `load` until `commit` has returned.
  class Draft {
   public:
    ~Draft();
    Draft(Draft&&) noexcept;
    Draft& operator=(Draft&&) noexcept;
    /// Where the content goes. Errors of the disk come out of `commit`.
    [[nodiscard]] StateWriter& content();
    /// Hands what is buffered to the system: the state may change after this.
    void finish_content();
    [[nodiscard]] std::uint64_t bytes() const;
    [[nodiscard]] Result<void> commit();

   private:
    friend class CheckpointFolder;
    struct Impl;
    explicit Draft(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
  };
  [[nodiscard]] Result<Draft> begin();

 private:
  CheckpointFolder(FileSystem& files, Path folder, std::string description, Logger& logger)
      : files_(&files), folder_(std::move(folder)), description_(std::move(description)), logger_(&logger) {}

  [[nodiscard]] Result<std::string> load_file(const Path& path) const;

  FileSystem* files_;
  Path folder_;
  std::string description_;
  Logger* logger_;
  std::vector<std::uint64_t> numbers_;  ///< that are there, ascending
};

}  // namespace millrace::streams
