#include "record/compression.h"

#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "base/bytes_io.h"

namespace millrace {
namespace {

std::unexpected<Error> damaged(std::string_view codec, std::string_view problem) {
  return fail(ErrorCode::kCorruptMessage,
              std::string{"cannot unpack "}.append(codec).append(" records: ").append(problem));
}
std::unexpected<Error> too_large(std::string_view codec, std::size_t max_bytes) {
  return damaged(codec, "they are larger than the " + std::to_string(max_bytes) + " bytes that are allowed");
}
std::unexpected<Error> cannot_pack(std::string_view codec, std::string_view problem) {
  return fail(ErrorCode::kUnknownServerError,
              std::string{"cannot pack records with "}.append(codec).append(": ").append(problem));
}

/// A pooled buffer that grows by doubling, up to a limit.
class Output {
 public:
  Output(BufferPool& pool, std::size_t expected, std::size_t limit)
      : pool_(&pool), limit_(limit), buffer_(pool.take(std::min(expected, limit))) {}

  /// Room after what is there, at least one byte; none when the limit is reached.
  MutableBytes room() {
    if (used_ == capacity() && used_ < limit_) grow();
    return buffer_.bytes().subspan(used_, capacity() - used_);
  }
  void add(std::size_t size) { used_ += size; }
  [[nodiscard]] std::size_t left() const { return limit_ - used_; }
  PooledBytes take() { return {buffer_, buffer_.bytes().first(used_)}; }

 private:
  [[nodiscard]] std::size_t capacity() const { return std::min(buffer_.capacity(), limit_); }
  void grow() {
    auto larger = pool_->take(std::min(limit_, buffer_.capacity() * 2));
    std::memcpy(larger.data(), buffer_.data(), used_);
    buffer_ = std::move(larger);
  }

  BufferPool* pool_;
  std::size_t limit_;
  SharedBuffer buffer_;
  std::size_t used_ = 0;
};

PooledBytes room_for(std::size_t headroom, std::size_t bound, BufferPool& pool) {
  auto buffer = pool.take(headroom + bound);
  return {buffer, buffer.bytes().subspan(headroom)};
}

std::size_t expected_size(Bytes packed) { return std::max<std::size_t>(packed.size() * 4, 4096); }

// gzip ----------------------------------------------------------------------------------------------------------------

constexpr int kGzipWindow = 15 + 16;

Result<PooledBytes> gzip_pack(Bytes plain, int level, std::size_t headroom, BufferPool& pool) {
  z_stream stream{};
  if (deflateInit2(&stream, level == kDefaultLevel ? Z_DEFAULT_COMPRESSION : level, Z_DEFLATED, kGzipWindow, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return cannot_pack("gzip", "wrong level or no memory");
  }
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard{&stream, deflateEnd};
  auto packed = room_for(headroom, deflateBound(&stream, plain.size()), pool);
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.bytes.data());
  stream.avail_out = static_cast<uInt>(packed.bytes.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) return cannot_pack("gzip", "the output is larger than its bound");
  packed.bytes = packed.bytes.first(stream.total_out);
  return packed;
}

Result<PooledBytes> gzip_unpack(Bytes packed, std::size_t max_bytes, BufferPool& pool) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) return damaged("gzip", "no memory");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard{&stream, inflateEnd};
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  Output output{pool, expected_size(packed), max_bytes};
  while (true) {
    const auto room = output.room();
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = static_cast<uInt>(std::min<std::size_t>(room.size(), 1U << 30));
    const auto offered = stream.avail_out;
    const auto status = inflate(&stream, Z_NO_FLUSH);
    output.add(offered - stream.avail_out);
    if (status == Z_STREAM_END) {
      if (stream.avail_in == 0) return output.take();
      // Members that follow one another are one stream.
      if (inflateReset(&stream) != Z_OK) return damaged("gzip", "it cannot be continued");
    } else if (status == Z_BUF_ERROR && offered == 0) {
      return too_large("gzip", max_bytes);
    } else if (status != Z_OK) {
      return damaged("gzip", status == Z_BUF_ERROR ? "they are cut off" : stream.msg ? stream.msg : "they are damaged");
    }
  }
}

// snappy: snappy-java's stream is a header and blocks, each with its packed length before it
// ------------------------------

constexpr std::array<std::uint8_t, 16> kSnappyJavaHeader{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1};
constexpr std::size_t kSnappyJavaMagic = 8;
constexpr std::size_t kSnappyBlock = 32 * 1024;

const char* chars(Bytes bytes) { return reinterpret_cast<const char*>(bytes.data()); }

