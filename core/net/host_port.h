#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::net {

struct HostPort {
  std::string host;  ///< without brackets; may be empty
  std::uint16_t port = 0;
};

/// Reads "HOST:PORT" or "[ADDRESS]:PORT". Errors: `kInvalidArgument`, naming the text.
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view text);

/// "HOST:PORT", with brackets around an IPv6 address.
[[nodiscard]] std::string format_host_port(std::string_view host, std::uint16_t port);

}  // namespace millrace::net
