#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "base/duration_histogram.h"

namespace millrace {

enum class MetricType : std::uint8_t { kCounter, kGauge, kHistogram };

[[nodiscard]] std::string_view name_of(MetricType type);

/// A metric, declared once: what is served and the reference page come from it. Names as Prometheus wants them: the
/// unit last, counters ending in _total.
struct MetricInfo {
  std::string_view name;
  MetricType type;
  /// The labels' names, separated by commas; empty: none.
  std::string_view labels;
  std::string_view help;
};

/// A Markdown table of metrics: the reference page.
[[nodiscard]] std::string metrics_markdown(std::span<const MetricInfo> metrics);

/// Metrics in Prometheus' text format, version 0.0.4.
///
/// Threading: one thread.
class MetricsText {
 public:
  using Labels = std::initializer_list<std::string_view>;
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  /// Samples from here on are of `metric`, which outlives this. Each metric once.
  void begin(const MetricInfo& metric);
  /// One value, with a value for each label of the metric.
  void sample(Labels labels, std::uint64_t value);
  void sample(Labels labels, std::int64_t value);
  void sample(Labels labels, double value);
  /// A histogram's buckets, sum and count, in seconds.
  void sample(Labels labels, const DurationHistogram::Snapshot& histogram);

  [[nodiscard]] std::string take() && { return std::move(text_); }

 private:
  void name(std::string_view suffix, Labels labels, std::string_view last_label = {});

  const MetricInfo* metric_ = nullptr;
  std::string text_;
};

}  // namespace millrace
