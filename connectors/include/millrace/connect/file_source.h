#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/connect/source.h"

namespace millrace::connect {

/// Memory for lines that a transform makes. It lasts until the batch is sent.
///
/// Threading: one thread. Cost: no allocation once it has grown to what a batch needs.
class LineScratch {
 public:
  /// `size` bytes to write to.
  [[nodiscard]] std::span<char> take(std::size_t size);
  /// Everything taken so far is free again.
  void reset();

 private:
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
  };
  std::vector<Chunk> chunks_;
  std::size_t current_ = 0;
  std::size_t used_ = 0;
};

/// Changes a line before it is stored: gives the line itself, a part of it, or something made in `scratch`.
using LineTransform = std::function<std::string_view(std::string_view line, LineScratch& scratch)>;

/// A line longer than `max.line.bytes` is stored cut at that length with this header, whose value is the line's full
/// length in bytes, in decimal.
inline constexpr std::string_view kCutLineHeader = "line.bytes";

/// Reads text files line by line and follows them: `connector.class=FileSource`.
///
/// A record is one line: the value without its "\n" or "\r\n", no key, the time of capture as timestamp. Every line is
/// given, empty and binary ones too.
///
/// `file` lists paths and globs, separated by commas (a comma in a path is written `\,`); `-` is standard input. With
/// `mode=follow` they may appear later; with `mode=once` they are read to where they end when the task starts. gzip is
/// recognised by its first bytes and read with `mode=once`. A file is known by device, inode and a fingerprint of
/// its first 1024 bytes, never by its path: renamed, it is read to its end, then its successor; truncated, it is read
/// from its start; found again after a restart, under whatever name in the same folder, it is read on.
///
/// An unterminated last line waits for its newline; it is given as it is with `mode=once`, and once a file that was
/// renamed or deleted has been quiet for `rotate.wait.ms`.
///
/// `words` are those its messages use for what a program's user says otherwise.
struct FileSourceWords {
  std::string once = "mode=once";
};
[[nodiscard]] std::unique_ptr<SourceConnector> make_file_source(LineTransform transform = {},
                                                                FileSourceWords words = {});

/// A list of paths as the value of `file`.
[[nodiscard]] std::string join_file_list(std::span<const std::string> paths);

}  // namespace millrace::connect
