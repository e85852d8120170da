#include "weblog/format.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/suggest.h"
#include "weblog/config_directive.h"
#include "weblog/field.h"
#include "weblog/json_line.h"

namespace millrace::weblog {
namespace {

constexpr std::string_view kCombined = R"(%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i")";

struct NamedFormat {
  std::string_view name;
  std::string_view meaning;  ///< as an Apache LogFormat
};
constexpr NamedFormat kNamedFormats[] = {
    {"combined", kCombined},
    {"common", R"(%h %l %u %t "%r" %>s %b)"},
    {"vhost", R"(%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-agent}i")"},
    {"vhost_combined", R"(%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-agent}i")"},
};

std::string_view without_carriage_return(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

/// The first quote in [at, end) that is not escaped by a backslash; `end` when there is none.
const char* find_quote(const char* at, const char* end) {
  for (const char* from = at; from < end;) {
    const auto* quote = static_cast<const char*>(std::memchr(from, '"', static_cast<std::size_t>(end - from)));
    if (quote == nullptr) return end;
    const char* before = quote;
    while (before > at && before[-1] == '\\') --before;
    if ((quote - before) % 2 == 0) return quote;
    from = quote + 1;
  }
  return end;
}

/// The first quote in [at, end) that is not escaped and has `rest` behind it; `end` when there is none.
const char* find_quote_before(const char* at, const char* end, std::string_view rest) {
  for (const char* from = at;;) {
    const char* quote = find_quote(from, end);
    if (quote == end) return end;
    const std::string_view behind{quote + 1, static_cast<std::size_t>(end - quote - 1)};
    if (behind.starts_with(rest)) return quote;
    from = quote + 1;
  }
}

/// The quote that ends a line's last field: anything may follow it after a space, and it may be missing.
const char* find_last_quote(const char* at, const char* end, std::string_view rest) {
  for (const char* from = at;;) {
    const char* quote = find_quote(from, end);
    if (quote == end || quote + 1 == end || quote[1] == ' ') return quote;
    const std::string_view behind{quote + 1, static_cast<std::size_t>(end - quote - 1)};
    if (!rest.empty() && behind.starts_with(rest)) return quote;
    from = quote + 1;
  }
}

std::string_view between(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

/// Any format whose fields follow each other on the line.
class ProgramReader final : public LineFormat::Reader {
 public:
  explicit ProgramReader(FieldProgram program) : program_(std::move(program)) {}

  [[nodiscard]] ParsedLine parse(std::string_view line) const override {
    line = without_carriage_return(line);
    if (line.empty()) return std::unexpected(RejectReason::kEmptyLine);
    if (!line.starts_with(program_.before)) return std::unexpected(RejectReason::kNotInFormat);
    ParsedLine result{std::in_place};
    Hit& hit = *result;
    const char* at = line.data() + program_.before.size();
    const char* const end = line.data() + line.size();
    for (const auto& field : program_.fields) {
      const bool last = &field == &program_.fields.back();
      if (field.kind == FieldKind::kTime) {
        const auto time = field.pattern ? field.pattern->read(between(at, end)) : field.read_time(between(at, end));
        if (!time) return std::unexpected(at == end ? RejectReason::kTruncated : RejectReason::kBadTime);
        hit.time = time->time;
        at += time->length;
        if (!last && !between(at, end).starts_with(field.after)) return std::unexpected(RejectReason::kNotInFormat);
        at = std::min(end, at + field.after.size());
        continue;
      }
      const char* stop = stop_of(field, last, at, end);
      if (stop == nullptr) return std::unexpected(RejectReason::kTruncated);
      if (!set_field(hit, field.kind, between(at, stop))) return std::unexpected(reason_for(field.kind));
      if (field.kind == FieldKind::kClient && at == stop) return std::unexpected(RejectReason::kNotInFormat);
      at = std::min(end, stop + field.after.size());
    }
    if (hit.method.empty()) hit.method = "-";
    return result;
  }

 private:
  /// Where the field's text ends; null when the line ends before.
  static const char* stop_of(const Field& field, bool last, const char* at, const char* end) {
    const auto rest = between(at, end);
    if (field.quoted) {
      const auto behind = std::string_view{field.after}.substr(1);
      if (last) return find_last_quote(at, end, behind);
      const char* quote = find_quote_before(at, end, behind);
      return quote == end ? nullptr : quote;
    }
    if (last) {
      // What ends a last, unquoted field is the format's text behind it or a space.
      const auto space = rest.find(' ');
      const auto literal = field.after.empty() ? std::string_view::npos : rest.find(field.after);
      return at + std::min({space, literal, rest.size()});
    }
    // A field with nothing behind it is followed by a path: see `check_separators`.
    const auto found = rest.find(field.after.empty() ? std::string_view{"/"} : std::string_view{field.after});
    return found == std::string_view::npos ? nullptr : at + found;
  }

  FieldProgram program_;
};

/// The format nearly every log has, with nothing left to look up. Reads exactly what `ProgramReader` reads (a test
/// holds the two together).
class CombinedReader final : public LineFormat::Reader {
 public:
  [[nodiscard]] ParsedLine parse(std::string_view line) const override {
    line = without_carriage_return(line);
    if (line.empty()) return std::unexpected(RejectReason::kEmptyLine);
    ParsedLine result{std::in_place};
    Hit& hit = *result;
    const char* at = line.data();
    const char* const end = at + line.size();

    const char* stop = find(at, end, ' ');
    if (stop == end) return std::unexpected(RejectReason::kTruncated);
    if (stop == at) return std::unexpected(RejectReason::kNotInFormat);
    hit.client = between(at, stop);
    at = stop + 1;

    stop = find(at, end, ' ');  // the identity nobody sends
    if (stop == end) return std::unexpected(RejectReason::kTruncated);
    at = stop + 1;

    // A user name may have spaces in it: it ends at " [".
    for (stop = at;; ++stop) {
      stop = find(stop, end, ' ');
      if (end - stop < 2) return std::unexpected(RejectReason::kTruncated);
      if (stop[1] == '[') break;
    }
    if (stop - at != 1 || *at != '-') hit.user = between(at, stop);
    at = stop + 2;

    const auto time = read_clf_time(between(at, end));
    if (!time) return std::unexpected(at == end ? RejectReason::kTruncated : RejectReason::kBadTime);
    hit.time = time->time;
    at += time->length;
    if (end - at < 3 || at[0] != ']' || at[1] != ' ' || at[2] != '"')
      return std::unexpected(RejectReason::kNotInFormat);
    at += 3;

    stop = find_quote_before(at, end, " ");
    if (stop == end) return std::unexpected(RejectReason::kTruncated);
    set_request(hit, between(at, stop));
    at = stop + 2;

    stop = find(at, end, ' ');
    if (stop == end) return std::unexpected(RejectReason::kTruncated);
    if (!set_field(hit, FieldKind::kStatus, between(at, stop))) return std::unexpected(RejectReason::kBadStatus);
    at = stop + 1;

    for (stop = at;; ++stop) {
      stop = find(stop, end, ' ');
      if (end - stop < 2) return std::unexpected(RejectReason::kTruncated);
      if (stop[1] == '"') break;
    }
    if (!set_field(hit, FieldKind::kBytes, between(at, stop))) return std::unexpected(RejectReason::kBadBytes);
    at = stop + 2;

    stop = find_quote_before(at, end, " \"");
    if (stop == end) return std::unexpected(RejectReason::kTruncated);
    if (stop - at != 1 || *at != '-') hit.referer = between(at, stop);
    at = stop + 3;

    stop = find_last_quote(at, end, {});
    if (stop - at != 1 || *at != '-') hit.agent = between(at, stop);
    return result;
  }

 private:
  /// For fields of a few bytes: a loop is quicker than a call.
  static const char* find(const char* at, const char* end, char wanted) {
    while (at < end && *at != wanted) ++at;
    return at;
  }
};

std::string_view meaning_of(std::string_view name) {
  for (const auto& format : kNamedFormats) {
    if (format.name == name) return format.meaning;
  }
  return {};
}

/// Fields must be told apart: by text between them, or because the second begins with a slash.
Result<void> check_separators(const FieldProgram& program) {
  for (std::size_t i = 0; i + 1 < program.fields.size(); ++i) {
    const auto& field = program.fields[i];
    const auto& next = program.fields[i + 1];
    if (field.kind == FieldKind::kRequest && field.after.starts_with(' ')) {
      return fail(
          ErrorCode::kInvalidConfig,
          fmt::format("log format: {} has spaces in it and must stand in quotes: \"{}\"", field.name, field.name));
    }
    if (!field.after.empty() || field.kind == FieldKind::kTime || next.kind == FieldKind::kTarget) continue;
    return fail(
        ErrorCode::kInvalidConfig,
        fmt::format("log format: nothing stands between {} and {}, so a line cannot be split there. Put a space or a "
                    "quote between them in the server's log format",
                    field.name, next.name));
  }
  return {};
}

/// A hit needs these.
Result<void> check_complete(const FieldProgram& program, std::string_view client_header) {
  const auto has = [&](std::initializer_list<FieldKind> kinds) {
    return std::ranges::any_of(program.fields,
                               [&](const Field& field) { return std::ranges::count(kinds, field.kind) > 0; });
  };
  struct Need {
    std::initializer_list<FieldKind> kinds;
    std::string_view what;
    std::string_view directives;
  };
  const Need needs[] = {
      {{FieldKind::kTime}, "time", "%t or $time_local"},
      {{FieldKind::kClient, FieldKind::kClientHeader}, "client", "%h or $remote_addr"},
      {{FieldKind::kStatus}, "status", "%>s or $status"},
      {{FieldKind::kRequest, FieldKind::kTarget}, "request", "\"%r\" or \"$request\""},
  };
  for (const auto& need : needs) {
    if (has(need.kinds)) continue;
    return fail(ErrorCode::kInvalidConfig, fmt::format("log format: it has no {} ({}); hits cannot be counted without",
                                                       need.what, need.directives));
  }
  if (!client_header.empty() && !has({FieldKind::kClientHeader})) {
    return fail(
        ErrorCode::kInvalidConfig,
        fmt::format(
            "--client-header {}: the log format does not have that header. Log it (%{{{}}}i) and give the format "
            "with --format",
            client_header, client_header));
  }
  return {};
}

}  // namespace

std::string_view text_of(RejectReason reason) {
  static constexpr std::string_view kTexts[] = {
#define MILLRACE_DECLARE(identifier, text) text,
      MILLRACE_WEBLOG_REJECTS(MILLRACE_DECLARE)
#undef MILLRACE_DECLARE
  };
  return kTexts[static_cast<std::size_t>(reason)];
}

Result<LineFormat> LineFormat::compile(std::string_view text, const Options& options) {
  const auto spec = format_in(text);
  if (spec == "json") return LineFormat{spec, make_json_reader(options.client_header)};
  if (spec == "combined" && options.client_header.empty()) {
    return LineFormat{spec, std::make_shared<CombinedReader>()};
  }
  const auto meaning = meaning_of(spec);
  const auto format = meaning.empty() ? std::string_view{spec} : meaning;
  Result<FieldProgram> program = FieldProgram{};
  if (format.find('$') != std::string_view::npos) {
    program = compile_nginx(format, options.client_header);
  } else if (format.find('%') != std::string_view::npos) {
    program = compile_apache(format, options.client_header);
  } else {
    std::vector<std::string_view> names{"json"};
    for (const auto& named : kNamedFormats) names.push_back(named.name);
    return fail(
        ErrorCode::kInvalidConfig,
        fmt::format("unknown log format \"{}\".{} Known are combined, common, vhost and json; or give the server's own "
                    "LogFormat (\"%h ...\") or log_format (\"$remote_addr ...\")",
                    spec, did_you_mean(spec, names)));
  }
  if (!program) return std::unexpected(std::move(program).error());
  MILLRACE_CHECK(check_separators(*program));
  MILLRACE_CHECK(check_complete(*program, options.client_header));
  return LineFormat{spec, std::make_shared<ProgramReader>(*std::move(program))};
}

}  // namespace millrace::weblog
