#pragma once

#include <chrono>
#include <string_view>

#include "millrace/streams.h"

namespace millrace::examples {

struct Hit {
  Timestamp time;
  std::string_view path;
  int status = 0;
};

/// "UNIX_MS STATUS PATH" as a hit.
Result<Hit> parse_hit(std::string_view line);

/// How often each path failed, minute by minute, one final figure a minute.
streams::Topology errors_by_path();

}  // namespace millrace::examples
