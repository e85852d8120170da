#pragma once

#include <algorithm>
#include <bit>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/encoder.h"
#include "protocol/field.h"

namespace millrace::protocol {

/// Reads a message's fields from bytes: a visitor. After the first thing that is wrong it reads nothing more and leaves
/// the rest of the fields as they are; `error` tells.
///
/// Every length is hostile: it is compared with the bytes that are left before anything is allocated, and an array
/// grows only as its elements arrive.
///
/// Threading: one thread.
class Decoder : public FieldVisitor<Decoder> {
 public:
  Decoder(Bytes bytes, std::int16_t version, Versions flexible)
      : in_(bytes), size_(bytes.size()), version_(version), flexible_(flexible.has(version)) {}

  template <WireStruct T>
  void message(T& value) {
    const auto outer = tag_;
    tag_ = kNoTag;
    T::fields(value, *this);
    if (flexible_) tagged_fields(value);
    tag_ = outer;
  }

  template <class T>
  void field(const char* name, T& member, const Field& field) {
    if (failed() || !field.versions.has(version_)) return;
    if (tag_ == kNoTag ? field.is_tagged() : field.tag != tag_) return;
    compact_ = flexible_ && !field.never_compact;
    const bool may_be_null = field.nullable.has(version_);
    // Only the innermost field is named: it is where the bytes are wrong.
    value(member, may_be_null);
    if (failed() && !bad_field_) bad_field_ = name;
    tag_found_ = true;
  }

  [[nodiscard]] bool failed() const { return problem_ != nullptr; }
  /// What is wrong, if `failed`.
  [[nodiscard]] Error error(std::string_view message_name) const;
  [[nodiscard]] std::size_t used() const { return size_ - in_.size(); }

 private:
  static constexpr std::int32_t kNoTag = -1;

  template <class T>
  void value(T& member, bool may_be_null) {
    if constexpr (WireScalar<T>) {
      scalar(member);
    } else if constexpr (std::same_as<T, Uuid>) {
      uuid(member);
    } else if constexpr (std::same_as<T, std::string>) {
      if (const auto bytes = short_bytes(false)) member.assign(as_text(bytes.bytes()));
    } else if constexpr (std::same_as<T, std::optional<std::string>>) {
      const auto bytes = short_bytes(may_be_null);
      if (failed()) return;
      if (bytes)
        member.emplace(bytes.text());
      else
        member.reset();
    } else if constexpr (std::same_as<T, ByteString>) {
      if (const auto bytes = long_bytes(false)) member.assign(bytes.bytes().begin(), bytes.bytes().end());
    } else if constexpr (std::same_as<T, Records>) {
      member.bytes = long_bytes(may_be_null);
    } else if constexpr (WireArray<T>) {
      if (const auto count = array_size(false)) array(member, *count);
    } else if constexpr (WireOptional<T>) {
      if constexpr (WireArray<typename T::value_type>) {
        const auto count = array_size(may_be_null);
        if (failed()) return;
        member.reset();
        if (count) array(member.emplace(), *count);
      } else {
        std::int8_t present = 0;
        scalar(present);
        member.reset();
        if (!failed() && present >= 0) message(member.emplace());
      }
    } else {
      message(member);
    }
  }

  template <WireScalar T>
  void scalar(T& member) {
    const auto bytes = take(sizeof(ScalarRep<T>));
    if (failed()) return;
    if constexpr (std::same_as<T, double>)
      member = std::bit_cast<double>(load_be<std::uint64_t>(bytes.data()));
    else
      member = from_rep<T>(load_be<ScalarRep<T>>(bytes.data()));
  }

  template <class T>
  void array(std::vector<T>& member, std::size_t count) {
    // The default value is the smallest, but for a byte or two of a string that is not empty by default.
    const std::size_t smallest = smallest_element<T>();
    if (count > in_.size() / smallest) return fail("an array longer than the bytes that are left");
    member.clear();
    // Growth beyond this is paid for by elements that did arrive.
    member.reserve(std::min(count, std::max<std::size_t>(1, in_.size() / sizeof(T))));
    for (std::size_t i = 0; i < count && !failed(); ++i) value(member.emplace_back(), false);
  }

  template <class T>
  [[nodiscard]] std::size_t smallest_element() const {
    if constexpr (WireStruct<T>) {
      Sizer sizer{version_, flexible_};
      sizer.message(T{});
      return std::max<std::size_t>(1, sizer.size());
    } else if constexpr (WireScalar<T>) {
      return sizeof(ScalarRep<T>);
    } else {
      return 1;
    }
  }

  template <WireStruct T>
  void tagged_fields(T& message_value) {
    for (auto left = unsigned_varint(); left > 0 && !failed(); --left) {
      const auto tag = unsigned_varint();
      const auto size = unsigned_varint();
      if (failed()) return;
      if (size > in_.size()) return fail("a tagged field longer than the bytes that are left");
      if (tag > 0x7fffffffU) return fail("a tag beyond all tags");
      const auto behind = in_.subspan(size);
      in_ = in_.first(size);
      tag_ = static_cast<std::int32_t>(tag);
      tag_found_ = false;
      T::fields(message_value, *this);
      if (failed()) return;
      if (tag_found_ && !in_.empty()) return fail("a tagged field with bytes left over");
      in_ = behind;
    }
  }

  /// The next `size` bytes; fails when there are fewer.
  [[nodiscard]] Bytes take(std::size_t size);
  void uuid(Uuid& member);
  [[nodiscard]] std::uint32_t unsigned_varint();
  /// A string's bytes: two bytes or a varint of length. Null only where that is allowed (else it fails).
  [[nodiscard]] NullableBytes short_bytes(bool may_be_null);
  /// The same with four bytes or a varint of length.
  [[nodiscard]] NullableBytes long_bytes(bool may_be_null);
  [[nodiscard]] std::optional<std::size_t> array_size(bool may_be_null);
  [[nodiscard]] NullableBytes take_nullable(std::int64_t size, bool may_be_null);
  void fail(const char* problem);

  Bytes in_;
  std::size_t size_;
  std::int16_t version_;
  bool flexible_;
  bool compact_ = false;
  std::int32_t tag_ = kNoTag;
  bool tag_found_ = false;
  const char* problem_ = nullptr;
  const char* bad_field_ = nullptr;
};

}  // namespace millrace::protocol
