#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "millrace/streams/record.h"
#include "millrace/types.h"

namespace millrace::streams {

/// 64 well-mixed bits of `text`, the same on every machine and in every run. After wyhash (Wang Yi): two
/// multiplications for a short key. Not keyed: who may choose the keys can choose them to collide.
[[nodiscard]] inline std::uint64_t hash_text(std::string_view text, std::uint64_t seed = 0) {
  constexpr std::uint64_t kA = 0xa0761d6478bd642fULL;
  constexpr std::uint64_t kB = 0xe7037ed1a0b428dbULL;
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  const auto read8 = [](const char* from) {
    std::uint64_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
  };
  const auto read4 = [](const char* from) {
    std::uint32_t value;
    std::memcpy(&value, from, sizeof value);
    return static_cast<std::uint64_t>(value);
  };
  const char* at = text.data();
  const auto size = text.size();
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  seed ^= kA;
  if (size > 16) {
    auto left = size;
    for (; left > 16; left -= 16, at += 16) seed = mix(read8(at) ^ kB, read8(at + 8) ^ seed);
    a = read8(at + left - 16);
    b = read8(at + left - 8);
  } else if (size >= 4) {
    const auto middle = (size >> 3) << 2;
    a = read4(at) << 32 | read4(at + middle);
    b = read4(at + size - 4) << 32 | read4(at + size - 4 - middle);
  } else if (size > 0) {
    a = static_cast<std::uint64_t>(static_cast<unsigned char>(at[0])) << 16 |
        static_cast<std::uint64_t>(static_cast<unsigned char>(at[size >> 1])) << 8 |
        static_cast<unsigned char>(at[size - 1]);
  }
  return mix(kB ^ size, mix(a ^ kB, b ^ seed));
}

/// Whether two texts are equal. Inline, because keys are short and are nearly always equal when they are compared.
[[nodiscard]] inline bool equal_text(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  const auto differ = [&]<class Word>(Word, std::size_t at) {
    Word left;
    Word right;
    std::memcpy(&left, a.data() + at, sizeof left);
    std::memcpy(&right, b.data() + at, sizeof right);
    return left ^ right;
  };
  const auto size = a.size();
  if (size >= 8) {
    for (std::size_t at = 0; at + 8 < size; at += 8) {
      if (differ(std::uint64_t{}, at) != 0) return false;
    }
    return differ(std::uint64_t{}, size - 8) == 0;
  }
  if (size >= 4) return (differ(std::uint32_t{}, 0) | differ(std::uint32_t{}, size - 4)) == 0;
  for (std::size_t at = 0; at < size; ++at) {
    if (a[at] != b[at]) return false;
  }
  return true;
}

/// 64 well-mixed bits of a number.
[[nodiscard]] constexpr std::uint64_t hash_number(std::uint64_t number) {
  const auto product = static_cast<unsigned __int128>(number ^ 0x9e3779b97f4a7c15ULL) * 0xe7037ed1a0b428dbULL;
  const auto folded = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  return folded * 0xa0761d6478bd642fULL ^ (folded >> 29);
}

/// How a type serves as a key: `Owned` is what a store keeps of it; a view such as `std::string_view` is kept as a
/// `std::string`. Works for numbers, enums, time points, texts, `All`, and pairs and tuples of these. A type of your
/// own needs `==`, `std::uint64_t hash() const` and, when it is a view, `using Owned = ...` that `Owned{view}` makes,
/// that converts back to the view, and compares with it by `==`.
template <class K>
struct KeyTraits {
  static_assert(
      requires(const K& key) {
        { key.hash() } -> std::convertible_to<std::uint64_t>;
        key == key;
      },
      "a key must be a number, an enum, a time point, a text, a pair or tuple of these, or have "
      "`std::uint64_t hash() const` and operator==");
  template <class T>
  struct OwnedOf {
    using type = T;
  };
  template <class T>
    requires requires { typename T::Owned; }
  struct OwnedOf<T> {
    using type = typename T::Owned;
  };
  using Owned = typename OwnedOf<K>::type;
  static std::uint64_t hash(const K& key) { return key.hash(); }
  static Owned own(const K& key) { return Owned{key}; }
  static K view(const Owned& key) { return key; }
  static bool equal(const Owned& owned, const K& key) { return owned == key; }
};

template <class K>
  requires std::integral<K> || std::is_enum_v<K>
struct KeyTraits<K> {
  using Owned = K;
  static std::uint64_t hash(K key) { return hash_number(static_cast<std::uint64_t>(key)); }
  static K own(K key) { return key; }
  static K view(K key) { return key; }
  static bool equal(K a, K b) { return a == b; }
};

template <class ClockType, class Unit>
struct KeyTraits<std::chrono::time_point<ClockType, Unit>> {
  using Owned = std::chrono::time_point<ClockType, Unit>;
  static std::uint64_t hash(Owned key) {
    return hash_number(static_cast<std::uint64_t>(key.time_since_epoch().count()));
  }
  static Owned own(Owned key) { return key; }
  static Owned view(Owned key) { return key; }
  static bool equal(Owned a, Owned b) { return a == b; }
};

template <>
struct KeyTraits<All> {
  using Owned = All;
  static std::uint64_t hash(All) { return 0; }
  static All own(All) { return {}; }
  static All view(All) { return {}; }
  static bool equal(All, All) { return true; }
};

template <>
struct KeyTraits<std::string_view> {
  using Owned = std::string;
  static std::uint64_t hash(std::string_view key) { return hash_text(key); }
  static std::string own(std::string_view key) { return std::string{key}; }
  static std::string_view view(const std::string& key) { return key; }
  static bool equal(std::string_view a, std::string_view b) { return equal_text(a, b); }
};

template <>
struct KeyTraits<std::string> {
  using Owned = std::string;
  static std::uint64_t hash(std::string_view key) { return hash_text(key); }
  static const std::string& own(const std::string& key) { return key; }
  static const std::string& view(const std::string& key) { return key; }
  static bool equal(std::string_view a, std::string_view b) { return equal_text(a, b); }
};

template <class... Parts>
struct KeyTraits<std::tuple<Parts...>> {
  using Owned = std::tuple<typename KeyTraits<Parts>::Owned...>;
  using View = std::tuple<Parts...>;
  static std::uint64_t hash(const View& key) {
    return std::apply(
        [](const auto&... part) {
          std::uint64_t all = 0;
          ((all = hash_number(all ^ KeyTraits<std::decay_t<decltype(part)>>::hash(part))), ...);
          return all;
        },
        key);
  }
  static Owned own(const View& key) {
    return std::apply([](const auto&... part) { return Owned{KeyTraits<std::decay_t<decltype(part)>>::own(part)...}; },
                      key);
  }
  static View view(const Owned& key) { return view(key, std::index_sequence_for<Parts...>{}); }
  static bool equal(const Owned& owned, const View& key) {
    return equal(owned, key, std::index_sequence_for<Parts...>{});
  }

