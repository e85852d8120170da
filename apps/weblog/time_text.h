#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace millrace::weblog {

/// A time that was read, and what follows it.
struct TimeText {
  Timestamp time;
  std::size_t length;  ///< bytes of the text that were the time
};

/// Readers of the times that log lines hold. Each reads one at the start of `text`, checks every part (29 February only
/// in leap years, zones up to 15 hours) and refuses years before 1970. A second 60 is the next minute's first.
///
/// Threading: no state. Cost: about 10 ns.
using TimeReader = std::optional<TimeText> (*)(std::string_view text);

/// "17/May/2015:10:05:03 +0000": Apache's %t without its brackets, nginx's $time_local.
[[nodiscard]] std::optional<TimeText> read_clf_time(std::string_view text);
/// "2015-05-17T10:05:03+00:00"; also a space for the T, a fraction, Z, "+0000", and no zone at all for UTC.
[[nodiscard]] std::optional<TimeText> read_iso_time(std::string_view text);
/// "1431857103.123": seconds since 1970 with an optional fraction, nginx's $msec. Integers too large for seconds are
/// taken as milli-, micro- or nanoseconds.
[[nodiscard]] std::optional<TimeText> read_epoch_time(std::string_view text);
[[nodiscard]] std::optional<TimeText> read_epoch_millis(std::string_view text);
[[nodiscard]] std::optional<TimeText> read_epoch_micros(std::string_view text);

/// Whichever of the above fits: for formats that do not say.
[[nodiscard]] std::optional<TimeText> read_any_time(std::string_view text);

/// Apache's `%{...}t`: a strftime pattern, compiled.
///
/// Threading: immutable, any thread.
class TimePattern {
 public:
  /// Knows %Y %y %m %d %e %b %B %H %M %S %z %Z %s %T %D %F %R %a %A %%. Errors: `kInvalidConfig` for another
  /// conversion, or when day or time of day are missing.
  static Result<TimePattern> compile(std::string_view pattern);

  [[nodiscard]] std::optional<TimeText> read(std::string_view text) const;

 private:
  std::string steps_;  ///< the pattern with compound conversions (%T, %F, ...) written out
};

/// "2015-05-17T10:05:03Z": how reports write times; to the second.
[[nodiscard]] std::string iso_text(Timestamp time);

}  // namespace millrace::weblog
