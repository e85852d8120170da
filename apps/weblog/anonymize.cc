#include "weblog/anonymize.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace millrace::weblog {
namespace {

constexpr std::string_view kBefore = " \t\"',[=";
constexpr std::string_view kAfter = " \t\"',];&";

bool is_address_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
}

bool ends_at(std::string_view line, std::size_t at) {
  return at == line.size() || kAfter.find(line[at]) != std::string_view::npos;
}

/// "1.2.3.4:5678": the address alone. Others as they are.
std::string_view without_port(std::string_view text) {
  const auto colon = text.find(':');
  const bool one_colon = colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos;
  return one_colon ? text.substr(0, colon) : text;
}

}  // namespace

std::optional<std::string> masked_address(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN + 1> name{};
  if (text.empty() || text.size() >= name.size()) return std::nullopt;
  std::ranges::copy(text, name.begin());
  in_addr v4{};
  if (inet_pton(AF_INET, name.data(), &v4) == 1) {
    return std::string{text.substr(0, text.rfind('.') + 1)} + '0';
  }
  in6_addr v6{};
  if (inet_pton(AF_INET6, name.data(), &v6) != 1) return std::nullopt;
  constexpr std::size_t kKept = 6;
  auto* const bytes = v6.s6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    bytes[15] = 0;
  } else {
    std::fill(bytes + kKept, bytes + sizeof v6.s6_addr, std::uint8_t{0});
  }
  std::array<char, INET6_ADDRSTRLEN> masked{};
  if (inet_ntop(AF_INET6, &v6, masked.data(), masked.size()) == nullptr) return std::nullopt;
  return masked.data();
}

std::string_view anonymize(std::string_view line, connect::LineScratch& scratch) {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t at = 0; at < line.size();) {
    const bool begins = at == 0 || kBefore.find(line[at - 1]) != std::string_view::npos;
    if (!begins || !is_address_byte(line[at])) {
      ++at;
      continue;
    }
    auto end = at;
    while (end < line.size() && is_address_byte(line[end])) ++end;
    const auto token = line.substr(at, end - at);
    const auto address = without_port(token);
    if (const auto masked = ends_at(line, end) ? masked_address(address) : std::nullopt) {
      out.append(line.substr(copied, at - copied)).append(*masked);
      copied = at + address.size();
    }
    at = end;
  }
  if (copied == 0) return line;
  out.append(line.substr(copied));
  const auto room = scratch.take(out.size());
  std::ranges::copy(out, room.begin());
  return {room.data(), room.size()};
}

}  // namespace millrace::weblog