 private:
  template <std::size_t... I>
  static View view(const Owned& key, std::index_sequence<I...>) {
    return View{KeyTraits<Parts>::view(std::get<I>(key))...};
  }
  template <std::size_t... I>
  static bool equal(const Owned& owned, const View& key, std::index_sequence<I...>) {
    return (KeyTraits<Parts>::equal(std::get<I>(owned), std::get<I>(key)) && ...);
  }
};

template <class A, class B>
struct KeyTraits<std::pair<A, B>> {
  using Owned = std::pair<typename KeyTraits<A>::Owned, typename KeyTraits<B>::Owned>;
  using View = std::pair<A, B>;
  static std::uint64_t hash(const View& key) {
    return hash_number(hash_number(KeyTraits<A>::hash(key.first)) ^ KeyTraits<B>::hash(key.second));
  }
  static Owned own(const View& key) { return {KeyTraits<A>::own(key.first), KeyTraits<B>::own(key.second)}; }
  static View view(const Owned& key) { return {KeyTraits<A>::view(key.first), KeyTraits<B>::view(key.second)}; }
  static bool equal(const Owned& owned, const View& key) {
    return KeyTraits<A>::equal(owned.first, key.first) && KeyTraits<B>::equal(owned.second, key.second);
  }
};

/// What a store keeps of a key of type `K`.
template <class K>
using OwnedKey = typename KeyTraits<K>::Owned;

}  // namespace millrace::streams
