#include "protocol/encoder.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "base/assert.h"
#include "base/bytes_io.h"

namespace millrace::protocol {

namespace {

/// Counts what a buffer would hold.
struct ByteCount {
  std::size_t size = 0;
  void append(Bytes bytes) { size += bytes.size(); }
  void append_shared(Bytes bytes, const std::shared_ptr<const void>&) { size += bytes.size(); }
};

/// What a field's place says about its value besides its type.
struct FieldForm {
  bool may_be_null;
  bool compact;
};

/// Writes fields to `Out`: a buffer, or the count of its bytes.
template <class Out>
class FieldWriter {
 public:
  FieldWriter(Out& out, std::int16_t version, bool flexible) : out_(out), version_(version), flexible_(flexible) {}

  void fields(const StructTable& table, const std::byte* object) {
    for (const auto& row : table.rows) {
      if (!row.rules.is_tagged() && row.rules.versions.has(version_)) {
        value(*row.type, object + row.offset, form_of(row.rules));
      }
    }
    if (flexible_) tagged_fields(table, object);
  }

 private:
  void value(const WireType& type, const std::byte* at, FieldForm form) {
    switch (type.kind) {
      case WireKind::kBool:
      case WireKind::kInt8:
      case WireKind::kUint8:
        return out_.append({at, 1});
      case WireKind::kInt16:
      case WireKind::kUint16:
        return number(bits_at<std::uint16_t>(at));
      case WireKind::kInt32:
      case WireKind::kUint32:
        return number(bits_at<std::uint32_t>(at));
      case WireKind::kInt64:
      case WireKind::kFloat64:
        return number(bits_at<std::uint64_t>(at));
      case WireKind::kErrorCode:
        return number(static_cast<std::uint16_t>(on_the_wire(member_at<ErrorCode>(at))));
      case WireKind::kUuid:
        return out_.append({at, type.size});
      case WireKind::kString:
        return text(NullableBytes{member_at<std::string>(at)}, form);
      case WireKind::kNullableString: {
        const auto& member = member_at<std::optional<std::string>>(at);
        return text(member ? NullableBytes{*member} : NullableBytes{}, form);
      }
      case WireKind::kBytes: {
        const auto& member = member_at<ByteString>(at);
        long_size(static_cast<std::int64_t>(member.size()));
        return out_.append(member);
      }
      case WireKind::kRecords: {
        const auto& records = member_at<Records>(at);
        const bool null = records.bytes.is_null() && form.may_be_null;
        long_size(null ? -1 : static_cast<std::int64_t>(records.bytes.size()));
        return out_.append_shared(records.bytes.bytes(), records.owner);
      }
      case WireKind::kArray: {
        const auto count = type.elements->count(at);
        long_size(count < 0 && !form.may_be_null ? 0 : count);
        if (count <= 0) return;
        const auto* element = type.elements->data(at);
        for (std::int64_t i = 0; i < count; ++i, element += type.element->size) {
          value(*type.element, element, {.may_be_null = false, .compact = flexible_});
        }
        return;
      }
      case WireKind::kStruct:
        return fields(type.fields(), at);
      case WireKind::kNullableStruct: {
        const bool present = type.elements->count(at) > 0;
        number(static_cast<std::uint8_t>(present ? 1 : -1));
        if (present) fields(type.fields(), type.elements->data(at));
        return;
      }
    }
  }

  /// Our own errors start at 10000 and mean nothing to a client. Trouble with a disk is worth another try.
  static std::int16_t on_the_wire(ErrorCode code) {
    const bool storage = code == ErrorCode::kNoSpace || code == ErrorCode::kIo || code == ErrorCode::kCorruptLog;
    if (storage) code = ErrorCode::kStorageError;
    const auto number = static_cast<std::int32_t>(code);
    return number >= 10000 ? std::int16_t{-1} : static_cast<std::int16_t>(number);
  }

  /// A null where this version has no null is written as empty: the older form of saying "none". Text that is too long
  /// for the two bytes of its length, such as an error message that quotes what a peer sent, is cut.
  void text(NullableBytes bytes, FieldForm form) {
    const bool null = bytes.is_null() && form.may_be_null;
    auto raw = bytes.bytes();
    if (form.compact) {
      varint(null ? 0 : raw.size() + 1);
    } else {
      raw = raw.first(std::min<std::size_t>(raw.size(), std::numeric_limits<std::int16_t>::max()));
      number(static_cast<std::uint16_t>(null ? -1 : static_cast<int>(raw.size())));
    }
    out_.append(raw);
  }

  void tagged_fields(const StructTable& table, const std::byte* object) {
    std::size_t count = 0;
    [[maybe_unused]] std::int32_t last = -1;
    for (const auto& row : table.rows) {
      if (!is_written(table, row, object)) continue;
      MILLRACE_ASSERT(row.rules.tag > last);  // the field list has its tags in order, as the wire must
      last = row.rules.tag;
      ++count;
    }
    varint(count);
    if (count == 0) return;
    for (const auto& row : table.rows) {
      if (!is_written(table, row, object)) continue;
      ByteCount bytes;
      FieldWriter<ByteCount>{bytes, version_, flexible_}.tagged_value(row, object);
      varint(static_cast<std::uint64_t>(row.rules.tag));
      varint(bytes.size);
      tagged_value(row, object);
    }
  }
  void tagged_value(const FieldRow& row, const std::byte* object) {
    value(*row.type, object + row.offset, form_of(row.rules));
  }
  /// A tagged field that has its default is left out.
  bool is_written(const StructTable& table, const FieldRow& row, const std::byte* object) const {
    return row.rules.is_tagged() && row.rules.versions.has(version_) &&
           !equal(*row.type, object + row.offset, table.defaults + row.offset);
  }

  [[nodiscard]] FieldForm form_of(const Field& rules) const {
    return {.may_be_null = rules.nullable.has(version_), .compact = flexible_ && !rules.never_compact};
  }

  template <class Number>
  void number(Number number) {
    std::byte bytes[sizeof(Number)];
    store_be<Number>(bytes, number);
    out_.append(bytes);
  }
  void varint(std::uint64_t value) {
    std::byte bytes[kMaxVarint64Bytes];
    out_.append({bytes, static_cast<std::size_t>(put_varint(bytes, value) - bytes)});
  }
  void long_size(std::int64_t count) {
    if (flexible_) return varint(static_cast<std::uint64_t>(count + 1));
    MILLRACE_ASSERT(count <= std::numeric_limits<std::int32_t>::max());
    number(static_cast<std::uint32_t>(count));
  }

  template <class>
  friend class FieldWriter;

  Out& out_;
  std::int16_t version_;
  bool flexible_;
};

}  // namespace

void append_fields(GatherBuffer& out, const WireFormat& format, const std::byte* object) {
  FieldWriter<GatherBuffer>{out, format.version, format.flexible}.fields(format.fields, object);
}

std::size_t size_of_fields(const WireFormat& format, const std::byte* object) {
  ByteCount bytes;
  FieldWriter<ByteCount>{bytes, format.version, format.flexible}.fields(format.fields, object);
  return bytes.size;
}

}  // namespace millrace::protocol
