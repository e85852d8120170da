#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/types.h"

namespace millrace::weblog {

/// Texts that had to be made anew (JSON's escapes undone) and live as long as a hit that points to them. Nothing for
/// nearly all hits.
///
/// Threading: a value; copies share the texts.
class KeptTexts {
 public:
  std::string_view keep(std::string text) {
    if (!texts_) texts_ = std::make_shared<std::deque<std::string>>();
    return texts_->emplace_back(std::move(text));
  }
  /// Where the texts lie says nothing about the hit.
  friend bool operator==(const KeptTexts&, const KeptTexts&) { return true; }

 private:
  std::shared_ptr<std::deque<std::string>> texts_;
};

/// One request that a web server logged.
///
/// A view: texts point into the line it was read from, as the server wrote them (escapes such as `\"` or `\x16` are
/// kept; only JSON's are undone, into `texts`). A field that the format lacks, or that the server wrote as "-", is
/// empty.
struct Hit {
  /// When the request came, by the server's clock: the line's own time, to the second or better.
  Timestamp time = kNoTimestamp;
  /// The address, or the name, of who asked; "-" when the line does not tell.
  std::string_view client;
  std::string_view user;
  /// GET, POST, ...; "-" when the request line is no HTTP request (port scans, TLS on a plain port).
  std::string_view method;
  /// What was asked for with its query string; the whole request line when it is no HTTP request; "-" when there is
  /// none.
  std::string_view target;
  std::string_view protocol;
  std::string_view referer;
  std::string_view agent;
  /// The virtual host.
  std::string_view host;
  /// Bytes of the answer's body; 0 when the server wrote "-".
  std::uint64_t bytes = 0;
  /// How long the answer took; -1 when the format does not tell.
  std::int64_t duration_us = -1;
  std::uint16_t status = 0;
  KeptTexts texts;

  friend bool operator==(const Hit&, const Hit&) = default;
};

// Why a line is no hit: identifier, the text that reports show.
// clang-format off
#define MILLRACE_WEBLOG_REJECTS(X)                                 \
  X(kEmptyLine, "empty line")                                      \
  X(kTruncated, "line ends early")                                 \
  X(kNotInFormat, "line does not have the format's shape")         \
  X(kBadTime, "invalid time")                                      \
  X(kBadStatus, "invalid status")                                  \
  X(kBadBytes, "invalid number of bytes")                          \
  X(kTooLong, "line is too long")                                  \
  X(kBadJson, "not a JSON object")                                 \
  X(kMissingKey, "a key is missing: time, client, status or request")
// clang-format on

enum class RejectReason : std::uint8_t {
#define MILLRACE_DECLARE(identifier, text) identifier,
  MILLRACE_WEBLOG_REJECTS(MILLRACE_DECLARE)
#undef MILLRACE_DECLARE
};

/// The reason as reports show it: "invalid time".
[[nodiscard]] std::string_view text_of(RejectReason reason);

}  // namespace millrace::weblog
