#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::connect {

/// One line without its "\n" or "\r\n". `full_size` is larger than `text.size()` when the line was too long and was
/// cut.
struct Line {
  std::string_view text;
  std::uint64_t full_size = 0;
  std::size_t end = 0;  ///< in the block that completed it: behind its "\n"

  [[nodiscard]] bool is_cut() const { return full_size > text.size(); }
};

/// Cuts a stream of bytes, given block by block, into lines. Knows nothing of files.
///
/// Threading: one thread. Memory: the unterminated rest of the last block, never more than the limit; lines inside a
/// block are views into it and are not copied.
///
///     block:  ...rest of the last| line \n line \n ... line \n |unterminated rest
///                                                               `pending_bytes`
class LineSplitter {
 public:
  /// Lines longer than `max_line_bytes` are cut there.
  explicit LineSplitter(std::size_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}

  /// The lines that end in `block`, together with what the blocks before it left. They are valid as long as `block` and
  /// until the next call.
  [[nodiscard]] std::span<const Line> split(std::string_view block);

  /// The same when nothing comes after `block`: what is unterminated is the last line. Nothing is pending afterwards.
  [[nodiscard]] std::span<const Line> split_last(std::string_view block);

  /// Bytes given that are not yet part of a line that was given back.
  [[nodiscard]] std::uint64_t pending_bytes() const { return pending_bytes_; }

  /// Forgets what is pending.
  void reset();

 private:
  /// Adds the whole lines of `block`; gives its unterminated rest.
  [[nodiscard]] std::string_view add_lines(std::string_view block);
  void add_line(std::string_view text, std::size_t end);
  void add_pending_line(std::size_t end);
  void keep(std::string_view rest);

  std::size_t max_line_bytes_;
  std::string rest_;                  ///< of the pending line: its first bytes, as many as a line may have and one more
  bool rest_ends_in_return_ = false;  ///< whether the last pending byte is '\r', kept or not
  std::uint64_t pending_bytes_ = 0;   ///< of the pending line, kept or not
  std::string completed_;             ///< what `rest_` became, for as long as its view is in use
  std::vector<Line> lines_;
};

}  // namespace millrace::connect
