#include "net/host_port.h"

#include <fmt/format.h>

#include <charconv>

namespace millrace::net {

Result<HostPort> parse_host_port(std::string_view text) {
  const auto wrong = [text](std::string_view why) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("cannot read the address \"{}\": {}. An address is HOST:PORT, such as 127.0.0.1:9092.", text, why));
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong("it has no port");
  auto host = text.substr(0, colon);
  const auto digits = text.substr(colon + 1);
  unsigned port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port > 65535) {
    return wrong("its port is not a number up to 65535");
  }
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return wrong("an IPv6 address needs brackets, [::1]:9092");
  return HostPort{std::string{host}, static_cast<std::uint16_t>(port)};
}

std::string format_host_port(std::string_view host, std::uint16_t port) {
  return host.find(':') == std::string_view::npos ? fmt::format("{}:{}", host, port)
                                                  : fmt::format("[{}]:{}", host, port);
}

}  // namespace millrace::net
