#include "protocol/message_table.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

namespace millrace::protocol {

void detail::TableBuilder::add(const char* name, const std::byte* member, const WireType& type, const Field& rules) {
  table_.rows.push_back({name, static_cast<std::size_t>(member - table_.defaults), &type, rules});
}

bool equal(const StructTable& table, const std::byte* a, const std::byte* b) {
  return std::ranges::all_of(table.rows,
                             [&](const FieldRow& row) { return equal(*row.type, a + row.offset, b + row.offset); });
}

bool equal(const WireType& type, const std::byte* a, const std::byte* b) {
  switch (type.kind) {
    case WireKind::kString:
      return member_at<std::string>(a) == member_at<std::string>(b);
    case WireKind::kNullableString:
      return member_at<std::optional<std::string>>(a) == member_at<std::optional<std::string>>(b);
    case WireKind::kBytes:
      return member_at<ByteString>(a) == member_at<ByteString>(b);
    case WireKind::kRecords:
      return member_at<Records>(a) == member_at<Records>(b);
    case WireKind::kStruct:
      return equal(type.fields(), a, b);
    case WireKind::kArray:
    case WireKind::kNullableStruct: {
      const auto count = type.elements->count(a);
      if (count != type.elements->count(b)) return false;
      if (count <= 0) return true;
      const auto* first = type.elements->data(a);
      const auto* second = type.elements->data(b);
      if (type.kind == WireKind::kNullableStruct) return equal(type.fields(), first, second);
      for (std::int64_t i = 0; i < count; ++i, first += type.element->size, second += type.element->size) {
        if (!equal(*type.element, first, second)) return false;
      }
      return true;
    }
    default:
      return std::memcmp(a, b, type.size) == 0;
  }
}

}  // namespace millrace::protocol
