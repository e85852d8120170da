#include "millrace/streams/formats.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace millrace::streams::detail {

void append_number(std::string& out, std::int64_t number) { fmt::format_to(std::back_inserter(out), "{}", number); }
void append_number(std::string& out, std::uint64_t number) { fmt::format_to(std::back_inserter(out), "{}", number); }
void append_number(std::string& out, double number) {
  // JSON has no other numbers.
  std::isfinite(number) ? void(fmt::format_to(std::back_inserter(out), "{}", number)) : void(out += "null");
}

void append_time(std::string& out, Timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  const auto into = std::back_inserter(out);
  fmt::format_to(into, "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                 clock.minutes().count(), clock.seconds().count());
  if (clock.subseconds().count() != 0) fmt::format_to(into, ".{:03}", clock.subseconds().count());
  out += 'Z';
}

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  for (const auto character : text) {
    const auto code = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      out += '\\';
      out += character;
    } else if (code < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", code);
    } else {
      out += character;
    }
  }
  out += '"';
}

}  // namespace millrace::streams::detail
