#pragma once

#include <string>
#include <string_view>

namespace millrace::weblog {

/// The format in a directive that was copied whole from a server's configuration; any other text as it is.
///
///     LogFormat "%h %l %u %t \"%r\" %>s %b" common      is    %h %l %u %t \"%r\" %>s %b
///     log_format main '$remote_addr [$time_local] '
///                     '"$request" $status';             is    $remote_addr [$time_local] "$request" $status
///
/// Apache's escapes stay: its formats have them with and without the directive.
[[nodiscard]] std::string format_in(std::string_view text);

}  // namespace millrace::weblog
