#pragma once

#include <string>

#include "protocol/encoder.h"

namespace millrace::protocol {

/// An object's fields as text for people: `{topics: [{name: "access-log", ...}], timeout_ms: 500}`. Records are shown
/// as their size.
///
/// Threading: any thread.
[[nodiscard]] std::string print_fields(const WireFormat& format, const std::byte* object);

}  // namespace millrace::protocol
