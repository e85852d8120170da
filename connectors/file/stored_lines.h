#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "file/file_input.h"
#include "millrace/connect/file_source.h"
#include "millrace/result.h"

namespace millrace::connect {

/// Looks at a file's lines one at a time, without giving them.
///
/// Threading: one thread. Memory: a block and the longest line.
class LineCursor {
 public:
  /// Begins where `input` begins. The input must outlive the cursor and have had no turn.
  LineCursor(FollowedInput& input, const FollowedFile::Options& options) : input_(&input), options_(options) {}

  /// The line at the cursor, or nothing: the end of what would be given. Valid until the cursor moves.
  [[nodiscard]] Result<const Line*> line();
  void advance() {
    ++next_;
    has_moved_ = true;
  }

  /// Behind the line before the cursor.
  [[nodiscard]] FilePosition position() const;
  [[nodiscard]] FollowedInput& input() const { return *input_; }
  [[nodiscard]] bool has_moved() const { return has_moved_; }

 private:
  FollowedInput* input_;
  FollowedFile::Options options_;
  std::vector<char> block_;
  std::optional<FollowedFile> state_;  ///< a reader of its own, begun at the first look
  FilePosition block_begin_;           ///< in front of the first of `lines_`
  std::span<const Line> lines_;
  std::size_t next_ = 0;  ///< of `lines_`
  bool has_moved_ = false;
};

/// Finds out which lines of some files a run before this one has stored, by the records it left: each is the next line
/// of one of the files, so the lines are passed in the records' order.
///
/// What it can't tell apart are equal lines of different files: then one is passed for the other. A record that is the
/// next line of none is somebody else's and changes nothing. So whatever is in the topic, no line is passed that is not
/// there.
///
/// Threading: one thread. Cost: that of reading the passed lines once more.
class StoredLines {
 public:
  StoredLines(const std::vector<FollowedInput*>& inputs, const FollowedFile::Options& options,
              const LineTransform& transform);

  /// The next record behind the stored positions.
  [[nodiscard]] Result<void> take(std::string_view record);

  /// Lets each input begin behind the lines that were passed; gives those that now begin elsewhere.
  [[nodiscard]] Result<std::vector<FollowedInput*>> pass(TimePoint now) const;

  struct Counts {
    std::uint64_t recognised = 0;
    std::uint64_t unknown = 0;
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  [[nodiscard]] Result<bool> is_next(LineCursor& cursor, std::string_view record);

  const FollowedFile::Options options_;
  const LineTransform& transform_;
  LineScratch scratch_;
  std::vector<LineCursor> cursors_;
  std::size_t last_ = 0;  ///< the cursor that moved last: lines of a file come in runs
  Counts counts_;
};

}  // namespace millrace::connect
