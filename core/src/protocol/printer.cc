#include "protocol/printer.h"

#include <fmt/format.h>

#include <bit>
#include <optional>
#include <string_view>

namespace millrace::protocol {

namespace {

class FieldPrinter {
 public:
  explicit FieldPrinter(std::int16_t version) : version_(version) {}

  void fields(const StructTable& table, const std::byte* object) {
    text_ += '{';
    std::string_view between;
    for (const auto& row : table.rows) {
      if (!row.rules.versions.has(version_)) continue;
      text_ += fmt::format("{}{}: ", between, row.name);
      value(*row.type, object + row.offset);
      between = ", ";
    }
    text_ += '}';
  }

  [[nodiscard]] std::string take() && { return std::move(text_); }

 private:
  void value(const WireType& type, const std::byte* at) {
    switch (type.kind) {
      case WireKind::kBool:
        text_ += member_at<bool>(at) ? "true" : "false";
        return;
      case WireKind::kInt8:
        return number(static_cast<std::int8_t>(bits_at<std::uint8_t>(at)));
      case WireKind::kInt16:
        return number(static_cast<std::int16_t>(bits_at<std::uint16_t>(at)));
      case WireKind::kInt32:
        return number(static_cast<std::int32_t>(bits_at<std::uint32_t>(at)));
      case WireKind::kInt64:
        return number(static_cast<std::int64_t>(bits_at<std::uint64_t>(at)));
      case WireKind::kUint8:
        return number(bits_at<std::uint8_t>(at));
      case WireKind::kUint16:
        return number(bits_at<std::uint16_t>(at));
      case WireKind::kUint32:
        return number(bits_at<std::uint32_t>(at));
      case WireKind::kFloat64:
        text_ += std::to_string(std::bit_cast<double>(bits_at<std::uint64_t>(at)));
        return;
      case WireKind::kErrorCode:
        text_ += name_of(member_at<ErrorCode>(at));
        return;
      case WireKind::kUuid:
        text_ += member_at<Uuid>(at).to_string();
        return;
      case WireKind::kString:
        return quoted(member_at<std::string>(at));
      case WireKind::kNullableString: {
        const auto& member = member_at<std::optional<std::string>>(at);
        return member ? quoted(*member) : null();
      }
      case WireKind::kBytes:
        return size_only(member_at<ByteString>(at).size());
      case WireKind::kRecords: {
        const auto& bytes = member_at<Records>(at).bytes;
        return bytes.is_null() ? null() : size_only(bytes.size());
      }
      case WireKind::kStruct:
        return fields(type.fields(), at);
      case WireKind::kArray:
      case WireKind::kNullableStruct: {
        const auto count = type.elements->count(at);
        if (count < 0) return null();
        const auto* element = type.elements->data(at);
        if (type.kind == WireKind::kNullableStruct) return fields(type.fields(), element);
        text_ += '[';
        for (std::int64_t i = 0; i < count; ++i, element += type.element->size) {
          if (i > 0) text_ += ", ";
          value(*type.element, element);
        }
        text_ += ']';
        return;
      }
    }
  }

  void number(std::int64_t number) { text_ += std::to_string(number); }
  void null() { text_ += "null"; }
  void size_only(std::size_t size) { text_ += fmt::format("<{} bytes>", size); }

  void quoted(std::string_view text) {
    text_ += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') text_ += '\\';
      if (static_cast<unsigned char>(c) < 0x20)
        text_ += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
      else
        text_ += c;
    }
    text_ += '"';
  }

  std::int16_t version_;
  std::string text_;
};

}  // namespace

std::string print_fields(const WireFormat& format, const std::byte* object) {
  FieldPrinter printer{format.version};
  printer.fields(format.fields, object);
  return std::move(printer).take();
}

}  // namespace millrace::protocol
