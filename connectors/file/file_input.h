#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "file/file_offset.h"
#include "file/followed_file.h"
#include "file/open_file.h"
#include "millrace/connect/source.h"

namespace millrace::connect {

/// One open thing that gives lines: a file that is followed, a compressed file, a stream.
///
/// Threading: one thread.
class FileInput {
 public:
  FileInput(std::string path, SourcePartition partition)
      : path_(std::move(path)), partition_(std::make_shared<const SourcePartition>(std::move(partition))) {}
  virtual ~FileInput() = default;

  /// Reads a block into `buffer`. The lines are valid as long as the buffer and until the next turn.
  [[nodiscard]] virtual Result<std::span<const Line>> turn(std::span<char> buffer, TimePoint now) = 0;

  /// Whether a turn may give something.
  [[nodiscard]] bool is_ready() const { return is_ready_ && !is_finished(); }
  /// Something may have changed.
  void set_ready() { is_ready_ = true; }
  [[nodiscard]] virtual bool is_finished() const = 0;
  /// When a turn is due though nothing changed.
  [[nodiscard]] virtual std::optional<TimePoint> next_timer() const { return std::nullopt; }

  [[nodiscard]] const std::shared_ptr<const SourcePartition>& partition() const { return partition_; }
  /// Behind the last line given; nothing when the file is gone for good.
  [[nodiscard]] virtual std::optional<SourceOffset> offset() const = 0;
  /// Changes whenever the offset has to be stored though no line was given.
  [[nodiscard]] virtual std::uint64_t epoch() const { return 0; }

  [[nodiscard]] virtual SourceStatus status() const = 0;
  [[nodiscard]] virtual int descriptor() const = 0;

  [[nodiscard]] const std::string& path() const { return path_; }
  /// It was renamed.
  void set_path(std::string path) { path_ = std::move(path); }

 protected:
  void set_not_ready() { is_ready_ = false; }

 private:
  std::string path_;
  std::shared_ptr<const SourcePartition> partition_;
  bool is_ready_ = true;
};

/// A regular file, driven by the `FollowedFile` state machine.
class FollowedInput final : public FileInput {
 public:
  /// `look` was taken of `file`.
  FollowedInput(std::string path, OpenFile file, const FileLook& look, FollowedFile::Options options,
                const std::optional<FilePosition>& stored, TimePoint now);

  [[nodiscard]] Result<std::span<const Line>> turn(std::span<char> buffer, TimePoint now) override;
  [[nodiscard]] bool is_finished() const override { return state_.is_finished(); }
  [[nodiscard]] std::optional<TimePoint> next_timer() const override { return state_.next_timer(); }
  [[nodiscard]] std::optional<SourceOffset> offset() const override;
  [[nodiscard]] std::uint64_t epoch() const override { return state_.restarts(); }
  [[nodiscard]] SourceStatus status() const override;
  [[nodiscard]] int descriptor() const override { return file_.descriptor(); }

  [[nodiscard]] const FileId& id() const { return file_.id(); }
  /// To look ahead, before the first turn.
  [[nodiscard]] OpenFile& file() { return file_; }
  [[nodiscard]] FilePosition position() const { return state_.position(); }
  /// Before the first turn: begins at `position` instead.
  [[nodiscard]] Result<void> begin_at(const FilePosition& position, const FollowedFile::Options& options,
                                      TimePoint now);
  [[nodiscard]] bool is_rotated() const { return state_.is_rotated(); }
  void on_path(PathTarget target, TimePoint now) { state_.on_path(target, now); }

 private:
  OpenFile file_;
  FollowedFile state_;
};

/// A gzip file, read once to its end; positions are those of the plain bytes.
[[nodiscard]] std::unique_ptr<FileInput> make_gzip_input(std::string path, OpenFile file, const FileLook& look,
                                                         std::size_t max_line_bytes,
                                                         const std::optional<FilePosition>& stored);

/// Standard input or another stream, read until it ends. Its positions are of no use to a later run.
[[nodiscard]] std::unique_ptr<FileInput> make_stream_input(std::string path, OpenFile file, std::size_t max_line_bytes);

}  // namespace millrace::connect
