#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/streams/record.h"
#include "millrace/types.h"

namespace millrace::streams {

/// Where state is written: a buffer that is handed on when it is full, so that a checkpoint of a large state needs no
/// second copy of it in memory.
///
/// Threading: one thread.
class StateWriter {
 public:
  using Sink = std::function<void(std::string_view)>;

  /// Without a sink everything stays in the buffer.
  explicit StateWriter(Sink sink = {}, std::size_t buffer_size = 1 << 20)
      : sink_(std::move(sink)), limit_(buffer_size) {}

  void bytes(std::string_view text) {
    buffer_.append(text);
    if (buffer_.size() >= limit_ && sink_) flush();
  }
  void number(std::uint64_t value) {
    char encoded[10];
    std::size_t size = 0;
    while (value >= 0x80) {
      encoded[size++] = static_cast<char>(value | 0x80);
      value >>= 7;
    }
    encoded[size++] = static_cast<char>(value);
    bytes({encoded, size});
  }
  void text(std::string_view value) {
    number(value.size());
    bytes(value);
  }
  /// Hands on what is buffered.
  void flush() {
    if (!sink_ || buffer_.empty()) return;
    sink_(buffer_);
    buffer_.clear();
  }
  [[nodiscard]] const std::string& buffer() const { return buffer_; }

