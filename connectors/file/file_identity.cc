#include "file/file_identity.h"

namespace millrace::connect {
namespace {

/// FNV-1a, 64 bits: stored on disk, so it must stay what it is.
std::uint64_t hash_of(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const auto byte : bytes) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= 0x100000001b3ULL;
  }
  return hash;
}

}  // namespace

Fingerprint Fingerprint::of(std::string_view head) {
  head = head.substr(0, kMaxBytes);
  return {hash_of(head), static_cast<std::uint32_t>(head.size())};
}

bool Fingerprint::matches(std::string_view head) const {
  if (bytes_ == 0) return true;
  return head.size() >= bytes_ && hash_of(head.substr(0, bytes_)) == hash_;
}

}  // namespace millrace::connect
