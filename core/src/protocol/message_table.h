#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "protocol/field.h"

// A message's field list as a table: what decoder, encoder, size, printer and the tests read, so that there is one of
// each and not one for each message.

namespace millrace::protocol {

/// How a field looks on the wire and in memory.
enum class WireKind : std::uint8_t {
  kBool,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint8,
  kUint16,
  kUint32,
  kFloat64,
  kErrorCode,       // two bytes on the wire, `ErrorCode` in memory
  kUuid,            // `Uuid`
  kString,          // `std::string`
  kNullableString,  // `std::optional<std::string>`
  kBytes,           // `ByteString`
  kRecords,         // `Records`
  kArray,           // `std::vector`, or an optional one
  kStruct,
  kNullableStruct,  // `std::optional` of a struct
};

struct StructTable;

/// The elements of a `std::vector`, or what a `std::optional` holds, for who does not know their type.
struct Elements {
  /// -1: null.
  std::int64_t (*count)(const std::byte* member);
  /// Valid until the next `resize`.
  const std::byte* (*data)(const std::byte* member);
  /// -1: null. Elements that are new have their defaults. Gives the first one.
  std::byte* (*resize)(std::byte* member, std::int64_t count);
};

struct WireType {
  WireKind kind;
  /// Bytes in memory.
  std::uint32_t size;
  /// Of a struct, nullable or not.
  const StructTable& (*fields)() = nullptr;
  /// Of an array.
  const WireType* element = nullptr;
  /// Of an array or a nullable struct.
  const Elements* elements = nullptr;
};

struct FieldRow {
  const char* name;
  /// Of the member in its struct.
  std::size_t offset;
  const WireType* type;
  Field rules;
};

/// The fields of a message or of a struct inside one, in the order of the wire.
///
/// Threading: immutable. Lives as long as the process.
struct StructTable {
  std::vector<FieldRow> rows;
  /// A struct as it is constructed.
  const std::byte* defaults = nullptr;
  /// For who makes one without knowing its type.
  std::size_t size = 0;
  void (*construct)(std::byte* at) = nullptr;
  void (*destroy)(std::byte* object) = nullptr;
};

template <class T>
[[nodiscard]] const std::byte* object_of(const T& value) {
  return reinterpret_cast<const std::byte*>(&value);
}
template <class T>
[[nodiscard]] std::byte* object_of(T& value) {
  return reinterpret_cast<std::byte*>(&value);
}

/// The member of type `T` at this place.
template <class T>
[[nodiscard]] const T& member_at(const std::byte* at) {
  return *reinterpret_cast<const T*>(at);
}
template <class T>
[[nodiscard]] T& member_at(std::byte* at) {
  return *reinterpret_cast<T*>(at);
}

/// A number's bits, whatever its type says of them.
template <class Unsigned>
[[nodiscard]] Unsigned bits_at(const std::byte* at) {
  Unsigned bits = 0;
  std::memcpy(&bits, at, sizeof bits);
  return bits;
}

/// Whether two values have the same fields, in any version.
[[nodiscard]] bool equal(const WireType& type, const std::byte* a, const std::byte* b);
[[nodiscard]] bool equal(const StructTable& table, const std::byte* a, const std::byte* b);

/// The table of a struct's field list, made when it is first asked for. Whoever wants that of a message takes
/// `fields_of` (codec.h), which is compiled once.
template <class T>
[[nodiscard]] const StructTable& table_of();

namespace detail {

/// Null is an empty optional.
template <class T>
struct ElementsOf {
  static constexpr bool kOptional = WireOptional<T>;

