#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::connect {

/// Which file it is, whatever its name. Inode numbers are used again, so the fingerprint has the last word.
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  auto operator<=>(const FileId&) const = default;
};

/// A hash of a file's first bytes, up to `kMaxBytes` of them. While the file is shorter it covers what there is, and
/// grows with the file: a fingerprint of fewer bytes still tells whether those bytes are the same.
///
/// Threading: a value.
class Fingerprint {
 public:
  static constexpr std::size_t kMaxBytes = 1024;

  Fingerprint() = default;
  Fingerprint(std::uint64_t hash, std::uint32_t bytes) : hash_(hash), bytes_(bytes) {}
  /// Of a file that begins with `head`.
  static Fingerprint of(std::string_view head);

  /// Whether a file that begins with `head` may be the one this was taken of. `head` has `kMaxBytes` bytes or the whole
  /// file.
  [[nodiscard]] bool matches(std::string_view head) const;

  [[nodiscard]] bool is_full() const { return bytes_ == kMaxBytes; }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::uint32_t bytes() const { return bytes_; }
  bool operator==(const Fingerprint&) const = default;

 private:
  std::uint64_t hash_ = 0;
  std::uint32_t bytes_ = 0;
};

}  // namespace millrace::connect
