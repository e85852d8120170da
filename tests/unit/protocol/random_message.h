#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// Fills the fields that a version has with random values: a visitor. The others keep their defaults, as a decoder
/// leaves them. Strings and arrays are short; null, empty and default values are frequent.
class RandomFields : public FieldVisitor<RandomFields> {
 public:
  RandomFields(std::uint64_t seed, std::int16_t version) : random_(seed), version_(version) {}

  template <class T>
  void field(const char*, T& member, const Field& field) {
    if (!field.versions.has(version_)) return;
    if (field.is_tagged() && random_.one_in(2)) return;  // the default: left out on the wire
    value(member, field.nullable.has(version_));
  }

 private:
  template <class T>
  void value(T& member, bool may_be_null) {
    if constexpr (std::same_as<T, bool>) {
      member = random_.one_in(2);
    } else if constexpr (std::same_as<T, double>) {
      member = random_.unit();
    } else if constexpr (std::same_as<T, ErrorCode>) {
      member = static_cast<ErrorCode>(random_.below(130));  // ours do not come back from the wire
    } else if constexpr (WireScalar<T>) {
      member = from_rep<T>(static_cast<ScalarRep<T>>(random_() >> random_.below(64)));
    } else if constexpr (std::same_as<T, Uuid>) {
      for (auto& byte : member.bytes) byte = static_cast<std::uint8_t>(random_());
    } else if constexpr (std::same_as<T, std::string>) {
      member.clear();
      for (auto left = random_.one_in(20) ? random_.below(300) : random_.below(12); left > 0; --left) {
        member += static_cast<char>(random_());
      }
    } else if constexpr (std::same_as<T, ByteString>) {
      member.resize(random_.below(9));
    } else if constexpr (std::same_as<T, Records>) {
      member = {};
      if (may_be_null && random_.one_in(4)) return;
      auto bytes = std::make_shared<std::string>(random_.below(1200), '\0');
      for (auto& byte : *bytes) byte = static_cast<char>(random_());
      member = {NullableBytes{*bytes}, bytes};
    } else if constexpr (WireOptional<T>) {
      member.reset();
      if (!may_be_null || !random_.one_in(3)) value(member.emplace(), false);
    } else if constexpr (WireArray<T>) {
      member.clear();
      for (auto left = random_.below(3); left > 0; --left) value(member.emplace_back(), false);
    } else {
      T::fields(member, *this);
    }
  }

  Random random_;
  std::int16_t version_;
};

template <class Message>
[[nodiscard]] Message random_message(std::uint64_t seed, std::int16_t version) {
  Message message;
  RandomFields random{seed, version};
  Message::fields(message, random);
  return message;
}

}  // namespace millrace::protocol
