#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "file/open_file.h"
#include "millrace/result.h"

namespace millrace::connect {

/// Whether a file that begins with `head` is compressed by gzip.
[[nodiscard]] bool is_gzip(std::string_view head);

/// The plain bytes of a gzip file, of all its members one after the other.
///
/// Threading: one thread. Memory: a fixed buffer and zlib's window, about 100 KiB.
class GzipReader {
 public:
  /// `path` is for messages; `file` must outlive the reader.
  GzipReader(const OpenFile& file, std::string path);
  ~GzipReader();

  /// Up to the buffer's size; 0 at the end. Errors: `kMalformed` (damaged, or its end is missing; everything before was
  /// given), `kIo`.
  [[nodiscard]] Result<std::size_t> read(std::span<char> buffer);

  /// How much of the file itself was read.
  [[nodiscard]] std::uint64_t file_position() const;

 private:
  struct Inflater;
  [[nodiscard]] Result<std::size_t> refill();
  [[nodiscard]] std::unexpected<Error> damaged(std::string_view what) const;

  const OpenFile& file_;
  std::string path_;
  std::unique_ptr<Inflater> inflater_;
};

}  // namespace millrace::connect
