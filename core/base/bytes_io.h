#pragma once

#include <bit>
#include <concepts>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/types.h"
#include "base/varint.h"

namespace millrace {

/// An integer in network byte order, at any address.
template <std::integral Integer>
[[nodiscard]] inline Integer load_be(const std::byte* from) {
  std::make_unsigned_t<Integer> value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (sizeof value > 1 && std::endian::native == std::endian::little) {
    if constexpr (sizeof value == 2) value = __builtin_bswap16(value);
    if constexpr (sizeof value == 4) value = __builtin_bswap32(value);
    if constexpr (sizeof value == 8) value = __builtin_bswap64(value);
  }
  return static_cast<Integer>(value);
}

template <std::integral Integer>
inline void store_be(std::byte* to, std::type_identity_t<Integer> number) {
  auto value = static_cast<std::make_unsigned_t<Integer>>(number);
  if constexpr (sizeof value > 1 && std::endian::native == std::endian::little) {
    if constexpr (sizeof value == 2) value = __builtin_bswap16(value);
    if constexpr (sizeof value == 4) value = __builtin_bswap32(value);
    if constexpr (sizeof value == 8) value = __builtin_bswap64(value);
  }
  std::memcpy(to, &value, sizeof value);
}

/// Reads big-endian numbers, varints and byte runs from memory. The first read past the end makes it fail: from then on
/// every read gives zero or nothing, so that a parser checks `ok()` once, and before it trusts a count.
///
/// Threading: one thread. A view: what it gives points into the bytes.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : begin_(bytes.data()), next_(begin_), end_(begin_ + bytes.size()) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t position() const { return static_cast<std::size_t>(next_ - begin_); }
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - next_); }

  template <std::integral Integer>
  Integer read() {
    if (left() < sizeof(Integer)) return failed<Integer>();
    const auto value = load_be<Integer>(next_);
    next_ += sizeof(Integer);
    return value;
  }
  std::uint32_t read_varint() { return static_cast<std::uint32_t>(varint(32)); }
  std::uint64_t read_varlong() { return varint(64); }
  std::int32_t read_zigzag() { return unzigzag(static_cast<std::uint32_t>(varint(32))); }
  std::int64_t read_zigzag_long() { return unzigzag(varint(64)); }
  Bytes read_bytes(std::size_t size) {
    if (left() < size) return failed<Bytes>();
    const Bytes bytes{next_, size};
    next_ += size;
    return bytes;
  }
  void skip(std::size_t size) { (void)read_bytes(size); }
  /// Makes it fail, when what was read makes no sense.
  void fail() { (void)failed<int>(); }

 private:
  template <class T>
  T failed() {
    ok_ = false;
    next_ = end_;
    return T{};
  }
  std::uint64_t varint(unsigned bits) {
    const auto found = get_varint(next_, end_, bits);
    if (found.next == nullptr) return failed<std::uint64_t>();
    next_ = found.next;
    return found.value;
  }

  const std::byte* begin_;
  const std::byte* next_;
  const std::byte* end_;
  bool ok_ = true;
};

/// Appends big-endian numbers, varints and byte runs to memory of its own.
///
/// Threading: one thread.
class ByteWriter {
 public:
  [[nodiscard]] Bytes bytes() const { return bytes_; }
  [[nodiscard]] MutableBytes mutable_bytes() { return bytes_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }
  void reserve(std::size_t size) { bytes_.reserve(size); }
  void clear() { bytes_.clear(); }

  template <std::integral Integer>
  void write(std::type_identity_t<Integer> value) {
    store_be<Integer>(grow(sizeof(Integer)), value);
  }
  void write_varint(std::uint64_t value) {
    std::byte room[kMaxVarint64Bytes];
    write_bytes({room, static_cast<std::size_t>(put_varint(room, value) - room)});
  }
  void write_zigzag(std::int32_t value) { write_varint(zigzag(value)); }
  void write_zigzag_long(std::int64_t value) { write_varint(zigzag(value)); }
  void write_bytes(Bytes bytes) {
    if (!bytes.empty()) std::memcpy(grow(bytes.size()), bytes.data(), bytes.size());
  }
  void write_text(std::string_view text) { write_bytes(as_bytes(text)); }
  /// Overwrites a number that was written before, such as a length that was not yet known.
  template <std::integral Integer>
  void patch(std::size_t position, std::type_identity_t<Integer> value) {
    store_be<Integer>(bytes_.data() + position, value);
  }

 private:
  std::byte* grow(std::size_t size) {
    bytes_.resize(bytes_.size() + size);
    return bytes_.data() + bytes_.size() - size;
  }

  std::vector<std::byte> bytes_;
};

}  // namespace millrace
