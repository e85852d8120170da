#include "cli/default_data.h"

#include <fmt/format.h>

#include <cstdlib>

namespace millrace::cli {

Result<std::string> default_data(std::string_view name) {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') {
    return fmt::format("{}/millrace/{}", state, name);
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return fmt::format("{}/.local/state/millrace/{}", home, name);
  }
  return fail(ErrorCode::kInvalidConfig,
              "neither XDG_STATE_HOME nor HOME is set: say with --data where to keep the data");
}

}  // namespace millrace::cli
