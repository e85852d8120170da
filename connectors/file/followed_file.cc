#include "file/followed_file.h"

#include <algorithm>

namespace millrace::connect {

FollowedFile::FollowedFile(Options options, const FileLook& look, const std::optional<FilePosition>& stored,
                           TimePoint now)
    : options_(options),
      splitter_(options.max_line_bytes),
      fingerprint_(Fingerprint::of(look.head)),
      size_(look.size),
      limit_(look.size),
      quiet_since_(now),
      is_linked_(look.is_linked) {
  if (stored && stored->position <= look.size && stored->fingerprint.matches(look.head)) {
    read_position_ = stored->position;
    is_unterminated_ = stored->is_unterminated;
    lines_ = stored->lines;
  }
  is_finished_ = options_.mode == FileMode::kOnce && read_position_ == limit_;
}

std::size_t FollowedFile::read_size(std::size_t block_bytes) const {
  if (options_.mode == FileMode::kFollow) return block_bytes;
  return static_cast<std::size_t>(std::min<std::uint64_t>(block_bytes, limit_ - read_position_));
}

std::span<const Line> FollowedFile::on_block(std::string_view block, const FileLook& look, TimePoint now) {
  if (!block.empty() || look.size != size_) quiet_since_ = now;
  is_linked_ = look.is_linked;

  if (look.size < read_position_ + block.size()) {
    const auto lines = give_last(without_late_newline(block));
    start_over(look);
    return lines;
  }
  if (!fingerprint_.matches(look.head)) {
    const auto lines = give_last({});
    start_over(look);
    return lines;
  }
  if (!fingerprint_.is_full()) fingerprint_ = Fingerprint::of(look.head);

  size_ = look.size;
  read_position_ += block.size();
  // An empty block short of the limit: the file system promised more than it has (as /proc does).
  const auto was_empty = block.empty();
  block = without_late_newline(block);
  if (options_.mode == FileMode::kOnce && (read_position_ == limit_ || was_empty)) {
    is_finished_ = true;
    return give_last(block);
  }
  const auto lines = splitter_.split(block);
  lines_ += lines.size();
  return lines;
}

void FollowedFile::on_path(PathTarget target, TimePoint now) {
  const auto is_rotated = target == PathTarget::kElsewhere;
  if (is_rotated == is_rotated_) return;
  is_rotated_ = is_rotated;
  quiet_since_ = now;
}

std::span<const Line> FollowedFile::on_timer(TimePoint now) {
  const auto due = next_timer();
  if (!due || now < *due) return {};
  is_finished_ = true;
  return give_last({});
}

std::optional<TimePoint> FollowedFile::next_timer() const {
  if (is_finished_ || has_more() || options_.mode == FileMode::kOnce) return std::nullopt;
  if (!is_rotated_ && is_linked_) return std::nullopt;
  return quiet_since_ + options_.rotate_wait;
}

FilePosition FollowedFile::position() const {
  return {read_position_ - splitter_.pending_bytes(), fingerprint_, is_unterminated_, lines_};
}

std::string_view FollowedFile::without_late_newline(std::string_view block) {
  if (!is_unterminated_ || block.empty()) return block;
  is_unterminated_ = false;
  if (block.starts_with('\n')) return block.substr(1);
  if (block.starts_with("\r\n")) return block.substr(2);
  return block;
}

std::span<const Line> FollowedFile::give_last(std::string_view block) {
  if (block.empty() && splitter_.pending_bytes() == 0) return {};
  const auto ends_in_newline = block.ends_with('\n');
  const auto lines = splitter_.split_last(block);
  is_unterminated_ = !lines.empty() && !ends_in_newline;
  lines_ += lines.size();
  return lines;
}

void FollowedFile::start_over(const FileLook& look) {
  read_position_ = 0;
  is_unterminated_ = false;
  fingerprint_ = Fingerprint::of(look.head);
  size_ = look.size;
  limit_ = look.size;
  is_finished_ = options_.mode == FileMode::kOnce && limit_ == 0;
  ++restarts_;
}

}  // namespace millrace::connect
