#include "protocol/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "base/bytes_io.h"

namespace millrace::protocol {

namespace {

/// Reads fields. After the first thing that is wrong it reads nothing more.
class FieldReader {
 public:
  FieldReader(Bytes bytes, const WireFormat& format)
      : in_(bytes), version_(format.version), flexible_(format.flexible) {}

  void fields(const StructTable& table, std::byte* object) {
    for (const auto& row : table.rows) {
      if (!row.rules.is_tagged() && row.rules.versions.has(version_)) field(row, object);
      if (failed()) return;
    }
    if (flexible_) tagged_fields(table, object);
  }

  [[nodiscard]] bool failed() const { return problem_ != nullptr; }
  [[nodiscard]] std::size_t left() const { return in_.size(); }
  [[nodiscard]] Error error(std::string_view message_name) const {
    return {ErrorCode::kMalformed,
            fmt::format("cannot decode {} version {}: {}{}{}", message_name, version_, problem_,
                        bad_field_ != nullptr ? ", in field " : "", bad_field_ != nullptr ? bad_field_ : "")};
  }

 private:
  void field(const FieldRow& row, std::byte* object) {
    compact_ = flexible_ && !row.rules.never_compact;
    value(*row.type, object + row.offset, row.rules.nullable.has(version_));
    // Only the innermost field is named: it is where the bytes are wrong.
    if (failed() && bad_field_ == nullptr) bad_field_ = row.name;
  }

  void value(const WireType& type, std::byte* at, bool may_be_null) {
    switch (type.kind) {
      case WireKind::kBool: {
        member_at<bool>(at) = number<std::uint8_t>() != 0;
        return;
      }
      case WireKind::kInt8:
      case WireKind::kUint8:
        return store(at, number<std::uint8_t>());
      case WireKind::kInt16:
      case WireKind::kUint16:
        return store(at, number<std::uint16_t>());
      case WireKind::kInt32:
      case WireKind::kUint32:
        return store(at, number<std::uint32_t>());
      case WireKind::kInt64:
      case WireKind::kFloat64:
        return store(at, number<std::uint64_t>());
      case WireKind::kErrorCode: {
        member_at<ErrorCode>(at) = static_cast<ErrorCode>(number<std::int16_t>());
        return;
      }
      case WireKind::kUuid: {
        const auto bytes = take(type.size);
        if (!failed()) std::memcpy(at, bytes.data(), bytes.size());
        return;
      }
      case WireKind::kString: {
        if (const auto bytes = text(false)) member_at<std::string>(at).assign(as_text(bytes.bytes()));
        return;
      }
      case WireKind::kNullableString: {
        const auto bytes = text(may_be_null);
        auto& member = member_at<std::optional<std::string>>(at);
        if (bytes)
          member.emplace(bytes.text());
        else
          member.reset();
        return;
      }
      case WireKind::kBytes: {
        if (const auto bytes = take_nullable(long_size(), false)) {
          member_at<ByteString>(at).assign(bytes.bytes().begin(), bytes.bytes().end());
        }
        return;
      }
      case WireKind::kRecords: {
        member_at<Records>(at).bytes = take_nullable(long_size(), may_be_null);
        return;
      }
      case WireKind::kArray:
        return array(type, at, may_be_null);
      case WireKind::kStruct:
        return fields(type.fields(), at);
      case WireKind::kNullableStruct: {
        const bool present = number<std::int8_t>() >= 0 && !failed();
        type.elements->resize(at, -1);
        if (present) fields(type.fields(), type.elements->resize(at, 1));
        return;
      }
    }
  }

  void array(const WireType& type, std::byte* at, bool may_be_null) {
    const auto size = long_size();
    if (failed()) return;
    if (size < 0) {
      if (!may_be_null) return fail("an array that is null or has a negative length");
      type.elements->resize(at, -1);
      return;
    }
    const auto count = static_cast<std::size_t>(size);
    const auto& element = *type.element;
    if (count > in_.size() / smallest(element)) return fail("an array longer than the bytes that are left");
    type.elements->resize(at, 0);
    // Memory for more elements is paid for by elements that did arrive.
    std::size_t room = 0;
    std::byte* first = nullptr;
    for (std::size_t i = 0; i < count && !failed(); ++i) {
      if (i == room) {
        room = std::min(count, std::max({std::size_t{1}, in_.size() / element.size, 2 * room}));
        first = type.elements->resize(at, static_cast<std::int64_t>(room));
      }
      value(element, first + i * element.size, false);
    }
  }

