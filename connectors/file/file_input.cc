#include "file/file_input.h"

#include <algorithm>
#include <utility>

#include "file/gzip_reader.h"

namespace millrace::connect {
namespace {

class GzipInput final : public FileInput {
 public:
  GzipInput(std::string path, OpenFile file, const FileLook& look, std::size_t max_line_bytes,
            const std::optional<FilePosition>& stored)
      : FileInput(path, partition_of(file.id())),
        file_(std::move(file)),
        reader_(file_, std::move(path)),
        splitter_(max_line_bytes),
        file_size_(look.size) {
    position_.fingerprint = Fingerprint::of(look.head);
    if (stored && stored->fingerprint.matches(look.head)) {
      position_ = *stored;
      skip_ = stored->position;
    }
  }

  Result<std::span<const Line>> turn(std::span<char> buffer, TimePoint) override {
    MILLRACE_TRY(bytes, reader_.read(buffer));
    const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes));
    skip_ -= skipped;
    const std::string_view block{buffer.data() + skipped, bytes - skipped};
    if (bytes == 0) {
      is_finished_ = true;
      position_.is_unterminated |= splitter_.pending_bytes() > 0;
    }
    const auto pending = splitter_.pending_bytes();
    const auto lines = is_finished_ ? splitter_.split_last({}) : splitter_.split(block);
    position_.position += pending + block.size() - splitter_.pending_bytes();
    position_.lines += lines.size();
    return lines;
  }

  bool is_finished() const override { return is_finished_; }
  std::optional<SourceOffset> offset() const override { return offset_of(position_, path()); }
  SourceStatus status() const override {
    return {path(), is_finished_ ? "done" : "reading", is_finished_ ? file_size_ : reader_.file_position(), file_size_,
            position_.lines};
  }
  int descriptor() const override { return file_.descriptor(); }

 private:
  OpenFile file_;
  GzipReader reader_;
  LineSplitter splitter_;
  std::uint64_t file_size_;
  FilePosition position_;
  std::uint64_t skip_ = 0;  ///< plain bytes that an earlier run has read
  bool is_finished_ = false;
};

class StreamInput final : public FileInput {
 public:
  StreamInput(const std::string& path, OpenFile file, std::size_t max_line_bytes)
      : FileInput(path, {{"stream", path}}), file_(std::move(file)), splitter_(max_line_bytes) {
    // It may be silent: the watcher says when there is something.
    set_not_ready();
  }

  Result<std::span<const Line>> turn(std::span<char> buffer, TimePoint) override {
    MILLRACE_TRY(read, file_.read(buffer));
    position_ += read.bytes;
    is_finished_ = read.is_end;
    // Whether more waits is for the watcher to say: reading on might block.
    set_not_ready();
    const auto lines = is_finished_ ? splitter_.split_last({}) : splitter_.split({buffer.data(), read.bytes});
    lines_ += lines.size();
    return lines;
  }

  bool is_finished() const override { return is_finished_; }
  std::optional<SourceOffset> offset() const override {
    return SourceOffset{{"position", static_cast<std::int64_t>(position_ - splitter_.pending_bytes())}};
  }
  SourceStatus status() const override { return {path(), is_finished_ ? "done" : "following", position_, 0, lines_}; }
  int descriptor() const override { return file_.descriptor(); }

 private:
  OpenFile file_;
  LineSplitter splitter_;
  std::uint64_t position_ = 0;
  std::uint64_t lines_ = 0;
  bool is_finished_ = false;
};

}  // namespace

FollowedInput::FollowedInput(std::string path, OpenFile file, const FileLook& look, FollowedFile::Options options,
                             const std::optional<FilePosition>& stored, TimePoint now)
    : FileInput(std::move(path), partition_of(file.id())), file_(std::move(file)), state_(options, look, stored, now) {}

Result<std::span<const Line>> FollowedInput::turn(std::span<char> buffer, TimePoint now) {
  const auto restarts = state_.restarts();
  MILLRACE_TRY(bytes, file_.read_at(state_.read_position(), buffer.first(state_.read_size(buffer.size()))));
  MILLRACE_TRY(look, file_.look());
  auto lines = state_.on_block({buffer.data(), bytes}, look, now);
  if (!state_.has_more() || (bytes == 0 && state_.restarts() == restarts)) set_not_ready();
  if (lines.empty()) lines = state_.on_timer(now);
  return lines;
}

Result<void> FollowedInput::begin_at(const FilePosition& position, const FollowedFile::Options& options,
                                     TimePoint now) {
  MILLRACE_TRY(look, file_.look());
  const auto was_rotated = state_.is_rotated();
  state_ = FollowedFile{options, look, position, now};
  if (was_rotated) state_.on_path(PathTarget::kElsewhere, now);
  return {};
}

std::optional<SourceOffset> FollowedInput::offset() const {
  if (state_.is_finished() && !state_.is_linked()) return std::nullopt;
  return offset_of(state_.position(), path());
}

SourceStatus FollowedInput::status() const {
  const auto* state = state_.is_finished()                         ? "done"
                      : state_.is_rotated() || !state_.is_linked() ? "rotated"
                      : state_.has_more()                          ? "reading"
                                                                   : "following";
  return {path(), state, state_.read_position(), state_.size(), state_.position().lines};
}

std::unique_ptr<FileInput> make_gzip_input(std::string path, OpenFile file, const FileLook& look,
                                           std::size_t max_line_bytes, const std::optional<FilePosition>& stored) {
  return std::make_unique<GzipInput>(std::move(path), std::move(file), look, max_line_bytes, stored);
}

std::unique_ptr<FileInput> make_stream_input(std::string path, OpenFile file, std::size_t max_line_bytes) {
  return std::make_unique<StreamInput>(path, std::move(file), max_line_bytes);
}

}  // namespace millrace::connect
