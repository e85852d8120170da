#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/result.h"
#include "base/strong.h"
#include "base/types.h"
#include "protocol/records.h"

// What a message's field list is made of. A message is a plain struct with
//
//     static constexpr Versions kVersions, kFlexible;
//     template <class Self, class Visitor> static void fields(Self& self, Visitor& visit) {
//       visit("name", self.name);                                   // in every version
//       visit("rack", self.rack, from(1), nullable(from(1)));       // since version 1, may be null since then
//       visit("epoch", self.epoch, from(10), tagged(0));            // a tagged field, number 0
//     }
//
// A struct inside a message has `fields` only. From that one list a table is made (message_table.h), and decoder,
// encoder, size, printer and the tests' random generator read the table. The value a member is initialised with is the
// field's default: it is what a field that is absent decodes to, and a tagged field that has it is left out.

namespace millrace::protocol {

/// A range of versions, both ends included.
struct Versions {
  std::int16_t first = 0;
  std::int16_t last = std::numeric_limits<std::int16_t>::max();
  [[nodiscard]] constexpr bool has(std::int16_t version) const { return first <= version && version <= last; }
  friend constexpr bool operator==(const Versions&, const Versions&) = default;
};

[[nodiscard]] constexpr Versions from(std::int16_t first) { return {first}; }
[[nodiscard]] constexpr Versions between(std::int16_t first, std::int16_t last) { return {first, last}; }
inline constexpr Versions kNoVersions{1, 0};

struct Nullable {
  Versions versions;
};
struct Tagged {
  std::int32_t tag;
};
/// Strings keep their two-byte length in flexible versions too: only the request header's client id.
struct NeverCompact {};

[[nodiscard]] constexpr Nullable nullable(Versions versions) { return {versions}; }
[[nodiscard]] constexpr Tagged tagged(std::int32_t tag) { return {tag}; }
inline constexpr NeverCompact kNeverCompact{};

/// Everything a field list says about one field besides its name and type.
struct Field {
  Versions versions = from(0);
  Versions nullable = kNoVersions;
  std::int32_t tag = -1;
  bool never_compact = false;

  [[nodiscard]] constexpr bool is_tagged() const { return tag >= 0; }
};

template <class... Options>
[[nodiscard]] constexpr Field make_field(Options... options) {
  Field field;
  [[maybe_unused]] const auto apply = [&field]<class Option>(Option option) {
    if constexpr (std::same_as<Option, Versions>)
      field.versions = option;
    else if constexpr (std::same_as<Option, Nullable>)
      field.nullable = option.versions;
    else if constexpr (std::same_as<Option, Tagged>)
      field.tag = option.tag;
    else
      field.never_compact = std::same_as<Option, NeverCompact>;
  };
  (apply(options), ...);
  return field;
}

namespace detail {
struct AnyVisitor {
  template <class T, class... Options>
  void operator()(const char*, T&, Options...) {}
};

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsStrong : std::false_type {};
template <class Tag, class Rep>
struct IsStrong<Strong<Tag, Rep>> : std::true_type {};
}  // namespace detail

/// A struct with a field list.
template <class T>
concept WireStruct = requires(T& value, detail::AnyVisitor& visitor) { T::fields(value, visitor); };

template <class T>
concept WireOptional = detail::IsOptional<T>::value;

using ByteString = std::vector<std::byte>;

template <class T>
concept WireArray = detail::IsVector<T>::value && !std::same_as<T, ByteString>;

/// Numbers, booleans, strong ids, error codes, enumerations.
template <class T>
concept WireScalar = std::integral<T> || std::same_as<T, double> || std::is_enum_v<T> || detail::IsStrong<T>::value;

}  // namespace millrace::protocol
