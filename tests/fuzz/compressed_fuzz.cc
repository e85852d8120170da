// Compressed blocks of each codec: whatever the bytes, they are refused or unpack to no more than was allowed.

#include <cstring>
#include <string>

#include "base/assert.h"
#include "base/random.h"
#include "fuzz/fuzz_target.h"
#include "record/compression.h"

namespace millrace {
namespace {

constexpr std::size_t kMostUnpacked = 1 << 18;
constexpr std::uint8_t kCodecs = 4;  ///< gzip, snappy, lz4, zstd

}  // namespace
}  // namespace millrace

/// The first byte chooses the codec.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;  // NOLINT: one function
  static BufferPool pool;
  if (size == 0) return 0;
  const auto codec = static_cast<Compression>(1 + data[0] % kCodecs);
  const auto plain = decompress(codec, std::as_bytes(std::span{data + 1, size - 1}), kMostUnpacked, pool);
  if (!plain) return 0;
  MILLRACE_ASSERT(plain->bytes.size() <= kMostUnpacked);
  const auto packed = compress(codec, plain->bytes, kDefaultLevel, 0, pool);
  MILLRACE_ASSERT(packed);
  const auto again = decompress(codec, packed->bytes, kMostUnpacked, pool);
  MILLRACE_ASSERT(again && std::ranges::equal(again->bytes, plain->bytes));
  return 0;
}

namespace millrace::test {

std::vector<std::uint8_t> valid_input(std::uint64_t seed) {
  static BufferPool pool;
  Random random{seed};
  std::vector<std::byte> plain(random.below(5000));
  for (auto& byte : plain) byte = static_cast<std::byte>(random.below(1 + seed % 7) + 'a');
  const auto codec = static_cast<std::uint8_t>(random.below(kCodecs));
  const auto packed = compress(static_cast<Compression>(1 + codec), plain, kDefaultLevel, 0, pool);
  MILLRACE_ASSERT(packed);
  std::vector<std::uint8_t> input(1 + packed->bytes.size());
  input[0] = codec;
  std::memcpy(input.data() + 1, packed->bytes.data(), packed->bytes.size());
  return input;
}

}  // namespace millrace::test
