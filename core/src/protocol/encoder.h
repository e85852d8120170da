#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <limits>
#include <string_view>

#include "base/assert.h"
#include "base/bytes_io.h"
#include "base/gather_buffer.h"
#include "protocol/field.h"

namespace millrace::protocol {

namespace detail {

/// The same member of a default-constructed message: what a tagged field is compared with. `member` is part of `value`.
template <class Message, class Member>
[[nodiscard]] const Member& default_of(const Message& value, const Member& member) {
  static const Message kDefault{};
  const auto distance = reinterpret_cast<const char*>(&member) - reinterpret_cast<const char*>(&value);
  return *reinterpret_cast<const Member*>(reinterpret_cast<const char*>(&kDefault) + distance);
}

/// Calls `use(member, field)` for each tagged field of `value` that is in this version and not its default.
template <class Message, class Use>
class TaggedVisitor : public FieldVisitor<TaggedVisitor<Message, Use>> {
 public:
  TaggedVisitor(const Message& value, std::int16_t version, Use& use) : value_(value), version_(version), use_(use) {}
  template <class T>
  void field(const char*, const T& member, const Field& field) {
    if (!field.is_tagged() || !field.versions.has(version_)) return;
    if (!(member == default_of(value_, member))) use_(member, field);
  }

 private:
  const Message& value_;
  std::int16_t version_;
  Use& use_;
};

template <class Message, class Use>
void for_each_tagged(const Message& value, std::int16_t version, Use use) {
  TaggedVisitor<Message, Use> visitor{value, version, use};
  Message::fields(value, visitor);
}

}  // namespace detail

/// What Sizer and Encoder share: which fields are there and in which form. `Derived` counts or writes.
template <class Derived>
class Writer : public FieldVisitor<Derived> {
 public:
  Writer(std::int16_t version, bool flexible) : version_(version), flexible_(flexible), compact_(flexible) {}

  template <WireStruct T>
  void message(const T& value) {
    T::fields(value, self());
    if (flexible_) self().tagged_fields(value);
  }

  template <class T>
  void field(const char*, const T& member, const Field& field) {
    if (field.is_tagged() || !field.versions.has(version_)) return;
    compact_ = flexible_ && !field.never_compact;
    value(member, field.nullable.has(version_));
    compact_ = flexible_;
  }

 protected:
  template <class T>
  void value(const T& member, bool may_be_null) {
    if constexpr (WireScalar<T>) {
      self().number(to_rep(member));
    } else if constexpr (std::same_as<T, Uuid>) {
      self().raw(std::as_bytes(std::span{member.bytes}));
    } else if constexpr (std::same_as<T, std::string>) {
      short_bytes(NullableBytes{member}, may_be_null);
    } else if constexpr (std::same_as<T, std::optional<std::string>>) {
      short_bytes(member ? NullableBytes{*member} : NullableBytes{}, may_be_null);
    } else if constexpr (std::same_as<T, ByteString>) {
      self().long_size(static_cast<std::int64_t>(member.size()));
      self().raw(member);
    } else if constexpr (std::same_as<T, Records>) {
      records(member, may_be_null);
    } else if constexpr (WireArray<T>) {
      array(&member, may_be_null);
    } else if constexpr (WireOptional<T>) {
      if constexpr (WireArray<typename T::value_type>) {
        array(member ? &*member : nullptr, may_be_null);
      } else {
        self().number(static_cast<std::int8_t>(member ? 1 : -1));
        if (member) message(*member);
      }
    } else {
      message(member);
    }
  }

  /// A null where this version has no null is written as empty: the older form of saying "none". Text that is too long
  /// for the two bytes of its length, such as an error message that quotes what a peer sent, is cut.
  void short_bytes(NullableBytes bytes, bool may_be_null) {
    const bool null = bytes.is_null() && may_be_null;
    auto raw = bytes.bytes();
    if (compact_) {
      self().varint(null ? 0 : raw.size() + 1);
    } else {
      raw = raw.first(std::min<std::size_t>(raw.size(), std::numeric_limits<std::int16_t>::max()));
      self().number(static_cast<std::int16_t>(null ? -1 : static_cast<std::int16_t>(raw.size())));
    }
    self().raw(raw);
  }

