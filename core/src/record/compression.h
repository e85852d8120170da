#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/buffers.h"
#include "base/result.h"
#include "base/types.h"

namespace millrace {

/// How a batch's records are packed; the numbers are those of the batch's attributes.
enum class Compression : std::uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

/// "none", "gzip", ...: the words of `compression.type`.
[[nodiscard]] std::string_view name_of(Compression compression);
[[nodiscard]] std::optional<Compression> compression_from(std::string_view name);

/// Bytes in a pooled buffer.
struct PooledBytes {
  SharedBuffer buffer;
  MutableBytes bytes;
};

/// The codec's own default level.
inline constexpr int kDefaultLevel = INT32_MIN;

/// Packs `plain` in the format that Kafka's clients write: gzip; snappy in the blocks of snappy-java; an LZ4 frame with
/// independent blocks; a Zstandard frame. `headroom` bytes before the result are left free in its buffer. Errors:
/// `kUnknownServerError` if the codec fails.
[[nodiscard]] Result<PooledBytes> compress(Compression compression, Bytes plain, int level, std::size_t headroom,
                                           BufferPool& pool);

/// Unpacks what any Kafka client may have written; for snappy both snappy-java's blocks and one raw block (librdkafka).
/// Errors: `kCorruptMessage` when it is damaged, incomplete, or unpacks to more than `max_bytes`: no more than that is
/// ever allocated.
[[nodiscard]] Result<PooledBytes> decompress(Compression compression, Bytes packed, std::size_t max_bytes,
                                             BufferPool& pool);

}  // namespace millrace
