#include "cli/size_text.h"

#include <fmt/core.h>

#include <charconv>

namespace millrace::cli {

Result<std::uint64_t> parse_size(std::string_view option, std::string_view text) {
  constexpr std::string_view kUnits = "kmgt";
  const auto wrong = [&] {
    return fail(ErrorCode::kInvalidConfig, fmt::format("{} {}: not a size such as 512MiB, 1G or 4096", option, text));
  };
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return wrong();
  auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
  unsigned shift = 0;
  if (!unit.empty() && unit != "B") {
    const char letter = unit[0] >= 'A' && unit[0] <= 'Z' ? static_cast<char>(unit[0] + 32) : unit[0];
    const auto place = kUnits.find(letter);
    if (place == std::string_view::npos) return wrong();
    shift = 10 * (static_cast<unsigned>(place) + 1);
    unit.remove_prefix(1);
    if (!unit.empty() && unit != "B" && unit != "iB" && unit != "b") return wrong();
  }
  if (shift > 0 && value >> (64 - shift) != 0) return wrong();
  return value << shift;
}

}  // namespace millrace::cli
