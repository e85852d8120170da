#include "protocol/decoder.h"

#include <fmt/format.h>

#include <cstring>

namespace millrace::protocol {

Bytes Decoder::take(std::size_t size) {
  if (failed()) return {};
  if (size > in_.size()) {
    fail("it ends too early");
    return {};
  }
  const auto bytes = in_.first(size);
  in_ = in_.subspan(size);
  return bytes;
}

void Decoder::uuid(Uuid& member) {
  const auto bytes = take(member.bytes.size());
  if (!failed()) std::memcpy(member.bytes.data(), bytes.data(), bytes.size());
}

std::uint32_t Decoder::unsigned_varint() {
  if (failed()) return 0;
  const auto found = get_varint(in_.data(), in_.data() + in_.size(), 32);
  if (found.next == nullptr) {
    fail("a number of variable length that does not end");
    return 0;
  }
  in_ = in_.subspan(static_cast<std::size_t>(found.next - in_.data()));
  return static_cast<std::uint32_t>(found.value);
}

NullableBytes Decoder::short_bytes(bool may_be_null) {
  if (compact_) return take_nullable(static_cast<std::int64_t>(unsigned_varint()) - 1, may_be_null);
  std::int16_t size = 0;
  scalar(size);
  return take_nullable(size, may_be_null);
}

NullableBytes Decoder::long_bytes(bool may_be_null) {
  if (compact_) return take_nullable(static_cast<std::int64_t>(unsigned_varint()) - 1, may_be_null);
  std::int32_t size = 0;
  scalar(size);
  return take_nullable(size, may_be_null);
}

std::optional<std::size_t> Decoder::array_size(bool may_be_null) {
  std::int64_t count = 0;
  if (compact_) {
    count = static_cast<std::int64_t>(unsigned_varint()) - 1;
  } else {
    std::int32_t size = 0;
    scalar(size);
    count = size;
  }
  if (failed()) return std::nullopt;
  if (count < 0) {
    if (!may_be_null) fail("an array that is null or has a negative length");
    return std::nullopt;
  }
  return static_cast<std::size_t>(count);
}

NullableBytes Decoder::take_nullable(std::int64_t size, bool may_be_null) {
  if (failed()) return {};
  if (size < 0) {
    if (!may_be_null || size != -1) fail("a length that is null or negative");
    return {};
  }
  const auto bytes = take(static_cast<std::size_t>(size));
  return failed() ? NullableBytes{} : NullableBytes{bytes};
}

void Decoder::fail(const char* problem) {
  if (problem_ == nullptr) problem_ = problem;
}

Error Decoder::error(std::string_view message_name) const {
  return {ErrorCode::kMalformed,
          fmt::format("cannot decode {} version {}: {}{}{}", message_name, version_, problem_,
                      bad_field_ != nullptr ? ", in field " : "", bad_field_ != nullptr ? bad_field_ : "")};
}

}  // namespace millrace::protocol
