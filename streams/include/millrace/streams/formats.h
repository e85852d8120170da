#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "millrace/client.h"
#include "millrace/result.h"
#include "millrace/streams/codec.h"
#include "millrace/streams/record.h"

namespace millrace::streams {

/// Makes a `T` of a record. Any function of `const RecordView&` or of the value's `std::string_view` serves, and gives
/// `Result<T>` or `T`; a `T` may hold views into the record's bytes. It is called from several threads at once.
template <class T>
using Decoder = std::function<Result<T>(const RecordView&)>;

namespace detail {
template <class R>
struct DecodedAs {
  using type = R;
};
template <class T>
struct DecodedAs<Result<T>> {
  using type = T;
};

template <class D>
concept DecodesRecord = std::invocable<const D&, const RecordView&>;
template <class D>
concept DecodesValue = !DecodesRecord<D> && std::invocable<const D&, std::string_view>;

template <class D>
struct DecoderTraits {
  static_assert(
      DecodesRecord<D> || DecodesValue<D>,
      "a decoder must be callable as `Result<T>(const RecordView&)` or `Result<T>(std::string_view)` and const");
};
template <DecodesRecord D>
struct DecoderTraits<D> {
  using Returned = std::invoke_result_t<const D&, const RecordView&>;
  using Value = typename DecodedAs<std::decay_t<Returned>>::type;
  static Returned decode(const D& decoder, const RecordView& record) { return std::invoke(decoder, record); }
};
template <DecodesValue D>
struct DecoderTraits<D> {
  using Returned = std::invoke_result_t<const D&, std::string_view>;
  using Value = typename DecodedAs<std::decay_t<Returned>>::type;
  static Returned decode(const D& decoder, const RecordView& record) {
    return std::invoke(decoder, record.value.text());
  }
};
}  // namespace detail

/// What a decoder makes.
template <class D>
using DecodedBy = typename detail::DecoderTraits<std::decay_t<D>>::Value;

/// Decoder: the value's text as it is, a view; a null value is empty.
struct Text {
  Result<std::string_view> operator()(const RecordView& record) const { return record.value.text(); }
};
[[nodiscard]] inline Text text() { return {}; }

/// Decoder: a decimal number.
struct Integer {
  Result<std::int64_t> operator()(std::string_view value) const {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size()) {
      return millrace::fail(ErrorCode::kDecodeFailed,
                            '"' + std::string{value.substr(0, 100)} + "\" is not a whole number");
    }
    return number;
  }
};
[[nodiscard]] inline Integer integer() { return {}; }

/// A decoder for the record's key from one for texts: `builder.stream("orders", key(text()), order())`.
template <class D>
struct KeyDecoder {
  D decoder;
  auto operator()(const RecordView& record) const {
    auto shifted = record;
    shifted.value = record.key;
    return detail::DecoderTraits<D>::decode(decoder, shifted);
  }
};
template <class D>
[[nodiscard]] KeyDecoder<D> key(D decoder) {
  return {std::move(decoder)};
}

/// How a type reads in a topic when no encoder is given: texts as they are, numbers in decimal, time points in ISO
/// 8601, structs with a field list as a JSON object, tuples joined by tabs, and windowed keys as "START KEY". An empty
/// optional is null: a tombstone. Specialise `append` for others or give `.to` a function.
template <class T>
struct Format;

namespace detail {
void append_number(std::string& out, std::int64_t number);
void append_number(std::string& out, std::uint64_t number);
void append_number(std::string& out, double number);
void append_time(std::string& out, Timestamp time);
void append_json_text(std::string& out, std::string_view text);
}  // namespace detail

template <class T>
concept HasFormat = requires(std::string& out, const T& value) { Format<T>::append(out, value); };

template <class T>
  requires std::convertible_to<T, std::string_view>
struct Format<T> {
  static void append(std::string& out, std::string_view value) { out += value; }
};
template <std::signed_integral T>
struct Format<T> {
  static void append(std::string& out, T value) { detail::append_number(out, static_cast<std::int64_t>(value)); }
};
template <std::unsigned_integral T>
struct Format<T> {
  static void append(std::string& out, T value) { detail::append_number(out, static_cast<std::uint64_t>(value)); }
};
template <std::floating_point T>
struct Format<T> {
  static void append(std::string& out, T value) { detail::append_number(out, static_cast<double>(value)); }
};
template <class T>
  requires std::is_enum_v<T>
