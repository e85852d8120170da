#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "file/file_identity.h"
#include "file/line_splitter.h"
#include "millrace/types.h"

namespace millrace::connect {

enum class FileMode : std::uint8_t {
  kFollow,  ///< go on at the end
  kOnce,    ///< up to where the file ended when it was first looked at
};

/// Where the path that a file was found by leads now.
enum class PathTarget : std::uint8_t { kThisFile, kElsewhere };

/// What the file system says of an open file, looked at after a block was read.
struct FileLook {
  std::uint64_t size = 0;
  bool is_linked = true;  ///< whether it still has a name
  std::string_view head;  ///< its first `Fingerprint::kMaxBytes` bytes, or all of it
};

/// How far a file was read, as it is stored.
struct FilePosition {
  std::uint64_t position = 0;  ///< behind the last line that was given
  Fingerprint fingerprint;
  /// The last line was given without its newline: one that comes first now belongs to it.
  bool is_unterminated = false;
  std::uint64_t lines = 0;
};

/// One file that is read line by line while others write, rename, truncate and delete it. Logic only: what was read and
/// seen goes in, lines and the next step come out.
///
///              path leads elsewhere, or no name left
///     Current -------------------------------------> Rotated -----> Finished
///        ^  |  <------------------------------------    quiet for `rotate_wait`
///        +--+      path leads here again
///     truncated: start over                  (mode `kOnce`: Finished at the limit)
///
/// Truncation is noticed by looking at the file again after each block was read:
///  - it is shorter than where the block ended: the block was read before, is good, and the file starts over;
///  - its head changed: it was truncated and has grown past our position, so the block belongs to nobody knows what: it
///    is dropped and the file starts over. What was written between our last block and the truncation cannot be had.
///
/// Threading: one thread.
class FollowedFile {
 public:
  struct Options {
    FileMode mode = FileMode::kFollow;
    std::size_t max_line_bytes = 999'000;
    Duration rotate_wait = std::chrono::seconds{30};
  };

  /// A file that was opened and looked at. `stored` is what an earlier run kept for its id: read on there if the
  /// fingerprint says it is the same file, else from the start.
  FollowedFile(Options options, const FileLook& look, const std::optional<FilePosition>& stored, TimePoint now);

  /// Where the next block is to be read, and how much of it at most.
  [[nodiscard]] std::uint64_t read_position() const { return read_position_; }
  [[nodiscard]] std::size_t read_size(std::size_t block_bytes) const;

  /// `block` was read at `read_position` (it may be empty: the end), then the file was looked at. Gives the lines it
  /// completes, valid as long as `block` and until the next call.
  [[nodiscard]] std::span<const Line> on_block(std::string_view block, const FileLook& look, TimePoint now);

  /// The path that it was found by was looked at.
  void on_path(PathTarget target, TimePoint now);

  /// Time has come to `next_timer`: an unterminated last line, if the file is finished with it.
  [[nodiscard]] std::span<const Line> on_timer(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_timer() const;

  /// Whether more can be read at once, as far as is known.
  [[nodiscard]] bool has_more() const { return !is_finished_ && read_position_ < known_end(); }
  [[nodiscard]] bool is_rotated() const { return is_rotated_; }
  [[nodiscard]] bool is_linked() const { return is_linked_; }
  [[nodiscard]] bool is_finished() const { return is_finished_; }
  /// How often it has started over.
  [[nodiscard]] std::uint64_t restarts() const { return restarts_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] FilePosition position() const;

 private:
  [[nodiscard]] std::uint64_t known_end() const { return options_.mode == FileMode::kOnce ? limit_ : size_; }
  [[nodiscard]] std::string_view without_late_newline(std::string_view block);
  [[nodiscard]] std::span<const Line> give_last(std::string_view block);
  void start_over(const FileLook& look);

  Options options_;
  LineSplitter splitter_;
  Fingerprint fingerprint_;
  std::uint64_t read_position_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t limit_ = 0;  ///< mode `kOnce`: the end
  std::uint64_t lines_ = 0;
  std::uint64_t restarts_ = 0;
  TimePoint quiet_since_;
  bool is_unterminated_ = false;
  bool is_linked_ = true;
  bool is_rotated_ = false;
  bool is_finished_ = false;
};

}  // namespace millrace::connect
