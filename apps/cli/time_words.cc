#include "cli/time_words.h"

#include <fmt/format.h>

#include <charconv>

#include "weblog/time_text.h"

namespace millrace::cli {

Result<Timestamp> parse_time(std::string_view option, std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size() && number >= 0) {
    return Timestamp{std::chrono::milliseconds{number}};
  }
  constexpr std::size_t kDate = 10;
  constexpr std::size_t kDateAndTime = 19;
  const auto whole = text.size() == kDate ? fmt::format("{}T00:00:00Z", text) : std::string{text};
  // Whose clock a time without a zone is of nobody can know.
  const bool has_zone = whole.find_first_of("Zz+-", kDateAndTime) != std::string::npos;
  if (const auto read = weblog::read_iso_time(whole); read && has_zone && read->length == whole.size()) {
    return read->time;
  }
  return fail(ErrorCode::kInvalidConfig,
              fmt::format("{} \"{}\": write a time as 2026-05-01T12:30:00Z, or milliseconds since 1970", option, text));
}

}  // namespace millrace::cli
