#pragma once

#include <cstddef>
#include <cstdint>

#include "base/gather_buffer.h"
#include "protocol/message_table.h"

namespace millrace::protocol {

/// A message's form: of which fields, in which version.
struct WireFormat {
  const StructTable& fields;
  std::int16_t version;
  bool flexible;
};

/// Writes an object's fields behind what `out` holds. Records that have an owner are not copied.
///
/// Threading: any thread. Cost: a table look for each field, and what copying its bytes costs.
void append_fields(GatherBuffer& out, const WireFormat& format, const std::byte* object);

/// How many bytes `append_fields` writes.
[[nodiscard]] std::size_t size_of_fields(const WireFormat& format, const std::byte* object);

}  // namespace millrace::protocol
