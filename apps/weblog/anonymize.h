#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "millrace/connect/file_source.h"

namespace millrace::weblog {

/// An address without what tells one person: the last octet of IPv4 and the last 80 bits of IPv6 (the last octet of an
/// IPv4 address in it) are zero. Nothing when `text` is no address.
[[nodiscard]] std::optional<std::string> masked_address(std::string_view text);

/// Masks every address in a line, whatever its format and whether it can be read or not: those that stand alone between
/// spaces, quotes, commas, brackets and '=', with or without a port. Versions ("Firefox/2.0.0.4") and hosts in URLs are
/// left as they are, and so are host names.
///
/// For `connect::make_file_source`: lines are masked before they are stored.
[[nodiscard]] std::string_view anonymize(std::string_view line, connect::LineScratch& scratch);

}  // namespace millrace::weblog
