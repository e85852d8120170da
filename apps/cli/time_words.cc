#include "cli/time_words.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <optional>

namespace millrace::cli {
namespace {

/// Reads the parts of a text one after the other; the first that is not there makes all of it wrong.
class Parts {
 public:
  explicit Parts(std::string_view text) : left_(text) {}
  int number(std::size_t digits) {
    int value = 0;
    const auto word = left_.substr(0, digits);
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (word.size() != digits || error != std::errc{} || end != word.data() + digits || value < 0) ok_ = false;
    left_.remove_prefix(word.size());
    return value;
  }
  void sign(char wanted) {
    if (!left_.starts_with(wanted)) ok_ = false;
    if (!left_.empty()) left_.remove_prefix(1);
  }
  [[nodiscard]] bool next_is(char wanted) const { return left_.starts_with(wanted); }
  [[nodiscard]] bool at_end() const { return left_.empty(); }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::string_view left_;
  bool ok_ = true;
};

std::optional<Timestamp> date_and_time(std::string_view text) {
  using namespace std::chrono;
  Parts parts{text};
  const year y{parts.number(4)};
  parts.sign('-');
  const month m{static_cast<unsigned>(parts.number(2))};
  parts.sign('-');
  const day d{static_cast<unsigned>(parts.number(2))};
  const year_month_day date{y, m, d};
  if (!parts.ok() || !date.ok()) return std::nullopt;
  milliseconds time{};
  if (!parts.at_end()) {
    parts.sign('T');
    const auto hour = parts.number(2);
    parts.sign(':');
    const auto minute = parts.number(2);
    parts.sign(':');
    const auto second = parts.number(2);
    time = hours{hour} + minutes{minute} + seconds{second};
    if (parts.next_is('.')) {
      parts.sign('.');
      time += milliseconds{parts.number(3)};
    }
    parts.sign('Z');
    if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  }
  if (!parts.ok() || !parts.at_end()) return std::nullopt;
  return Timestamp{sys_days{date}.time_since_epoch() + time};
}

}  // namespace

Result<Timestamp> parse_time(std::string_view option, std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size() && number >= 0) {
    return Timestamp{std::chrono::milliseconds{number}};
  }
  if (const auto time = date_and_time(text)) return *time;
  return fail(ErrorCode::kInvalidConfig,
              fmt::format("{} \"{}\": write a time as 2026-05-01T12:30:00Z, or milliseconds since 1970", option, text));
}

}  // namespace millrace::cli