Result<PooledBytes> snappy_pack(Bytes plain, int /*level*/, std::size_t headroom, BufferPool& pool) {
  const auto blocks = plain.size() / kSnappyBlock + 1;
  const auto bound = kSnappyJavaHeader.size() + blocks * (4 + snappy::MaxCompressedLength(kSnappyBlock));
  auto packed = room_for(headroom, bound, pool);
  auto* out = packed.bytes.data();
  std::memcpy(out, kSnappyJavaHeader.data(), kSnappyJavaHeader.size());
  out += kSnappyJavaHeader.size();
  while (!plain.empty()) {
    const auto block = plain.first(std::min(plain.size(), kSnappyBlock));
    std::size_t size = 0;
    snappy::RawCompress(chars(block), block.size(), reinterpret_cast<char*>(out + 4), &size);
    store_be<std::int32_t>(out, static_cast<std::int32_t>(size));
    out += 4 + size;
    plain = plain.subspan(block.size());
  }
  packed.bytes = packed.bytes.first(static_cast<std::size_t>(out - packed.bytes.data()));
  return packed;
}

/// What a block says it unpacks to; it is believed only as far as snappy's ratio allows.
Result<std::size_t> snappy_size(Bytes block, std::size_t limit, std::size_t max_bytes) {
  std::size_t size = 0;
  if (!snappy::GetUncompressedLength(chars(block), block.size(), &size)) return damaged("snappy", "no length");
  if (size > limit) return too_large("snappy", max_bytes);
  // A copy of up to 64 bytes takes three.
  if (size / 64 > block.size()) return damaged("snappy", "an impossible length");
  return size;
}

Result<PooledBytes> snappy_unpack(Bytes packed, std::size_t max_bytes, BufferPool& pool) {
  std::vector<Bytes> blocks;
  if (packed.size() >= kSnappyJavaHeader.size() &&
      std::memcmp(packed.data(), kSnappyJavaHeader.data(), kSnappyJavaMagic) == 0) {
    ByteReader reader{packed.subspan(kSnappyJavaHeader.size())};
    while (reader.left() > 0) {
      const auto size = reader.read<std::int32_t>();
      if (size < 0) return damaged("snappy", "a negative length");
      blocks.push_back(reader.read_bytes(static_cast<std::size_t>(size)));
      if (!reader.ok()) return damaged("snappy", "they are cut off");
    }
  } else {
    blocks.push_back(packed);
  }
  std::size_t total = 0;
  for (const auto block : blocks) {
    MILLRACE_TRY(size, snappy_size(block, max_bytes - total, max_bytes));
    total += size;
  }
  auto buffer = pool.take(total);
  auto* out = reinterpret_cast<char*>(buffer.data());
  for (const auto block : blocks) {
    std::size_t size = 0;
    if (!snappy::GetUncompressedLength(chars(block), block.size(), &size) ||
        !snappy::RawUncompress(chars(block), block.size(), out)) {
      return damaged("snappy", "they are damaged");
    }
    out += size;
  }
  return PooledBytes{buffer, buffer.bytes().first(total)};
}

// lz4: Java's reader wants independent blocks
// -----------------------------------------------------------------------------

Result<PooledBytes> lz4_pack(Bytes plain, int level, std::size_t headroom, BufferPool& pool) {
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.compressionLevel = level == kDefaultLevel ? 0 : level;
  auto packed = room_for(headroom, LZ4F_compressFrameBound(plain.size(), &preferences), pool);
  const auto size =
      LZ4F_compressFrame(packed.bytes.data(), packed.bytes.size(), plain.data(), plain.size(), &preferences);
  if (LZ4F_isError(size) != 0) return cannot_pack("lz4", LZ4F_getErrorName(size));
  packed.bytes = packed.bytes.first(size);
  return packed;
}

Result<PooledBytes> lz4_unpack(Bytes packed, std::size_t max_bytes, BufferPool& pool) {
  LZ4F_dctx* raw = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&raw, LZ4F_VERSION)) != 0) return damaged("lz4", "no memory");
  const std::unique_ptr<LZ4F_dctx, LZ4F_errorCode_t (*)(LZ4F_dctx*)> context{raw, LZ4F_freeDecompressionContext};
  Output output{pool, expected_size(packed), max_bytes};
  std::size_t hint = 1;
  while (!packed.empty() || hint != 0) {
    const auto room = output.room();
    auto produced = room.size();
    auto consumed = packed.size();
    hint = LZ4F_decompress(context.get(), room.data(), &produced, packed.data(), &consumed, nullptr);
    if (LZ4F_isError(hint) != 0) return damaged("lz4", LZ4F_getErrorName(hint));
    output.add(produced);
    packed = packed.subspan(consumed);
    if (consumed == 0 && produced == 0 && hint != 0) {
      if (room.empty()) return too_large("lz4", max_bytes);
      return damaged("lz4", "they are cut off");
    }
  }
  return output.take();
}

