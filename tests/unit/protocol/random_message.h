#pragma once

#include <bit>
#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "protocol/codec.h"

namespace millrace::protocol {

/// Fills the fields that a version has with random values. The others keep their defaults, as a decoder leaves them.
/// Strings and arrays are short; null, empty and default values are frequent.
class RandomFields {
 public:
  RandomFields(std::uint64_t seed, std::int16_t version) : random_(seed), version_(version) {}

  void fill(const StructTable& table, std::byte* object) {
    for (const auto& row : table.rows) {
      if (!row.rules.versions.has(version_)) continue;
      if (row.rules.is_tagged() && random_.one_in(2)) continue;  // the default: left out on the wire
      value(*row.type, object + row.offset, row.rules.nullable.has(version_));
    }
  }

 private:
  void value(const WireType& type, std::byte* at, bool may_be_null) {
    switch (type.kind) {
      case WireKind::kBool:
        member_at<bool>(at) = random_.one_in(2);
        return;
      case WireKind::kFloat64:
        member_at<double>(at) = random_.unit();
        return;
      case WireKind::kErrorCode:
        member_at<ErrorCode>(at) = static_cast<ErrorCode>(random_.below(130));  // ours do not come back from the wire
        return;
      case WireKind::kUuid:
        for (auto& byte : member_at<Uuid>(at).bytes) byte = static_cast<std::uint8_t>(random_());
        return;
      case WireKind::kString:
        return text(member_at<std::string>(at));
      case WireKind::kNullableString: {
        auto& member = member_at<std::optional<std::string>>(at);
        member.reset();
        if (!may_be_null || !random_.one_in(3)) text(member.emplace());
        return;
      }
      case WireKind::kBytes:
        return member_at<ByteString>(at).resize(random_.below(9));
      case WireKind::kRecords:
        return records(member_at<Records>(at), may_be_null);
      case WireKind::kStruct:
        return fill(type.fields(), at);
      case WireKind::kNullableStruct: {
        type.elements->resize(at, -1);
        if (!may_be_null || !random_.one_in(3)) fill(type.fields(), type.elements->resize(at, 1));
        return;
      }
      case WireKind::kArray: {
        type.elements->resize(at, -1);
        if (may_be_null && random_.one_in(3)) return;
        const auto count = random_.below(3);
        auto* element = type.elements->resize(at, static_cast<std::int64_t>(count));
        for (std::uint64_t i = 0; i < count; ++i, element += type.element->size) value(*type.element, element, false);
        return;
      }
      default: {
        const std::uint64_t number = random_() >> random_.below(64);
        std::memcpy(at, &number, type.size);  // its low bytes: the machines we run on keep them first
      }
    }
  }

  void text(std::string& member) {
    member.clear();
    for (auto left = random_.one_in(20) ? random_.below(300) : random_.below(12); left > 0; --left) {
      member += static_cast<char>(random_());
    }
  }

  void records(Records& member, bool may_be_null) {
    member = {};
    if (may_be_null && random_.one_in(4)) return;
    auto bytes = std::make_shared<std::string>(random_.below(1200), '\0');
    for (auto& byte : *bytes) byte = static_cast<char>(random_());
    member = {NullableBytes{*bytes}, bytes};
  }

  Random random_;
  std::int16_t version_;
};

template <class Message>
[[nodiscard]] Message random_message(std::uint64_t seed, std::int16_t version) {
  Message message;
  RandomFields{seed, version}.fill(fields_of<Message>(), object_of(message));
  return message;
}

}  // namespace millrace::protocol
