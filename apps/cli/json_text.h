#pragma once

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "millrace/types.h"

namespace millrace::cli {

/// JSON as it is written, for answers to programs: `object([&] { field("name", "x"); })`. Bytes of a text that are no
/// UTF-8 become U+FFFD.
///
/// Threading: one thread.
class JsonText {
 public:
  template <class Body>
  void object(Body body) {
    writer_.StartObject();
    body();
    writer_.EndObject();
  }
  template <class Body>
  void array(Body body) {
    writer_.StartArray();
    body();
    writer_.EndArray();
  }
  void key(std::string_view name) {
    if (!is_utf8(name)) return key(to_utf8(name));
    writer_.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  }
  void value(std::string_view text) {
    if (!is_utf8(text)) return value(to_utf8(text));
    writer_.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  }
  void value(const char* text) { value(std::string_view{text}); }
  void value(const std::string& text) { value(std::string_view{text}); }
  void value(std::int64_t number) { writer_.Int64(number); }
  void value(std::int32_t number) { writer_.Int(number); }
  void value(bool flag) { writer_.Bool(flag); }
  void value(std::nullptr_t) { writer_.Null(); }
  void value(Offset offset) { value(offset.value()); }
  /// Nothing is null.
  template <class T>
  void value(const std::optional<T>& content) {
    if (content) {
      value(*content);
    } else {
      value(nullptr);
    }
  }
  template <class T>
  void field(std::string_view name, const T& content) {
    key(name);
    value(content);
  }

  /// What was written, and a line's end; begins anew.
  [[nodiscard]] std::string take_line() {
    std::string line{buffer_.GetString(), buffer_.GetSize()};
    buffer_.Clear();
    writer_.Reset(buffer_);
    return line + '\n';
  }

 private:
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_{buffer_};
};

}  // namespace millrace::cli
