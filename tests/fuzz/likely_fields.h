#pragma once

#include <array>
#include <string>

#include "base/random.h"
#include "protocol/codec.h"

namespace millrace::test {

/// Makes the fields of a message that was filled at random more like those that mean something: names that there are,
/// small numbers. Without that a handler refuses nearly everything at the first look.
class LikelyFields {
 public:
  using ByteString = protocol::ByteString;

  /// `id` is that of a topic that there is; `bytes` and `records` make what such fields hold.
  LikelyFields(std::uint64_t seed, const Uuid& id, ByteString (*bytes)(Random&), protocol::Records (*records)(Random&))
      : random_(seed), id_(id), bytes_(bytes), records_(records) {}

  void touch(const protocol::StructTable& table, std::byte* object) {
    for (const auto& row : table.rows) value(*row.type, object + row.offset);
  }

 private:
  void value(const protocol::WireType& type, std::byte* at) {
    using protocol::member_at;
    using protocol::WireKind;
    if (random_.one_in(8)) return;
    switch (type.kind) {
      case WireKind::kInt8:
      case WireKind::kInt16:
      case WireKind::kInt32:
      case WireKind::kInt64: {
        if (random_.one_in(3)) return;
        constexpr std::array<std::int64_t, 12> kNumbers = {0, 0, 0, 1, 1, -1, 2, 3, 10, 100, 6000, 60'000};
        const auto number = kNumbers[random_.below(kNumbers.size())];
        std::memcpy(at, &number, type.size);
        return;
      }
      case WireKind::kUuid:
        member_at<Uuid>(at) = random_.one_in(4) ? Uuid{} : id_;
        return;
      case WireKind::kString:
        member_at<std::string>(at) = name();
        return;
      case WireKind::kNullableString: {
        auto& member = member_at<std::optional<std::string>>(at);
        if (member) *member = name();
        return;
      }
      case WireKind::kBytes:
        member_at<ByteString>(at) = bytes_(random_);
        return;
      case WireKind::kRecords:
        member_at<protocol::Records>(at) = records_(random_);
        return;
      case WireKind::kStruct:
        return touch(type.fields(), at);
      case WireKind::kNullableStruct:
      case WireKind::kArray: {
        const auto count = type.elements->count(at);
        if (count <= 0) return;
        auto* element = type.elements->resize(at, count);
        if (type.kind == WireKind::kNullableStruct) return touch(type.fields(), element);
        for (std::int64_t i = 0; i < count; ++i, element += type.element->size) value(*type.element, element);
        return;
      }
      default:
        return;
    }
  }

  std::string name() {
    // Topics, groups, members, protocols, settings and their values: one handler's word is another's hostile one.
    constexpr std::array<const char*, 20> kNames = {"t",
                                                    "t",
                                                    "g",
                                                    "m",
                                                    "",
                                                    "consumer",
                                                    "range",
                                                    "uniform",
                                                    "n",
                                                    "client-id",
                                                    "user",
                                                    "1",
                                                    "u",
                                                    "__consumer_offsets",
                                                    "cleanup.policy",
                                                    "retention.ms",
                                                    "compact",
                                                    "t.*",
                                                    "metadata.version",
                                                    "Ongoing"};
    return kNames[random_.below(kNames.size())];
  }

  Random random_;
  Uuid id_;
  ByteString (*bytes_)(Random&);
  protocol::Records (*records_)(Random&);
};

}  // namespace millrace::test
