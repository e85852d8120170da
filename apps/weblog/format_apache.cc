// Apache's LogFormat: https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats
#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "base/suggest.h"
#include "weblog/field.h"
#include "weblog/header_name.h"

namespace millrace::weblog {
namespace {

struct Directive {
  char letter;
  FieldKind kind;
};
/// Directives without an argument that is looked at.
constexpr Directive kDirectives[] = {
    {'h', FieldKind::kClient}, {'a', FieldKind::kClient},  {'A', FieldKind::kSkip},     {'l', FieldKind::kSkip},
    {'u', FieldKind::kUser},   {'r', FieldKind::kRequest}, {'s', FieldKind::kStatus},   {'b', FieldKind::kBytes},
    {'B', FieldKind::kBytes},  {'O', FieldKind::kBytes},   {'I', FieldKind::kSkip},     {'S', FieldKind::kSkip},
    {'v', FieldKind::kHost},   {'V', FieldKind::kHost},    {'D', FieldKind::kMicros},   {'m', FieldKind::kMethod},
    {'U', FieldKind::kTarget}, {'q', FieldKind::kQuery},   {'H', FieldKind::kProtocol}, {'p', FieldKind::kSkip},
    {'P', FieldKind::kSkip},   {'k', FieldKind::kSkip},    {'L', FieldKind::kSkip},     {'f', FieldKind::kSkip},
    {'R', FieldKind::kSkip},   {'X', FieldKind::kSkip},    {'o', FieldKind::kSkip},     {'e', FieldKind::kSkip},
    {'n', FieldKind::kSkip},   {'C', FieldKind::kSkip},
};

/// `%{...}i`: the request headers that mean something here.
FieldKind kind_of_header(std::string_view name, std::string_view client_header) {
  if (!client_header.empty() && same_header(name, client_header)) return FieldKind::kClientHeader;
  if (same_header(name, "Referer")) return FieldKind::kReferer;
  if (same_header(name, "User-Agent")) return FieldKind::kAgent;
  if (same_header(name, "Host")) return FieldKind::kHost;
  return FieldKind::kSkip;
}

/// `%{...}t`, `%{...}T` by their argument.
struct TimeArgument {
  std::string_view argument;
  TimeReader reader;
};
constexpr TimeArgument kTimeArguments[] = {
    {"sec", read_epoch_time}, {"msec", read_epoch_millis}, {"usec", read_epoch_micros}};
struct DurationArgument {
  std::string_view argument;
  FieldKind kind;
};
constexpr DurationArgument kDurationArguments[] = {
    {"", FieldKind::kSeconds}, {"s", FieldKind::kSeconds}, {"ms", FieldKind::kMillis}, {"us", FieldKind::kMicros}};

/// One directive as written: %, modifiers, {argument}, letter.
struct Written {
  std::string_view text;
  std::string_view argument;
  char letter = '\0';
};

Result<Written> read_directive(std::string_view format, std::size_t start) {
  std::size_t at = start + 1;
  // "%400,501{User-agent}i", "%!200b", "%>s": conditions and the choice of the request after internal redirects.
  while (at < format.size() && std::string_view{"0123456789,!<>^"}.find(format[at]) != std::string_view::npos) ++at;
  Written written;
  if (at < format.size() && format[at] == '{') {
    const auto close = format.find('}', at);
    if (close == std::string_view::npos) {
      return fail(ErrorCode::kInvalidConfig,
                  fmt::format("log format: \"{}\" has no closing brace", format.substr(start)));
    }
    written.argument = format.substr(at + 1, close - at - 1);
    at = close + 1;
  }
  if (at >= format.size()) {
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("log format: \"{}\" at the end is no directive", format.substr(start)));
  }
  written.letter = format[at];
  // %^FB, %{...}^ti: two letters behind a caret.
  if (written.letter == 't' && at > start && format[at - 1] == '^') ++at;
  written.text = format.substr(start, at + 1 - start);
  return written;
}

Result<Field> to_field(const Written& written, std::string_view client_header) {
  Field field{.name = std::string{written.text}};
  if (written.letter == 't') {
    field.kind = FieldKind::kTime;
    field.read_time = read_clf_time;
    if (written.argument.empty()) return field;
    auto argument = written.argument;
    for (const auto* prefix : {"begin:", "end:"}) {
      if (argument.starts_with(prefix)) argument.remove_prefix(std::string_view{prefix}.size());
    }
    if (argument == "msec_frac" || argument == "usec_frac") {
      field.kind = FieldKind::kSkip;
      return field;
    }
    for (const auto& known : kTimeArguments) {
      if (known.argument != argument) continue;
      field.read_time = known.reader;
      return field;
    }
    MILLRACE_TRY(pattern, TimePattern::compile(argument));
    field.read_time = nullptr;
    field.pattern = std::move(pattern);
    return field;
  }
  if (written.letter == 'T') {
    const auto known = std::ranges::find(kDurationArguments, written.argument, &DurationArgument::argument);
    field.kind = known == std::end(kDurationArguments) ? FieldKind::kSkip : known->kind;
    return field;
  }
  if (written.letter == 'i') {
    field.kind = kind_of_header(written.argument, client_header);
    return field;
  }
  const auto known = std::ranges::find(kDirectives, written.letter, &Directive::letter);
  if (known == std::end(kDirectives)) {
    return fail(
        ErrorCode::kInvalidConfig,
        fmt::format("log format: unknown directive \"{}\". Known are %h %a %l %u %t %r %s %b %B %O %v %V %D %T %m %U "
                    "%q %H and %{{Header}}i; see Apache's mod_log_config",
                    written.text));
  }
  field.kind = known->kind;
  return field;
}

/// Text as Apache's configuration writes it: \" for a quote, \t for a tabulator.
std::string unescaped(std::string_view format) {
  std::string text;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '\\' || i + 1 == format.size()) {
      text += format[i];
      continue;
    }
    const char next = format[++i];
    text += next == 't' ? '\t' : next == 'n' ? '\n' : next;
  }
  return text;
}

}  // namespace

Result<FieldProgram> compile_apache(std::string_view format, std::string_view client_header) {
  const auto text = unescaped(format);
  FieldProgram program;
  std::string* literal = &program.before;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '%') {
      *literal += text[at++];
      continue;
    }
    if (at + 1 < text.size() && text[at + 1] == '%') {
      *literal += '%';
      at += 2;
      continue;
    }
    MILLRACE_TRY(written, read_directive(text, at));
    MILLRACE_TRY(field, to_field(written, client_header));
    at += written.text.size();
    // %U%q is the target as one.
    if (field.kind == FieldKind::kQuery && literal->empty() && !program.fields.empty() &&
        program.fields.back().kind == FieldKind::kTarget) {
      continue;
    }
    // %t brings brackets of its own.
    const bool bracketed = field.read_time == read_clf_time;
    if (bracketed) *literal += '[';
    const bool opened = literal->ends_with('"');
    program.fields.push_back(std::move(field));
    program.fields.back().quoted = opened;
    literal = &program.fields.back().after;
    if (bracketed) *literal += ']';
  }
  for (auto& field : program.fields) field.quoted = field.quoted && field.after.starts_with('"');
  return program;
}

}  // namespace millrace::weblog
