#include "base/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace millrace {

std::uint32_t crc32c(Bytes bytes, std::uint32_t previous) {
  // ISA-L works on the plain remainder; the CRC's inversions at both ends are ours. Its length is an int.
  constexpr std::size_t kMost = 1U << 30;
  std::uint32_t remainder = ~previous;
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), kMost));
    auto* data = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(part.data()));
    remainder = crc32_iscsi(data, static_cast<int>(part.size()), remainder);
    bytes = bytes.subspan(part.size());
  }
  return ~remainder;
}

}  // namespace millrace
