#include "file/stored_lines.h"

#include <utility>

namespace millrace::connect {

Result<const Line*> LineCursor::line() {
  auto& file = input_->file();
  if (!state_) {
    MILLRACE_TRY(look, file.look());
    state_.emplace(options_, look, input_->position(), TimePoint{});
    constexpr std::size_t kBlockBytes = std::size_t{64} << 10;
    block_.resize(kBlockBytes);
  }
  while (next_ == lines_.size()) {
    if (!state_->has_more() || state_->restarts() > 0) return nullptr;
    const auto room = std::span{block_}.first(state_->read_size(block_.size()));
    MILLRACE_TRY(bytes, file.read_at(state_->read_position(), room));
    MILLRACE_TRY(look, file.look());
    block_begin_ = state_->position();
    lines_ = state_->on_block({block_.data(), bytes}, look, TimePoint{});
    next_ = 0;
    if (bytes == 0) return nullptr;
  }
  return &lines_[next_];
}

FilePosition LineCursor::position() const {
  if (!state_) return input_->position();
  auto position = state_->position();
  if (next_ == lines_.size()) return position;
  if (next_ == 0) return block_begin_;
  // From behind the last line of the block back to the one before the cursor.
  position.lines -= lines_.size() - next_;
  position.is_unterminated = false;
  position.position -= lines_.back().end - lines_[next_ - 1].end;
  return position;
}

StoredLines::StoredLines(const std::vector<FollowedInput*>& inputs, const FollowedFile::Options& options,
                         const LineTransform& transform)
    : options_(options), transform_(transform) {
  for (auto* input : inputs) cursors_.emplace_back(*input, options);
}

Result<void> StoredLines::take(std::string_view record) {
  for (std::size_t step = 0; step < cursors_.size(); ++step) {
    const auto index = (last_ + step) % cursors_.size();
    MILLRACE_TRY(is_its_line, is_next(cursors_[index], record));
    if (!is_its_line) continue;
    cursors_[index].advance();
    last_ = index;
    ++counts_.recognised;
    return {};
  }
  ++counts_.unknown;
  return {};
}

Result<std::vector<FollowedInput*>> StoredLines::pass(TimePoint now) const {
  std::vector<FollowedInput*> moved;
  for (const auto& cursor : cursors_) {
    if (!cursor.has_moved()) continue;
    MILLRACE_CHECK(cursor.input().begin_at(cursor.position(), options_, now));
    moved.push_back(&cursor.input());
  }
  return moved;
}

Result<bool> StoredLines::is_next(LineCursor& cursor, std::string_view record) {
  MILLRACE_TRY(line, cursor.line());
  if (line == nullptr) return false;
  scratch_.reset();
  return (transform_ ? transform_(line->text, scratch_) : line->text) == record;
}

}  // namespace millrace::connect
