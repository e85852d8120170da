#include "coordinator/coordinator_shards.h"

#include <cstdlib>
#include <limits>

namespace millrace {
namespace {

/// Java's String.hashCode, over the UTF-16 units that the text's UTF-8 stands for.
std::int32_t java_hash(std::string_view text) {
  std::uint32_t hash = 0;
  const auto add = [&](std::uint32_t unit) { hash = 31 * hash + unit; };
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    std::uint32_t code = size == 1 ? lead : lead & (0xffU >> (size + 1));
    for (std::size_t k = 1; k < size && i + k < text.size(); ++k) {
      code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fU);
    }
    i += size;
    if (code >= 0x10000) {
      add(0xd800 + ((code - 0x10000) >> 10));
      add(0xdc00 + ((code - 0x10000) & 0x3ff));
    } else {
      add(code);
    }
  }
  return static_cast<std::int32_t>(hash);
}

}  // namespace

PartitionIndex partition_of_group(std::string_view group, std::int32_t partitions) {
  const auto hash = java_hash(group);
  const auto positive = hash == std::numeric_limits<std::int32_t>::min() ? 0 : std::abs(hash);
  return PartitionIndex{positive % partitions};
}

}  // namespace millrace