  /// The fewest bytes that an element can have. A struct's defaults have them, but for a byte or two of a string that
  /// is not empty by default.
  [[nodiscard]] std::size_t smallest(const WireType& type) const {
    switch (type.kind) {
      case WireKind::kStruct: {
        const auto& table = type.fields();
        return std::max<std::size_t>(1, size_of_fields({table, version_, flexible_}, table.defaults));
      }
      case WireKind::kErrorCode:
        return sizeof(std::int16_t);
      case WireKind::kString:
      case WireKind::kNullableString:
      case WireKind::kBytes:
      case WireKind::kRecords:
      case WireKind::kArray:
      case WireKind::kNullableStruct:
        return 1;
      default:
        return type.size;
    }
  }

  void tagged_fields(const StructTable& table, std::byte* object) {
    for (auto left = unsigned_varint(); left > 0 && !failed(); --left) {
      const auto tag = unsigned_varint();
      const auto size = unsigned_varint();
      if (failed()) return;
      if (size > in_.size()) return fail("a tagged field longer than the bytes that are left");
      if (tag > 0x7fffffffU) return fail("a tag beyond all tags");
      const auto behind = in_.subspan(size);
      in_ = in_.first(size);
      const auto row = std::ranges::find_if(table.rows, [&](const FieldRow& known) {
        return known.rules.tag == static_cast<std::int32_t>(tag) && known.rules.versions.has(version_);
      });
      if (row != table.rows.end()) {
        field(*row, object);
        if (failed()) return;
        if (!in_.empty()) return fail("a tagged field with bytes left over");
      }
      in_ = behind;
    }
  }

  /// The next `size` bytes; fails when there are fewer.
  [[nodiscard]] Bytes take(std::size_t size) {
    if (failed()) return {};
    if (size > in_.size()) {
      fail("it ends too early");
      return {};
    }
    const auto bytes = in_.first(size);
    in_ = in_.subspan(size);
    return bytes;
  }

  template <class Number>
  [[nodiscard]] Number number() {
    const auto bytes = take(sizeof(Number));
    return failed() ? Number{} : load_be<Number>(bytes.data());
  }

  template <class Number>
  static void store(std::byte* at, Number number) {
    std::memcpy(at, &number, sizeof number);
  }

  [[nodiscard]] std::uint32_t unsigned_varint() {
    if (failed()) return 0;
    const auto found = get_varint(in_.data(), in_.data() + in_.size(), 32);
    if (found.next == nullptr) {
      fail("a number of variable length that does not end");
      return 0;
    }
    in_ = in_.subspan(static_cast<std::size_t>(found.next - in_.data()));
    return static_cast<std::uint32_t>(found.value);
  }

  /// A string's bytes: two bytes or a varint of length. Null only where that is allowed (else it fails).
  [[nodiscard]] NullableBytes text(bool may_be_null) {
    const std::int64_t size = compact_ ? std::int64_t{unsigned_varint()} - 1 : number<std::int16_t>();
    return take_nullable(size, may_be_null);
  }

  /// The length of bytes or an array: four bytes or a varint.
  [[nodiscard]] std::int64_t long_size() {
    return compact_ ? std::int64_t{unsigned_varint()} - 1 : number<std::int32_t>();
  }

  [[nodiscard]] NullableBytes take_nullable(std::int64_t size, bool may_be_null) {
    if (failed()) return {};
    if (size < 0) {
      if (!may_be_null || size != -1) fail("a length that is null or negative");
      return {};
    }
    const auto bytes = take(static_cast<std::size_t>(size));
    return failed() ? NullableBytes{} : NullableBytes{bytes};
  }

  void fail(const char* problem) {
    if (problem_ == nullptr) problem_ = problem;
  }

  Bytes in_;
  std::int16_t version_;
  bool flexible_;
  bool compact_ = false;
  const char* problem_ = nullptr;
  const char* bad_field_ = nullptr;
};

}  // namespace

Result<std::size_t> decode_fields(Bytes bytes, const WireFormat& format, std::string_view message_name,
                                  std::byte* object) {
  FieldReader reader{bytes, format};
  reader.fields(format.fields, object);
  if (reader.failed()) return std::unexpected(reader.error(message_name));
  return bytes.size() - reader.left();
}

}  // namespace millrace::protocol
