#pragma once

#include <cstdint>
#include <string_view>

#include "millrace/result.h"

namespace millrace::cli {

/// "512MiB", "1G", "64k", "4096": bytes, in steps of 1024. Errors: `kInvalidConfig`, naming `option`.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view option, std::string_view text);

}  // namespace millrace::cli