  static std::int64_t count(const std::byte* member) {
    const auto& value = member_at<T>(member);
    if constexpr (!kOptional)
      return static_cast<std::int64_t>(value.size());
    else if constexpr (WireArray<typename T::value_type>)
      return value ? static_cast<std::int64_t>(value->size()) : -1;
    else
      return value ? 1 : -1;
  }
  static const std::byte* data(const std::byte* member) {
    const auto& value = member_at<T>(member);
    if constexpr (!kOptional)
      return reinterpret_cast<const std::byte*>(value.data());
    else if constexpr (WireArray<typename T::value_type>)
      return reinterpret_cast<const std::byte*>(value->data());
    else
      return object_of(*value);
  }
  static std::byte* resize(std::byte* member, std::int64_t count) {
    auto& value = member_at<T>(member);
    if constexpr (!kOptional) {
      value.resize(static_cast<std::size_t>(count < 0 ? 0 : count));
      return reinterpret_cast<std::byte*>(value.data());
    } else {
      if (count < 0) {
        value.reset();
        return nullptr;
      }
      if (!value) value.emplace();
      if constexpr (WireArray<typename T::value_type>) {
        value->resize(static_cast<std::size_t>(count));
        return reinterpret_cast<std::byte*>(value->data());
      } else {
        return object_of(*value);
      }
    }
  }
};

template <class T>
inline constexpr Elements kElements{ElementsOf<T>::count, ElementsOf<T>::data, ElementsOf<T>::resize};

template <class T>
constexpr WireKind scalar_kind() {
  if constexpr (std::same_as<T, bool>) {
    return WireKind::kBool;
  } else if constexpr (std::same_as<T, ErrorCode>) {
    return WireKind::kErrorCode;
  } else if constexpr (std::is_enum_v<T>) {
    return scalar_kind<std::underlying_type_t<T>>();
  } else if constexpr (IsStrong<T>::value) {
    static_assert(sizeof(T) == sizeof(typename T::rep) && std::is_trivially_copyable_v<T>);
    return scalar_kind<typename T::rep>();
  } else if constexpr (std::same_as<T, double>) {
    return WireKind::kFloat64;
  } else {
    constexpr auto kFirst = std::is_signed_v<T> ? WireKind::kInt8 : WireKind::kUint8;
    constexpr int kLog = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
    static_assert(std::is_signed_v<T> || kLog < 3, "the protocol has no such number");
    return static_cast<WireKind>(static_cast<int>(kFirst) + kLog);
  }
}

template <class T>
constexpr WireType wire_type();

}  // namespace detail

template <class T>
inline constexpr WireType kWireType = detail::wire_type<T>();

template <class T>
constexpr WireType detail::wire_type() {
  constexpr auto kSize = static_cast<std::uint32_t>(sizeof(T));
  if constexpr (WireScalar<T>) {
    return {scalar_kind<T>(), kSize};
  } else if constexpr (std::same_as<T, Uuid>) {
    return {WireKind::kUuid, kSize};
  } else if constexpr (std::same_as<T, std::string>) {
    return {WireKind::kString, kSize};
  } else if constexpr (std::same_as<T, std::optional<std::string>>) {
    return {WireKind::kNullableString, kSize};
  } else if constexpr (std::same_as<T, ByteString>) {
    return {WireKind::kBytes, kSize};
  } else if constexpr (std::same_as<T, Records>) {
    return {WireKind::kRecords, kSize};
  } else if constexpr (WireArray<T>) {
    return {WireKind::kArray, kSize, nullptr, &kWireType<typename T::value_type>, &kElements<T>};
  } else if constexpr (WireOptional<T>) {
    if constexpr (WireArray<typename T::value_type>)
      return {WireKind::kArray, kSize, nullptr, kWireType<typename T::value_type>.element, &kElements<T>};
    else
      return {WireKind::kNullableStruct, kSize, &table_of<typename T::value_type>, nullptr, &kElements<T>};
  } else {
    return {WireKind::kStruct, kSize, &table_of<T>};
  }
}

namespace detail {

/// Writes down what a field list says: its visitor.
class TableBuilder {
 public:
  explicit TableBuilder(const std::byte* object) { table_.defaults = object; }

  template <class T, class... Options>
  void operator()(const char* name, const T& member, Options... options) {
    add(name, object_of(member), kWireType<T>, make_field(options...));
  }
  [[nodiscard]] StructTable take() && { return std::move(table_); }

 private:
  void add(const char* name, const std::byte* member, const WireType& type, const Field& rules);

  StructTable table_;
};

}  // namespace detail

template <class T>
const StructTable& table_of() {
  static const T kDefaults{};
  static const StructTable kTable = [] {
    detail::TableBuilder builder{object_of(kDefaults)};
    T::fields(kDefaults, builder);
    auto table = std::move(builder).take();
    table.size = sizeof(T);
    table.construct = [](std::byte* at) { std::construct_at(reinterpret_cast<T*>(at)); };
    table.destroy = [](std::byte* object) { std::destroy_at(reinterpret_cast<T*>(object)); };
    return table;
  }();
  return kTable;
}

}  // namespace millrace::protocol
