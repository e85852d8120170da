// nginx's log_format: https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/suggest.h"
#include "weblog/field.h"
#include "weblog/header_name.h"

namespace millrace::weblog {
namespace {

struct Variable {
  std::string_view name;
  FieldKind kind;
  TimeReader read_time = nullptr;
};
constexpr Variable kVariables[] = {
    {"remote_addr", FieldKind::kClient},
    {"realip_remote_addr", FieldKind::kSkip},
    {"proxy_protocol_addr", FieldKind::kSkip},
    {"remote_user", FieldKind::kUser},
    {"remote_port", FieldKind::kSkip},
    {"time_local", FieldKind::kTime, read_clf_time},
    {"time_iso8601", FieldKind::kTime, read_iso_time},
    {"msec", FieldKind::kTime, read_epoch_time},
    {"request", FieldKind::kRequest},
    {"request_method", FieldKind::kMethod},
    {"request_uri", FieldKind::kTarget},
    {"uri", FieldKind::kTarget},
    {"document_uri", FieldKind::kTarget},
    {"args", FieldKind::kSkip},
    {"is_args", FieldKind::kSkip},
    {"query_string", FieldKind::kSkip},
    {"server_protocol", FieldKind::kProtocol},
    {"status", FieldKind::kStatus},
    {"body_bytes_sent", FieldKind::kBytes},
    {"bytes_sent", FieldKind::kBytes},
    {"http_referer", FieldKind::kReferer},
    {"http_user_agent", FieldKind::kAgent},
    {"host", FieldKind::kHost},
    {"http_host", FieldKind::kHost},
    {"server_name", FieldKind::kHost},
    {"request_time", FieldKind::kSeconds},
    {"request_length", FieldKind::kSkip},
    {"request_id", FieldKind::kSkip},
    {"request_body", FieldKind::kSkip},
    {"request_completion", FieldKind::kSkip},
    {"request_filename", FieldKind::kSkip},
    {"connection", FieldKind::kSkip},
    {"connection_requests", FieldKind::kSkip},
    {"connection_time", FieldKind::kSkip},
    {"content_length", FieldKind::kSkip},
    {"content_type", FieldKind::kSkip},
    {"geoip_country_code", FieldKind::kSkip},
    {"gzip_ratio", FieldKind::kSkip},
    {"hostname", FieldKind::kSkip},
    {"https", FieldKind::kSkip},
    {"nginx_version", FieldKind::kSkip},
    {"pid", FieldKind::kSkip},
    {"pipe", FieldKind::kSkip},
    {"scheme", FieldKind::kSkip},
    {"server_addr", FieldKind::kSkip},
    {"server_port", FieldKind::kSkip},
    {"tcpinfo_rtt", FieldKind::kSkip},
};
/// Families of variables whose members are known by their first part.
constexpr std::string_view kFamilies[] = {"http_",    "sent_http_", "sent_trailer_", "upstream_", "cookie_", "arg_",
                                          "ssl_",     "geoip_",     "geoip2_",       "proxy_",    "jwt_",    "limit_",
                                          "tcpinfo_", "date_",      "binary_",       "invalid_"};

Result<Field> to_field(std::string_view name, std::string_view client_header) {
  Field field{.name = fmt::format("${}", name)};
  if (!client_header.empty() && name.starts_with("http_") && same_header(name.substr(5), client_header)) {
    field.kind = FieldKind::kClientHeader;
    return field;
  }
  if (const auto known = std::ranges::find(kVariables, name, &Variable::name); known != std::end(kVariables)) {
    field.kind = known->kind;
    field.read_time = known->read_time;
    return field;
  }
  if (std::ranges::any_of(kFamilies, [&](auto family) { return name.starts_with(family); })) return field;
  std::vector<std::string_view> names;
  for (const auto& variable : kVariables) names.push_back(variable.name);
  const auto guess = nearest(name, names);
  return fail(ErrorCode::kInvalidConfig,
              fmt::format("log format: unknown variable \"${}\".{} See nginx's log_format", name,
                          guess.empty() ? std::string{} : fmt::format(" Did you mean \"${}\"?", guess)));
}

bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

/// The format itself: quotes of nginx's configuration around and between its pieces (`'$a ' '$b'`) are taken off.
std::string without_quotes(std::string_view format) {
  if (format.empty() || format.front() != '\'') return std::string{format};
  std::string text;
  bool inside = false;
  for (const char c : format) {
    if (c == '\'') {
      inside = !inside;
    } else if (inside) {
      text += c;
    }
  }
  return text;
}

}  // namespace

Result<FieldProgram> compile_nginx(std::string_view format, std::string_view client_header) {
  const auto text = without_quotes(format);
  FieldProgram program;
  std::string* literal = &program.before;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '$') {
      *literal += text[at++];
      continue;
    }
    const bool braced = at + 1 < text.size() && text[at + 1] == '{';
    const auto begin = at + (braced ? 2 : 1);
    auto end = begin;
    while (end < text.size() && is_name(text[end])) ++end;
    if (end == begin || (braced && (end == text.size() || text[end] != '}'))) {
      return fail(ErrorCode::kInvalidConfig,
                  fmt::format("log format: \"{}\" does not begin with a variable's name", text.substr(at)));
    }
    const auto name = std::string_view{text}.substr(begin, end - begin);
    at = end + (braced ? 1 : 0);
    // $uri$is_args$args is the target as one.
    const bool query = name == "is_args" || name == "args" || name == "query_string";
    if (query && literal->empty() && !program.fields.empty() && program.fields.back().kind == FieldKind::kTarget)
      continue;
    MILLRACE_TRY(field, to_field(name, client_header));
    const bool opened = literal->ends_with('"');
    program.fields.push_back(std::move(field));
    program.fields.back().quoted = opened;
    literal = &program.fields.back().after;
  }
  for (auto& field : program.fields) field.quoted = field.quoted && field.after.starts_with('"');
  return program;
}

}  // namespace millrace::weblog
