#pragma once

#include <chrono>

namespace millrace {

/// How long a test waits for what must happen: long enough for a loaded machine, and never the measure of anything.
inline constexpr std::chrono::seconds kPatience{60};

}  // namespace millrace
