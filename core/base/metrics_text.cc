#include "base/metrics_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "base/utf8.h"

namespace millrace {
namespace {

constexpr std::string_view kTypeNames[] = {"counter", "gauge", "histogram"};

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>{time}.count(); }

/// In a label's value a backslash, a quote and the end of a line are written with a backslash. One byte that is no
/// UTF-8, in a name that a client made up, and the whole page would be refused.
void append_escaped(std::string& text, std::string_view value) {
  for (const char c : to_utf8(value)) {
    if (c == '\\' || c == '"') text += '\\';
    if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
}

/// The words between commas, one after the other.
std::string_view next_word(std::string_view& words) {
  const auto word = words.substr(0, words.find(','));
  words.remove_prefix(std::min(words.size(), word.size() + 1));
  return word;
}

}  // namespace

std::string_view name_of(MetricType type) { return kTypeNames[static_cast<std::size_t>(type)]; }

std::string metrics_markdown(std::span<const MetricInfo> metrics) {
  std::string text = "| metric | type | labels | what |\n| --- | --- | --- | --- |\n";
  for (const auto& metric : metrics) {
    std::string labels;
    for (auto words = metric.labels; !words.empty();) {
      labels += fmt::format("{}`{}`", labels.empty() ? "" : ", ", next_word(words));
    }
    text += fmt::format("| `{}` | {} | {} | {} |\n", metric.name, name_of(metric.type), labels, metric.help);
  }
  return text;
}

void MetricsText::begin(const MetricInfo& metric) {
  metric_ = &metric;
  text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", metric.name, metric.help, metric.name, name_of(metric.type));
}

void MetricsText::name(std::string_view suffix, Labels labels, std::string_view last_label) {
  MILLRACE_ASSERT(metric_ != nullptr);
  text_.append(metric_->name).append(suffix);
  auto names = metric_->labels;
  char before = '{';
  for (const auto value : labels) {
    MILLRACE_ASSERT(!names.empty());
    text_ += before;
    text_.append(next_word(names)).append("=\"");
    append_escaped(text_, value);
    text_ += '"';
    before = ',';
  }
  MILLRACE_ASSERT(names.empty());
  if (!last_label.empty()) {
    text_ += before;
    text_.append(last_label);
    before = ',';
  }
  if (before == ',') text_ += '}';
  text_ += ' ';
}

void MetricsText::sample(Labels labels, std::uint64_t value) {
  name({}, labels);
  text_ += fmt::format("{}\n", value);
}

void MetricsText::sample(Labels labels, std::int64_t value) {
  name({}, labels);
  text_ += fmt::format("{}\n", value);
}

void MetricsText::sample(Labels labels, double value) {
  name({}, labels);
  text_ += fmt::format("{}\n", value);
}

void MetricsText::sample(Labels labels, const DurationHistogram::Snapshot& histogram) {
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    so_far += histogram.counts[i];
    const bool is_last = i == DurationHistogram::kBounds.size();
    name("_bucket", labels,
         is_last ? std::string{"le=\"+Inf\""} : fmt::format("le=\"{}\"", seconds(DurationHistogram::kBounds[i])));
    text_ += fmt::format("{}\n", so_far);
  }
  name("_sum", labels);
  text_ += fmt::format("{}\n", seconds(histogram.total));
  name("_count", labels);
  text_ += fmt::format("{}\n", so_far);
}

}  // namespace millrace
