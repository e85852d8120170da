#pragma once

#include <string>
#include <string_view>

#include "millrace/result.h"
#include "millrace/types.h"

namespace millrace::cli {

/// "2026-05-01T12:30:00Z", "2026-05-01T12:30:00.250+02:00", "2026-05-01" (midnight UTC), or milliseconds since 1970.
/// Errors: `kInvalidConfig`, naming `option`.
[[nodiscard]] Result<Timestamp> parse_time(std::string_view option, std::string_view text);

}  // namespace millrace::cli