  void records(const Records& records, bool may_be_null) {
    const bool null = records.bytes.is_null() && may_be_null;
    self().long_size(null ? -1 : static_cast<std::int64_t>(records.bytes.size()));
    self().shared(records);
  }

  template <class T>
  void array(const std::vector<T>* elements, bool may_be_null) {
    const auto count = elements == nullptr ? (may_be_null ? -1 : 0) : static_cast<std::int64_t>(elements->size());
    self().long_size(count);
    if (elements == nullptr) return;
    for (const auto& element : *elements) value(element, false);
  }

  std::int16_t version_;
  bool flexible_;
  bool compact_;

 private:
  Derived& self() { return static_cast<Derived&>(*this); }
};

/// Counts the bytes that a message will have.
///
/// Threading: one thread.
class Sizer : public Writer<Sizer> {
 public:
  using Writer<Sizer>::Writer;
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  friend class Writer<Sizer>;
  friend class Encoder;

  template <class T>
  void tagged_fields(const T& message_value) {
    std::size_t count = 0;
    detail::for_each_tagged(message_value, version_, [&](const auto& member, const Field& field) {
      ++count;
      Sizer inner{version_, flexible_};
      inner.value(member, field.nullable.has(version_));
      size_ += varint_size(static_cast<std::uint64_t>(field.tag)) + varint_size(inner.size_) + inner.size_;
    });
    size_ += varint_size(count);
  }

  template <class Number>
  void number(Number) {
    size_ += sizeof(Number);
  }
  void varint(std::uint64_t value) { size_ += varint_size(value); }
  void long_size(std::int64_t count) {
    size_ += flexible_ ? varint_size(static_cast<std::uint64_t>(count + 1)) : sizeof(std::int32_t);
  }
  void raw(Bytes bytes) { size_ += bytes.size(); }
  void shared(const Records& records) { size_ += records.bytes.size(); }

  std::size_t size_ = 0;
};

/// Writes a message's fields behind what a buffer holds: a visitor. Records that have an owner are not copied.
///
/// Threading: one thread.
class Encoder : public Writer<Encoder> {
 public:
  Encoder(GatherBuffer& out, std::int16_t version, Versions flexible)
      : Writer<Encoder>(version, flexible.has(version)), out_(out) {}

 private:
  friend class Writer<Encoder>;

  template <class T>
  void tagged_fields(const T& message_value) {
    std::size_t count = 0;
    [[maybe_unused]] std::int32_t last = -1;
    detail::for_each_tagged(message_value, version_, [&](const auto&, const Field& field) {
      MILLRACE_ASSERT(field.tag > last);  // the field list has its tags in order, as the wire must
      last = field.tag;
      ++count;
    });
    varint(count);
    if (count == 0) return;
    detail::for_each_tagged(message_value, version_, [&](const auto& member, const Field& field) {
      const bool may_be_null = field.nullable.has(version_);
      Sizer sizer{version_, flexible_};
      sizer.value(member, may_be_null);
      varint(static_cast<std::uint64_t>(field.tag));
      varint(sizer.size());
      value(member, may_be_null);
    });
  }

  template <class Number>
  void number(Number number) {
    std::byte bytes[sizeof(Number)];
    if constexpr (std::same_as<Number, double>)
      store_be<std::uint64_t>(bytes, std::bit_cast<std::uint64_t>(number));
    else
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
    number(static_cast<std::int32_t>(count));
  }
  void raw(Bytes bytes) { out_.append(bytes); }
  void shared(const Records& records) { out_.append_shared(records.bytes.bytes(), records.owner); }

  GatherBuffer& out_;
};

}  // namespace millrace::protocol