 private:
  std::string buffer_;
  Sink sink_;
  std::size_t limit_;
};

/// Reads what a `StateWriter` wrote. After the first value that is not there, `ok()` is false and every value is empty:
/// check once, at the end.
///
/// A view over the bytes. Threading: one thread.
class StateReader {
 public:
  explicit StateReader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return spoil(), 0;
  }
  std::string_view bytes(std::size_t size) {
    if (size > rest_.size()) return spoil(), std::string_view{};
    const auto found = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return found;
  }
  std::string_view text() { return bytes(number()); }
  void spoil() {
    ok_ = false;
    rest_ = {};
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

/// How a type is written to checkpoints and repartition topics. Known: numbers, enums, texts, durations and time
/// points, `Record` keys, optionals, pairs, tuples, arrays, vectors, maps, and structs with a field list:
///
///     template <class Self, class Visitor>
///     static void fields(Self& self, Visitor& visit) { visit("hits", self.hits); visit("bytes", self.bytes); }
///
/// or with `void write_state(StateWriter&) const` and `static T read_state(StateReader&)`. Specialise it for others.
template <class T>
struct Codec;

namespace detail {
struct AnyVisitor {
  template <class F>
  void operator()(std::string_view, F&) {}
};
}  // namespace detail

template <class T>
concept HasFields = requires(T& value, detail::AnyVisitor& visit) { T::fields(value, visit); };

template <class T>
concept WritesItself = requires(const T& value, StateWriter& out, StateReader& in) {
  value.write_state(out);
  { T::read_state(in) } -> std::same_as<T>;
};

template <class T>
void write_state(StateWriter& out, const T& value) {
  Codec<T>::write(out, value);
}
template <class T>
[[nodiscard]] T read_state(StateReader& in) {
  return Codec<T>::read(in);
}

template <class T>
  requires std::integral<T> || std::is_enum_v<T>
struct Codec<T> {
  static void write(StateWriter& out, T value) {
    const auto wide = static_cast<std::int64_t>(value);
    out.number(static_cast<std::uint64_t>(wide) << 1 ^ static_cast<std::uint64_t>(wide >> 63));
  }
  static T read(StateReader& in) {
    const auto wide = in.number();
    return static_cast<T>(static_cast<std::int64_t>(wide >> 1) ^ -static_cast<std::int64_t>(wide & 1));
  }
};

template <std::floating_point T>
struct Codec<T> {
  static void write(StateWriter& out, T value) {
    const auto wide = static_cast<double>(value);
    out.bytes({reinterpret_cast<const char*>(&wide), sizeof wide});
  }
  static T read(StateReader& in) {
    double wide = 0;
    const auto bytes = in.bytes(sizeof wide);
    if (in.ok()) std::memcpy(&wide, bytes.data(), sizeof wide);
    return static_cast<T>(wide);
  }
};

template <>
struct Codec<std::string> {
  static void write(StateWriter& out, std::string_view value) { out.text(value); }
  static std::string read(StateReader& in) { return std::string{in.text()}; }
};

/// Read back as a view into the bytes: only for records of a repartition topic, which keep their bytes.
template <>
struct Codec<std::string_view> {
  static void write(StateWriter& out, std::string_view value) { out.text(value); }
  static std::string_view read(StateReader& in) { return in.text(); }
};

template <>
struct Codec<NullableBytes> {
  static void write(StateWriter& out, const NullableBytes& value) {
    out.number(value.is_null() ? 0 : value.size() + 1);
    out.bytes(value.text());
  }
  static NullableBytes read(StateReader& in) {
    const auto size = in.number();
    return size == 0 ? NullableBytes{} : NullableBytes{in.bytes(size - 1)};
  }
};

template <>
struct Codec<All> {
  static void write(StateWriter&, All) {}
  static All read(StateReader&) { return {}; }
};

template <class Rep, class Period>
struct Codec<std::chrono::duration<Rep, Period>> {
  using Value = std::chrono::duration<Rep, Period>;
  static void write(StateWriter& out, Value value) { write_state(out, value.count()); }
  static Value read(StateReader& in) { return Value{read_state<Rep>(in)}; }
};

template <class ClockType, class Unit>
struct Codec<std::chrono::time_point<ClockType, Unit>> {
  using Value = std::chrono::time_point<ClockType, Unit>;
  static void write(StateWriter& out, Value value) { write_state(out, value.time_since_epoch()); }
  static Value read(StateReader& in) { return Value{read_state<Unit>(in)}; }
};

template <class Tag, class Rep>
struct Codec<Strong<Tag, Rep>> {
  static void write(StateWriter& out, Strong<Tag, Rep> value) { write_state(out, value.value()); }
  static Strong<Tag, Rep> read(StateReader& in) { return Strong<Tag, Rep>{read_state<Rep>(in)}; }
};

template <class T>
struct Codec<std::optional<T>> {
  static void write(StateWriter& out, const std::optional<T>& value) {
    out.number(value.has_value() ? 1 : 0);
    if (value) write_state(out, *value);
  }
  static std::optional<T> read(StateReader& in) {
    if (in.number() == 0) return std::nullopt;
    return read_state<T>(in);
  }
};

template <class... Parts>
struct Codec<std::tuple<Parts...>> {
  static void write(StateWriter& out, const std::tuple<Parts...>& value) {
    std::apply([&](const auto&... part) { (write_state(out, part), ...); }, value);
  }
  static std::tuple<Parts...> read(StateReader& in) { return std::tuple<Parts...>{read_state<Parts>(in)...}; }
};

template <class A, class B>
struct Codec<std::pair<A, B>> {
  static void write(StateWriter& out, const std::pair<A, B>& value) {
    write_state(out, value.first);
    write_state(out, value.second);
  }
  static std::pair<A, B> read(StateReader& in) {
    auto first = read_state<A>(in);
    return {std::move(first), read_state<B>(in)};
  }
};

template <class T, std::size_t N>
struct Codec<std::array<T, N>> {
  static void write(StateWriter& out, const std::array<T, N>& value) {
    for (const auto& item : value) write_state(out, item);
  }
  static std::array<T, N> read(StateReader& in) {
    std::array<T, N> value{};
    for (auto& item : value) item = read_state<T>(in);
    return value;
  }
};

template <class T>
struct Codec<std::vector<T>> {
  static void write(StateWriter& out, const std::vector<T>& value) {
    out.number(value.size());
    for (const auto& item : value) write_state(out, item);
  }
  static std::vector<T> read(StateReader& in) {
    std::vector<T> value;
    for (auto left = in.number(); left > 0 && in.ok(); --left) value.push_back(read_state<T>(in));
    return value;
  }
};

template <class K, class V, class Less>
struct Codec<std::map<K, V, Less>> {
  static void write(StateWriter& out, const std::map<K, V, Less>& value) {
    out.number(value.size());
    for (const auto& item : value) {
      write_state(out, item.first);
      write_state(out, item.second);
    }
  }
  static std::map<K, V, Less> read(StateReader& in) {
    std::map<K, V, Less> value;
    for (auto left = in.number(); left > 0 && in.ok(); --left) {
      auto key = read_state<K>(in);
      value.emplace_hint(value.end(), std::move(key), read_state<V>(in));
    }
    return value;
  }
};

template <class K>
struct Codec<Windowed<K>> {
  static void write(StateWriter& out, const Windowed<K>& value) {
    write_state(out, value.window.start);
    write_state(out, value.window.end);
    write_state(out, value.key);
  }
  static Windowed<K> read(StateReader& in) {
    const auto start = read_state<Timestamp>(in);
    const auto end = read_state<Timestamp>(in);
    return {read_state<K>(in), {start, end}};
  }
};

template <HasFields T>
struct Codec<T> {
  static void write(StateWriter& out, const T& value) {
    const auto visit = [&](std::string_view, const auto& field) { write_state(out, field); };
    T::fields(value, visit);
  }
  static T read(StateReader& in) {
    T value{};
    const auto visit = [&](std::string_view, auto& field) { field = read_state<std::decay_t<decltype(field)>>(in); };
    T::fields(value, visit);
    return value;
  }
};

template <class T>
  requires(WritesItself<T> && !HasFields<T>)
struct Codec<T> {
  static void write(StateWriter& out, const T& value) { value.write_state(out); }
  static T read(StateReader& in) { return T::read_state(in); }
};

/// True when `T` can be kept in a checkpoint.
template <class T>
concept HasCodec = requires(StateWriter& out, StateReader& in, const T& value) {
  Codec<T>::write(out, value);
  { Codec<T>::read(in) } -> std::convertible_to<T>;
};

}  // namespace millrace::streams