struct Format<T> {
  static void append(std::string& out, T value) { detail::append_number(out, static_cast<std::int64_t>(value)); }
};
template <>
struct Format<NullableBytes> {
  static void append(std::string& out, const NullableBytes& value) { out += value.text(); }
};
template <>
struct Format<All> {
  static void append(std::string&, All) {}
};
template <class Unit>
struct Format<std::chrono::sys_time<Unit>> {
  static void append(std::string& out, std::chrono::sys_time<Unit> time) {
    detail::append_time(out, std::chrono::floor<std::chrono::milliseconds>(time));
  }
};
template <class... Parts>
struct Format<std::tuple<Parts...>> {
  static void append(std::string& out, const std::tuple<Parts...>& value) {
    const char* between = "";
    std::apply(
        [&](const auto&... part) {
          ((out += between, Format<std::decay_t<decltype(part)>>::append(out, part), between = "\t"), ...);
        },
        value);
  }
};
template <class A, class B>
struct Format<std::pair<A, B>> {
  static void append(std::string& out, const std::pair<A, B>& value) {
    Format<A>::append(out, value.first);
    out += '\t';
    Format<B>::append(out, value.second);
  }
};
template <class K>
struct Format<Windowed<K>> {
  static void append(std::string& out, const Windowed<K>& value) {
    detail::append_time(out, value.window.start);
    if constexpr (!std::is_same_v<K, All>) out += ' ';
    Format<K>::append(out, value.key);
  }
};
template <HasFields T>
struct Format<T> {
  static void append(std::string& out, const T& value) {
    char before = '{';
    const auto visit = [&](std::string_view name, const auto& field) {
      using Field = std::decay_t<decltype(field)>;
      out += before;
      before = ',';
      out += '"';
      out += name;
      out += "\":";
      if constexpr (std::is_arithmetic_v<Field> || HasFields<Field>) {
        Format<Field>::append(out, field);
      } else {
        std::string text;
        Format<Field>::append(text, field);
        detail::append_json_text(out, text);
      }
    };
    T::fields(value, visit);
    out += before == '{' ? "{}" : "}";
  }
};

/// The bytes that a topic gets for a value; `kNull` for none.
enum class Encoded : std::uint8_t { kBytes, kNull };

/// Encoder of `T` by its `Format`.
struct Formatted {
  template <class T>
  Encoded operator()(std::string& out, const T& value) const {
    static_assert(HasFormat<T>,
                  "no Format<T> for what this `.to` writes: give it `.value(fn)` or `.key(fn)`, where fn is "
                  "callable as `std::string(const T&)` or `std::optional<std::string>(const T&)`");
    Format<T>::append(out, value);
    return Encoded::kBytes;
  }
  Encoded operator()(std::string& out, const NullableBytes& value) const {
    out += value.text();
    return value.is_null() ? Encoded::kNull : Encoded::kBytes;
  }
  template <class T>
  Encoded operator()(std::string& out, const std::optional<T>& value) const {
    return value ? (*this)(out, *value) : Encoded::kNull;
  }
  Encoded operator()(std::string&, All) const { return Encoded::kNull; }
};

/// Encoder of `T` by a function that gives a text, or an optional one.
template <class F>
struct EncodedBy {
  F function;
  template <class T>
  Encoded operator()(std::string& out, const T& value) const {
    static_assert(std::invocable<const F&, const T&>,
                  "an encoder must be callable as `std::string(const T&)` or `std::optional<std::string>(const T&)`");
    return Formatted{}(out, std::invoke(function, value));
  }
};

/// Encoder, Kafka's LongSerializer: 8 bytes, the highest first.
struct BigEndianLong {
  std::string operator()(std::int64_t value) const {
    std::string bytes(8, '\0');
    for (int i = 7; i >= 0; --i, value >>= 8) bytes[static_cast<std::size_t>(i)] = static_cast<char>(value & 0xff);
    return bytes;
  }
};

/// Where `.to` writes: a topic's name, how keys and values are encoded, and how the topic is made when it is not there.
///
///     .to(topic("pages").value([](const Page& page) { return page.json(); }).config("retention.ms", "-1"))
///
/// Results of tables are upserts, so their topics are made with `cleanup.policy=compact` unless `.config` says
/// otherwise.
template <class KeyEncoder = Formatted, class ValueEncoder = Formatted>
struct Target {
  std::string name;
  KeyEncoder key_encoder{};
  ValueEncoder value_encoder{};
  std::optional<std::int32_t> partition_count{};
  Properties configs{};

  template <class F>
  [[nodiscard]] Target<EncodedBy<F>, ValueEncoder> key(F function) && {
    return {std::move(name), {std::move(function)}, std::move(value_encoder), partition_count, std::move(configs)};
  }
  template <class F>
  [[nodiscard]] Target<KeyEncoder, EncodedBy<F>> value(F function) && {
    return {std::move(name), std::move(key_encoder), {std::move(function)}, partition_count, std::move(configs)};
  }
  [[nodiscard]] Target partitions(std::int32_t count) && {
    partition_count = count;
    return std::move(*this);
  }
  [[nodiscard]] Target config(std::string key, std::string value) && {
    configs.insert_or_assign(std::move(key), std::move(value));
    return std::move(*this);
  }
};
[[nodiscard]] inline Target<> topic(std::string name) { return {.name = std::move(name)}; }

}  // namespace millrace::streams
