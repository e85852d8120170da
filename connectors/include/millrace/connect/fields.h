#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "millrace/result.h"

namespace millrace::connect {

using FieldValue = std::variant<std::int64_t, bool, std::string>;

/// A flat JSON object: how connectors name a place they read from and how far they have read it. Ordered by name, so
/// equal fields have equal text.
///
/// Threading: a value.
using Fields = std::map<std::string, FieldValue, std::less<>>;

/// What a connector reads that has a position of its own: a file, a table, a change stream.
using SourcePartition = Fields;
/// How far a source partition has been read: enough to go on behind the last record.
using SourceOffset = Fields;

/// The field, or nothing where it is absent or of another type.
[[nodiscard]] std::optional<std::int64_t> int_field(const Fields& fields, std::string_view name);
[[nodiscard]] std::optional<std::string> text_field(const Fields& fields, std::string_view name);
[[nodiscard]] bool flag_field(const Fields& fields, std::string_view name);

/// `{"inode":7,"path":"/a"}`. Bytes of a text that are no UTF-8 are written as U+FFFD.
[[nodiscard]] std::string to_json(const Fields& fields);
/// Errors: `kMalformed`. Fields of other types (null, numbers with a fraction, lists, objects) are errors as well.
[[nodiscard]] Result<Fields> fields_from_json(std::string_view json);

}  // namespace millrace::connect
