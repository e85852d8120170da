#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::cli {

/// Where a command keeps its data when nobody says: NAME in the XDG state folder. Errors: `kInvalidConfig` when there
/// is none.
[[nodiscard]] Result<std::string> default_data(std::string_view name);

}  // namespace millrace::cli
