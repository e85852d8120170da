#pragma once

#include <cstdint>
#include <string_view>

#include "weblog/hit.h"

namespace millrace::weblog {

// What the report says about a hit, beyond what stands in its line. All pure. docs/guide/weblog.md has the same
// definitions for readers of reports.

/// Answered with a status of 400 or more.
[[nodiscard]] inline bool is_error(const Hit& hit) { return hit.status >= 400; }
[[nodiscard]] inline bool is_client_error(const Hit& hit) { return hit.status >= 400 && hit.status < 500; }
[[nodiscard]] inline bool is_not_found(const Hit& hit) { return hit.status == 404; }

/// The path ends in one of the extensions of static_extensions.inc. The query string does not matter.
[[nodiscard]] bool is_static_file(std::string_view target);

/// The host of the page that the visitor came from, as the browser sent it, without port and user; empty when the
/// referer is no URL with a host.
[[nodiscard]] std::string_view referring_site(const Hit& hit);

/// "2xx": the status' first digit.
[[nodiscard]] std::string_view status_class(const Hit& hit);

/// Who, for counting visitors: a hash of client, agent and UTC day.
[[nodiscard]] std::uint64_t visitor(const Hit& hit);

}  // namespace millrace::weblog
