#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "weblog/hit.h"
#include "weblog/time_text.h"

namespace millrace::weblog {

/// What a piece of a line means.
enum class FieldKind : std::uint8_t {
  kSkip,
  kClient,
  kClientHeader,  ///< addresses added by proxies; the first is the client
  kUser,
  kTime,
  kRequest,
  kMethod,
  kTarget,
  kQuery,  ///< "?..." after a target, without a space in between
  kProtocol,
  kStatus,
  kBytes,
  kReferer,
  kAgent,
  kHost,
  kSeconds,  ///< duration, as a decimal fraction
  kMillis,
  kMicros,
};

/// One field of a format and the text that ends it.
struct Field {
  FieldKind kind = FieldKind::kSkip;
  /// How to read a `kTime`: one of the two.
  TimeReader read_time = nullptr;
  std::optional<TimePattern> pattern = std::nullopt;
  /// The format's text between this field and the next; empty after the last.
  std::string after = {};
  /// A quote stands on both sides: a quote inside is escaped by a backslash.
  bool quoted = false;
  /// How the format calls it, for errors: "%h", "$remote_addr".
  std::string name = {};
};

/// A format as data: the text before the first field, then the fields.
struct FieldProgram {
  std::string before;
  std::vector<Field> fields;
};

/// Splits an Apache LogFormat string. Errors: as `LineFormat::compile`.
[[nodiscard]] Result<FieldProgram> compile_apache(std::string_view format, std::string_view client_header);
/// Splits an nginx log_format string.
[[nodiscard]] Result<FieldProgram> compile_nginx(std::string_view format, std::string_view client_header);

/// Puts the text of a field into the hit. Used by every reader, so that all formats agree. False: the text is no such
/// thing; `reason_for` says how that is reported. Times are not its business.
[[nodiscard]] bool set_field(Hit& hit, FieldKind kind, std::string_view text);
[[nodiscard]] RejectReason reason_for(FieldKind kind);

/// Splits "GET /index.html HTTP/1.1" into the hit's method, target and protocol. Anything that does not begin with a
/// method (2 to 20 capital letters, '-' or '_') is a target as a whole.
void set_request(Hit& hit, std::string_view request);

/// The first address of an X-Forwarded-For or Forwarded value, without port, brackets and quotes; empty when there is
/// none.
[[nodiscard]] std::string_view first_address(std::string_view header);

}  // namespace millrace::weblog