// zstd ----------------------------------------------------------------------------------------------------------------

Result<PooledBytes> zstd_pack(Bytes plain, int level, std::size_t headroom, BufferPool& pool) {
  static thread_local const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context{ZSTD_createCCtx(),
                                                                                            ZSTD_freeCCtx};
  if (!context) return cannot_pack("zstd", "no memory");
  auto packed = room_for(headroom, ZSTD_compressBound(plain.size()), pool);
  const auto size = ZSTD_compressCCtx(context.get(), packed.bytes.data(), packed.bytes.size(), plain.data(),
                                      plain.size(), level == kDefaultLevel ? ZSTD_CLEVEL_DEFAULT : level);
  if (ZSTD_isError(size) != 0) return cannot_pack("zstd", ZSTD_getErrorName(size));
  packed.bytes = packed.bytes.first(size);
  return packed;
}

Result<PooledBytes> zstd_unpack(Bytes packed, std::size_t max_bytes, BufferPool& pool) {
  static thread_local const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context{ZSTD_createDCtx(),
                                                                                            ZSTD_freeDCtx};
  if (!context) return damaged("zstd", "no memory");
  (void)ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_only);
  const auto declared = ZSTD_getFrameContentSize(packed.data(), packed.size());
  const bool known = declared != ZSTD_CONTENTSIZE_UNKNOWN && declared != ZSTD_CONTENTSIZE_ERROR;
  if (known && declared > max_bytes) return too_large("zstd", max_bytes);
  // A frame's own word for its size is not worth more memory than its bytes make likely; the buffer grows.
  const auto expected = known ? std::min<std::size_t>(declared, packed.size() * 64) : expected_size(packed);
  Output output{pool, expected, max_bytes};
  ZSTD_inBuffer input{packed.data(), packed.size(), 0};
  std::size_t hint = 1;
  while (input.pos < input.size || hint != 0) {
    const auto room = output.room();
    ZSTD_outBuffer out{room.data(), room.size(), 0};
    const auto before = input.pos;
    hint = ZSTD_decompressStream(context.get(), &out, &input);
    if (ZSTD_isError(hint) != 0) return damaged("zstd", ZSTD_getErrorName(hint));
    output.add(out.pos);
    if (hint != 0 && out.pos == 0 && input.pos == before) {
      if (room.empty()) return too_large("zstd", max_bytes);
      return damaged("zstd", "they are cut off");
    }
  }
  return output.take();
}

struct Codec {
  std::string_view name;
  Result<PooledBytes> (*pack)(Bytes, int, std::size_t, BufferPool&);
  Result<PooledBytes> (*unpack)(Bytes, std::size_t, BufferPool&);
};

// In the order of `Compression`.
constexpr std::array<Codec, 5> kCodecs{{
    {"none", nullptr, nullptr},
    {"gzip", gzip_pack, gzip_unpack},
    {"snappy", snappy_pack, snappy_unpack},
    {"lz4", lz4_pack, lz4_unpack},
    {"zstd", zstd_pack, zstd_unpack},
}};

const Codec* codec_of(Compression compression) {
  const auto index = static_cast<std::size_t>(compression);
  return index < kCodecs.size() ? &kCodecs[index] : nullptr;
}

}  // namespace

std::string_view name_of(Compression compression) {
  const auto* codec = codec_of(compression);
  return codec != nullptr ? codec->name : "unknown";
}

std::optional<Compression> compression_from(std::string_view name) {
  for (std::size_t i = 0; i < kCodecs.size(); ++i) {
    if (kCodecs[i].name == name) return static_cast<Compression>(i);
  }
  return std::nullopt;
}

Result<PooledBytes> compress(Compression compression, Bytes plain, int level, std::size_t headroom, BufferPool& pool) {
  const auto* codec = codec_of(compression);
  if (codec == nullptr || codec->pack == nullptr) {
    return fail(ErrorCode::kUnsupportedCompressionType, "cannot pack records: no such codec");
  }
  return codec->pack(plain, level, headroom, pool);
}

Result<PooledBytes> decompress(Compression compression, Bytes packed, std::size_t max_bytes, BufferPool& pool) {
  const auto* codec = codec_of(compression);
  if (codec == nullptr || codec->unpack == nullptr) {
    return fail(ErrorCode::kUnsupportedCompressionType, "cannot unpack records: no such codec");
  }
  return codec->unpack(packed, max_bytes, pool);
}

}  // namespace millrace
