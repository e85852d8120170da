#include "millrace/streams/formats.h"

#include <charconv>
#include <cmath>
#include <iterator>

namespace millrace::streams::detail {

namespace {

template <class Number>
void append_decimal(std::string& out, Number number) {
  char digits[24];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
  out.append(digits, end);
}

/// `number` with leading zeros, in exactly `width` digits.
char* put_padded(char* at, unsigned number, int width) {
  for (int i = width - 1; i >= 0; --i, number /= 10) at[i] = static_cast<char>('0' + number % 10);
  return at + width;
}

}  // namespace

void append_number(std::string& out, std::int64_t number) { append_decimal(out, number); }
void append_number(std::string& out, std::uint64_t number) { append_decimal(out, number); }
void append_number(std::string& out, double number) {
  // JSON has no other numbers.
  std::isfinite(number) ? append_decimal(out, number) : void(out += "null");
}

void append_time(std::string& out, Timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  const auto year = static_cast<int>(date.year());
  if (year < 0 || year > 9999) {
    append_decimal(out, year);
  } else {
    char digits[4];
    out.append(digits, put_padded(digits, static_cast<unsigned>(year), 4));
  }
  char text[32];
  char* at = text;
  const auto put = [&](char before, auto number, int width) {
    *at++ = before;
    at = put_padded(at, static_cast<unsigned>(number), width);
  };
  put('-', static_cast<unsigned>(date.month()), 2);
  put('-', static_cast<unsigned>(date.day()), 2);
  put('T', clock.hours().count(), 2);
  put(':', clock.minutes().count(), 2);
  put(':', clock.seconds().count(), 2);
  if (clock.subseconds().count() != 0) put('.', clock.subseconds().count(), 3);
  *at++ = 'Z';
  out.append(text, at);
}

void append_json_text(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;  // where what needs no escape begins
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto code = static_cast<unsigned char>(text[i]);
    if (code >= 0x20 && code != '"' && code != '\\') continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    out += '\\';
    if (code >= 0x20) {
      out += text[i];
    } else {
      out += "u00";
      out += kHex[code >> 4];
      out += kHex[code & 15];
    }
  }
  out.append(text, plain, text.size() - plain);
  out += '"';
}

}  // namespace millrace::streams::detail
