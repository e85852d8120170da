#include "file/gzip_reader.h"

#include <fmt/core.h>
#include <zlib.h>

#include <array>

#include "base/assert.h"

namespace millrace::connect {

bool is_gzip(std::string_view head) { return head.starts_with("\x1f\x8b\x08"); }

struct GzipReader::Inflater {
  z_stream stream{};
  std::array<char, 65536> input;
  std::uint64_t read_bytes = 0;  ///< of the file
  bool in_member = true;         ///< whether a member has begun and not ended

  // 16 on top of the window's bits: expect gzip's header and trailer.
  Inflater() { MILLRACE_ASSERT(inflateInit2(&stream, 15 + 16) == Z_OK); }
  ~Inflater() { inflateEnd(&stream); }
};

GzipReader::GzipReader(const OpenFile& file, std::string path)
    : file_(file), path_(std::move(path)), inflater_(std::make_unique<Inflater>()) {}

GzipReader::~GzipReader() = default;

std::uint64_t GzipReader::file_position() const { return inflater_->read_bytes - inflater_->stream.avail_in; }

Result<std::size_t> GzipReader::read(std::span<char> buffer) {
  auto& stream = inflater_->stream;
  stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
  stream.avail_out = static_cast<uInt>(buffer.size());
  const auto given = [&] { return buffer.size() - stream.avail_out; };

  while (stream.avail_out > 0) {
    if (stream.avail_in == 0) {
      MILLRACE_TRY(bytes, refill());
      if (bytes == 0) {
        if (!inflater_->in_member || given() > 0) return given();
        return damaged("it ends in the middle");
      }
    }
    if (!inflater_->in_member) {
      // Some writers pad the last member with zeros.
      if (*stream.next_in == 0) {
        stream.avail_in = 0;
        continue;
      }
      inflateReset(&stream);
      inflater_->in_member = true;
    }
    const auto outcome = inflate(&stream, Z_NO_FLUSH);
    if (outcome == Z_STREAM_END) {
      inflater_->in_member = false;
    } else if (outcome != Z_OK) {
      // What was inflated before the damage is given first; the next call meets the damage again.
      if (given() > 0) return given();
      return damaged(stream.msg != nullptr ? stream.msg : "it cannot be decompressed");
    }
  }
  return given();
}

Result<std::size_t> GzipReader::refill() {
  auto& inflater = *inflater_;
  MILLRACE_TRY(bytes, file_.read_at(inflater.read_bytes, inflater.input));
  inflater.stream.next_in = reinterpret_cast<Bytef*>(inflater.input.data());
  inflater.stream.avail_in = static_cast<uInt>(bytes);
  inflater.read_bytes += bytes;
  return bytes;
}

std::unexpected<Error> GzipReader::damaged(std::string_view what) const {
  return fail(ErrorCode::kMalformed,
              fmt::format("{} is damaged at byte {}: {}. The lines before were read; see: gzip -t {}", path_,
                          file_position(), what, path_));
}

}  // namespace millrace::connect
