#include "weblog/time_text.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <limits>

namespace millrace::weblog {
namespace {

using std::chrono::milliseconds;

/// The parts of a calendar time, not yet checked.
struct Parts {
  unsigned year = 0;
  unsigned month = 0;
  unsigned day = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  unsigned millisecond = 0;
  int zone_minutes = 0;
};

constexpr unsigned kNoNumber = ~0U;

/// Two digits at `at`, or `kNoNumber`.
unsigned two_digits(const char* at) {
  const auto tens = static_cast<unsigned char>(at[0] - '0');
  const auto ones = static_cast<unsigned char>(at[1] - '0');
  return tens <= 9 && ones <= 9 ? tens * 10U + ones : kNoNumber;
}

unsigned four_digits(const char* at) {
  const auto high = two_digits(at);
  const auto low = two_digits(at + 2);
  return high != kNoNumber && low != kNoNumber ? high * 100 + low : kNoNumber;
}

struct MonthSlot {
  char name[4] = {};
  unsigned month = 0;
};

/// English month names; the sum of the last two letters, modulo 32, tells them apart.
constexpr auto kMonths = [] {
  std::array<MonthSlot, 32> table{};
  constexpr const char* kNames[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (unsigned i = 0; i < 12; ++i) {
    auto& slot = table[static_cast<unsigned>(kNames[i][1] + kNames[i][2]) & 31U];
    for (int c = 0; c < 3; ++c) slot.name[c] = kNames[i][c];
    slot.month = i + 1;
  }
  return table;
}();

unsigned month_of(const char* at) {
  const auto& slot = kMonths[static_cast<unsigned>(at[1] + at[2]) & 31U];
  return std::memcmp(slot.name, at, 3) == 0 ? slot.month : kNoNumber;
}

/// "+0200" or "+02:00" at the start of `text`: its minutes and length; nothing when it is neither.
struct Zone {
  int minutes;
  std::size_t length;
};
std::optional<Zone> read_zone(std::string_view text) {
  if (!text.empty() && (text[0] == 'Z' || text[0] == 'z')) return Zone{0, 1};
  if (text.size() < 5 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const std::size_t colon = text[3] == ':' ? 1 : 0;
  if (text.size() < 5 + colon) return std::nullopt;
  const auto hours = two_digits(text.data() + 1);
  const auto minutes = two_digits(text.data() + 3 + colon);
  if (hours > 15 || minutes > 59) return std::nullopt;
  const auto total = static_cast<int>(hours * 60 + minutes);
  return Zone{text[0] == '-' ? -total : total, 5 + colon};
}

std::optional<Timestamp> to_timestamp(const Parts& parts) {
  using namespace std::chrono;
  if (parts.year == kNoNumber || parts.year < 1970 || parts.hour > 23 || parts.minute > 59 || parts.second > 60) {
    return std::nullopt;
  }
  const year_month_day date{year{static_cast<int>(parts.year)}, month{parts.month}, day{parts.day}};
  if (!date.ok()) return std::nullopt;
  const auto seconds_of_day = static_cast<int>(parts.hour * 3600 + parts.minute * 60 + parts.second);
  const Timestamp time =
      sys_days{date} + seconds{seconds_of_day - parts.zone_minutes * 60} + milliseconds{parts.millisecond};
  if (time.time_since_epoch().count() < 0) return std::nullopt;
  return time;
}

std::optional<TimeText> with_length(const Parts& parts, std::size_t length) {
  const auto time = to_timestamp(parts);
  if (!time) return std::nullopt;
  return TimeText{*time, length};
}

/// The fraction ".123456" at the start of `text`: milliseconds, and its length with the point (0: there is none).
struct Fraction {
  unsigned millisecond = 0;
  std::size_t length = 0;
};
Fraction read_fraction(std::string_view text) {
  if (text.size() < 2 || (text[0] != '.' && text[0] != ',') || text[1] < '0' || text[1] > '9') return {};
  Fraction fraction{.length = 1};
  unsigned unit = 100;
  while (fraction.length < text.size() && text[fraction.length] >= '0' && text[fraction.length] <= '9') {
    fraction.millisecond += static_cast<unsigned>(text[fraction.length] - '0') * unit;
    unit /= 10;
    ++fraction.length;
  }
  return fraction;
}

/// The number at the start of `text`; no length when there is none or it is too large for a time in nanoseconds.
struct Digits {
  std::int64_t value = 0;
  std::size_t length = 0;
};
Digits read_digits(std::string_view text) {
  constexpr std::size_t kMostDigits = 18 + 1;
  std::uint64_t value = 0;
  std::size_t length = 0;
  while (length < text.size() && text[length] >= '0' && text[length] <= '9') {
    if (length == kMostDigits) return {};
    value = value * 10 + static_cast<std::uint64_t>(text[length] - '0');
    ++length;
  }
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return {};
  return {static_cast<std::int64_t>(value), length};
}

std::optional<TimeText> read_epoch_in(std::string_view text, std::int64_t per_second) {
  const auto digits = read_digits(text);
  if (digits.length == 0) return std::nullopt;
  const auto per_milli = per_second / 1000;
  return TimeText{Timestamp{milliseconds{digits.value / per_milli}}, digits.length};
}

/// Compound conversions and what they stand for.
struct Compound {
  char letter;
  std::string_view meaning;
};
constexpr Compound kCompounds[] = {{'T', "%H:%M:%S"}, {'D', "%m/%d/%y"}, {'F', "%Y-%m-%d"}, {'R', "%H:%M"},
                                   {'e', "%d"},       {'h', "%b"},       {'B', "%b"},       {'A', "%a"}};
constexpr std::string_view kSimple = "YymdbHMSzZsa%";

}  // namespace

std::optional<TimeText> read_clf_time(std::string_view text) {
  constexpr std::size_t kLength = 26;
  if (text.size() < kLength) return std::nullopt;
  const char* at = text.data();
  if (at[2] != '/' || at[6] != '/' || at[11] != ':' || at[14] != ':' || at[17] != ':' || at[20] != ' ' ||
      at[24] == ':') {
    return std::nullopt;
  }
  const auto zone = read_zone(text.substr(21, 5));
  if (!zone) return std::nullopt;
  const Parts parts{.year = four_digits(at + 7),
                    .month = month_of(at + 3),
                    .day = two_digits(at),
                    .hour = two_digits(at + 12),
                    .minute = two_digits(at + 15),
                    .second = two_digits(at + 18),
                    .zone_minutes = zone->minutes};
  return with_length(parts, kLength);
}

std::optional<TimeText> read_iso_time(std::string_view text) {
  constexpr std::size_t kLength = 19;
  if (text.size() < kLength) return std::nullopt;
  const char* at = text.data();
  if (at[4] != '-' || at[7] != '-' || (at[10] != 'T' && at[10] != 't' && at[10] != ' ') || at[13] != ':' ||
      at[16] != ':') {
    return std::nullopt;
  }
  const auto fraction = read_fraction(text.substr(kLength));
  auto length = kLength + fraction.length;
  auto rest = text.substr(length);
  const bool space_before_zone = rest.size() > 1 && rest[0] == ' ' && (rest[1] == '+' || rest[1] == '-');
  Parts parts{.year = four_digits(at),
              .month = two_digits(at + 5),
              .day = two_digits(at + 8),
              .hour = two_digits(at + 11),
              .minute = two_digits(at + 14),
              .second = two_digits(at + 17),
              .millisecond = fraction.millisecond};
  if (const auto zone = read_zone(space_before_zone ? rest.substr(1) : rest)) {
    parts.zone_minutes = zone->minutes;
    length += zone->length + (space_before_zone ? 1 : 0);
  }
  return with_length(parts, length);
}

std::optional<TimeText> read_epoch_time(std::string_view text) {
  const auto digits = read_digits(text);
  if (digits.length == 0) return std::nullopt;
  // Which unit is told by the size: 1e11 seconds is the year 5138, 1e11 milliseconds is 1973.
  if (digits.value >= 100'000'000'000'000'000)
    return TimeText{Timestamp{milliseconds{digits.value / 1'000'000}}, digits.length};
  if (digits.value >= 100'000'000'000'000) return TimeText{Timestamp{milliseconds{digits.value / 1000}}, digits.length};
  if (digits.value >= 100'000'000'000) return TimeText{Timestamp{milliseconds{digits.value}}, digits.length};
  const auto fraction = read_fraction(text.substr(digits.length));
  return TimeText{Timestamp{milliseconds{digits.value * 1000 + fraction.millisecond}}, digits.length + fraction.length};
}

std::optional<TimeText> read_epoch_millis(std::string_view text) { return read_epoch_in(text, 1000); }
std::optional<TimeText> read_epoch_micros(std::string_view text) { return read_epoch_in(text, 1'000'000); }

std::optional<TimeText> read_any_time(std::string_view text) {
  if (!text.empty() && text.front() == '[') {
    auto inner = read_any_time(text.substr(1));
    if (inner) ++inner->length;
    return inner;
  }
  for (const TimeReader reader : {read_clf_time, read_iso_time, read_epoch_time}) {
    if (auto time = reader(text)) return time;
  }
  return std::nullopt;
}

Result<TimePattern> TimePattern::compile(std::string_view pattern) {
  TimePattern compiled;
  std::string seen;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') {
      compiled.steps_ += pattern[i];
      continue;
    }
    const char letter = ++i < pattern.size() ? pattern[i] : '\0';
    std::string_view meaning;
    for (const auto& compound : kCompounds) {
      if (compound.letter == letter) meaning = compound.meaning;
    }
    if (meaning.empty() && (letter == '\0' || kSimple.find(letter) == std::string_view::npos)) {
      return fail(
          ErrorCode::kInvalidConfig,
          fmt::format("log format: the time \"%{{{}}}t\" has the conversion \"%{}\", which cannot be read back. Known "
                      "are %Y %y %m %d %e %b %B %H %M %S %z %s %T %D %F %R",
                      pattern, letter));
    }
    compiled.steps_ += meaning.empty() ? std::string{'%', letter} : std::string{meaning};
  }
  for (std::size_t i = 0; i + 1 < compiled.steps_.size(); ++i) {
    if (compiled.steps_[i] == '%') seen += compiled.steps_[++i];
  }
  const auto has = [&](char letter) { return seen.find(letter) != std::string::npos; };
  if (!has('s') && !((has('Y') || has('y')) && (has('m') || has('b')) && has('d') && has('H') && has('M'))) {
    return fail(
        ErrorCode::kInvalidConfig,
        fmt::format("log format: the time \"%{{{}}}t\" does not tell year, month, day, hour and minute", pattern));
  }
  return compiled;
}

std::optional<TimeText> TimePattern::read(std::string_view text) const {
  Parts parts;
  std::optional<TimeText> epoch;
  std::size_t at = 0;
  const auto number = [&](std::size_t digits, unsigned& part) {
    if (at + digits > text.size()) return false;
    // strftime's %e pads with a space.
    if (digits == 2 && text[at] == ' ' && text[at + 1] >= '0' && text[at + 1] <= '9') {
      part = static_cast<unsigned>(text[at + 1] - '0');
    } else {
      part = digits == 4 ? four_digits(text.data() + at) : two_digits(text.data() + at);
    }
    at += digits;
    return part != kNoNumber;
  };
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (steps_[i] != '%') {
      if (at >= text.size() || text[at] != steps_[i]) return std::nullopt;
      ++at;
      continue;
    }
    bool ok = true;
    switch (steps_[++i]) {
      case 'Y':
        ok = number(4, parts.year);
        break;
      case 'y':
        ok = number(2, parts.year);
        parts.year += parts.year < 69 ? 2000 : 1900;  // as strptime does
        break;
      case 'm':
        ok = number(2, parts.month);
        break;
      case 'd':
        ok = number(2, parts.day);
        break;
      case 'H':
        ok = number(2, parts.hour);
        break;
      case 'M':
        ok = number(2, parts.minute);
        break;
      case 'S':
        ok = number(2, parts.second);
        break;
      case 'b':
      case 'a': {
        if (at + 3 > text.size()) return std::nullopt;
        if (steps_[i] == 'b') parts.month = month_of(text.data() + at);
        ok = parts.month != kNoNumber;
        at += 3;
        while (at < text.size() && text[at] >= 'a' && text[at] <= 'z') ++at;  // the rest of a full name
        break;
      }
      case 'z': {
        const auto zone = read_zone(text.substr(at));
        if (!zone) return std::nullopt;
        parts.zone_minutes = zone->minutes;
        at += zone->length;
        break;
      }
      case 'Z':
        while (at < text.size() && text[at] >= 'A' && text[at] <= 'Z') ++at;
        break;
      case 's': {
        epoch = read_epoch_time(text.substr(at));
        if (!epoch) return std::nullopt;
        at += epoch->length;
        break;
      }
      default:  // %%
        ok = at < text.size() && text[at++] == '%';
    }
    if (!ok) return std::nullopt;
  }
  return epoch ? std::optional{TimeText{epoch->time, at}} : with_length(parts, at);
}

std::string iso_text(Timestamp time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{floor<seconds>(time - day)};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

}  // namespace millrace::weblog
