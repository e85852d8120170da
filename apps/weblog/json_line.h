#pragma once

#include <memory>
#include <string>

#include "weblog/format.h"

namespace millrace::weblog {

/// Reads lines that are JSON objects, with the keys that nginx (`escape=json`) and Caddy users choose; the first key of
/// a meaning wins, unknown ones are passed over, and objects inside are searched ("request": {"uri": ...} of Caddy).
///
///     time      time, ts, timestamp, @timestamp, time_local, time_iso8601, msec, datetime
///     client    remote_addr, remote_ip, client_ip, clientip, client, ip, remote_host, remote
///     request   request (a string), or method/request_method/verb, uri/request_uri/target/path/url and protocol/proto/
///               server_protocol/httpversion
///     status    status, status_code, response, code
///     bytes     body_bytes_sent, bytes_sent, bytes, size, response_size, length
///     others    http_referer/referer/referrer, http_user_agent/user_agent/agent, host/http_host/server_name/vhost,
///               user/remote_user/user_id, request_time/duration (seconds), http_x_forwarded_for/x_forwarded_for
///
/// Header objects of Caddy ("headers": {"User-Agent": ["..."]}) are read too.
[[nodiscard]] std::shared_ptr<const LineFormat::Reader> make_json_reader(std::string client_header);

}  // namespace millrace::weblog
