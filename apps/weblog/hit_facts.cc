#include "weblog/hit_facts.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "millrace/streams/hash.h"

namespace millrace::weblog {
namespace {

constexpr std::string_view kStaticExtensions[] = {
#define EXTENSION(text) text,
#include "weblog/static_extensions.inc"
#undef EXTENSION
};

/// An extension of up to eight bytes as a number, so that one comparison tells.
constexpr std::uint64_t packed(std::string_view extension) {
  std::uint64_t value = 0;
  for (const char c : extension) value = value << 8 | static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return value;
}

constexpr auto kStaticPacked = [] {
  std::array<std::uint64_t, std::size(kStaticExtensions)> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = packed(kStaticExtensions[i]);
  std::ranges::sort(all);
  return all;
}();

}  // namespace

bool is_static_file(std::string_view target) {
  constexpr std::size_t kLongest = 5;
  const auto path = target.substr(0, target.find('?'));
  // The dot is near the end or the path has no such extension.
  for (std::size_t length = 1; length <= kLongest && length < path.size(); ++length) {
    const char c = path[path.size() - 1 - length];
    if (c == '/') return false;
    if (c == '.') return std::ranges::binary_search(kStaticPacked, packed(path.substr(path.size() - length)));
  }
  return false;
}

std::string_view referring_site(const Hit& hit) {
  const auto scheme = hit.referer.find("://");
  if (scheme == std::string_view::npos) return {};
  auto site = hit.referer.substr(scheme + 3);
  site = site.substr(0, site.find_first_of("/?#"));
  if (const auto at = site.rfind('@'); at != std::string_view::npos) site = site.substr(at + 1);
  if (!site.empty() && site.front() == '[') {  // an IPv6 address
    const auto close = site.find(']');
    return close == std::string_view::npos ? site : site.substr(0, close + 1);
  }
  return site.substr(0, site.find(':'));
}

std::string_view status_class(const Hit& hit) {
  static constexpr std::string_view kClasses[] = {"0xx", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx", "7xx", "8xx", "9xx"};
  return kClasses[hit.status / 100 % 10];
}

std::uint64_t visitor(const Hit& hit) {
  using streams::hash_number;
  using streams::hash_text;
  const auto day = std::chrono::floor<std::chrono::days>(hit.time).time_since_epoch().count();
  // The day is mixed before it goes in: as it is, its few bits could undo those in which two clients differ.
  return hash_text(hit.agent, hash_text(hit.client, hash_number(static_cast<std::uint64_t>(day))));
}

}  // namespace millrace::weblog
