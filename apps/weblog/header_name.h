#pragma once

#include <algorithm>
#include <string_view>

namespace millrace::weblog {

/// Whether two header names are the same one: case does not matter, and '_' stands for '-' (nginx's $http_user_agent).
[[nodiscard]] inline bool same_header(std::string_view a, std::string_view b) {
  const auto plain = [](char c) { return c == '_' ? '-' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, [&](char x, char y) { return plain(x) == plain(y); });
}

}  // namespace millrace::weblog
