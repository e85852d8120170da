#pragma once

#include <string>
#include <string_view>

#include "protocol/field.h"

namespace millrace::protocol {

/// Writes a message as text for people: `{topics: [{name: "access-log", ...}], timeout_ms: 500}`. Records are shown as
/// their size.
///
/// Threading: one thread.
class Printer : public FieldVisitor<Printer> {
 public:
  explicit Printer(std::int16_t version) : version_(version) {}

  template <WireStruct T>
  void message(const T& value) {
    text_ += '{';
    first_ = true;
    T::fields(value, *this);
    text_ += '}';
    first_ = false;
  }

  template <class T>
  void field(const char* name, const T& member, const Field& field) {
    if (!field.versions.has(version_)) return;
    label(name);
    value(member);
    first_ = false;
  }

  [[nodiscard]] std::string take() && { return std::move(text_); }

 private:
  template <class T>
  void value(const T& member) {
    if constexpr (std::same_as<T, bool>) {
      text_ += member ? "true" : "false";
    } else if constexpr (std::same_as<T, ErrorCode>) {
      text_ += name_of(member);
    } else if constexpr (WireScalar<T>) {
      text_ += std::to_string(to_rep(member));
    } else if constexpr (std::same_as<T, Uuid>) {
      text_ += member.to_string();
    } else if constexpr (std::same_as<T, std::string>) {
      quoted(member);
    } else if constexpr (std::same_as<T, ByteString>) {
      size_only(member.size());
    } else if constexpr (std::same_as<T, Records>) {
      if (member.bytes.is_null())
        text_ += "null";
      else
        size_only(member.bytes.size());
    } else if constexpr (WireOptional<T>) {
      if (member)
        value(*member);
      else
        text_ += "null";
    } else if constexpr (WireArray<T>) {
      text_ += '[';
      std::string_view between;
      for (const auto& element : member) {
        text_ += between;
        value(element);
        between = ", ";
      }
      text_ += ']';
    } else {
      message(member);
    }
  }

  void label(const char* name);
  void quoted(std::string_view text);
  void size_only(std::size_t size);

  std::int16_t version_;
  bool first_ = true;
  std::string text_;
};

}  // namespace millrace::protocol
