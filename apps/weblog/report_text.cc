#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "weblog/printable.h"
#include "weblog/report.h"
#include "weblog/time_text.h"

namespace millrace::weblog {
namespace {

constexpr std::size_t kNameColumns = 50;
/// A screenful each; --json has the rest.
constexpr std::size_t kMostEntries = 10;

/// "12,345,678"
std::string grouped(std::uint64_t number) {
  auto digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::string_view kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

/// Fitted into a column; counts code points, which is near enough for a terminal.
std::string fitted(std::string_view name) {
  auto safe = printable(name, Printable::kTerminal);
  std::size_t columns = 0;
  for (std::size_t at = 0; at < safe.size(); ++at) {
    const bool begins = (static_cast<unsigned char>(safe[at]) & 0xc0) != 0x80;
    if (begins && ++columns > kNameColumns) {
      while (at > 0 && (static_cast<unsigned char>(safe[--at]) & 0xc0) == 0x80) {
      }
      safe.resize(at);
      safe += "…";
      break;
    }
  }
  return safe;
}

std::string list_text(std::string_view title, const TopList& top) {
  if (top.entries.empty()) return {};
  auto text = fmt::format("\n{} ({})\n", title, grouped(top.distinct));
  for (const auto& entry : std::span{top.entries}.first(std::min(kMostEntries, top.entries.size()))) {
    text += fmt::format("  {:>12}  {:>10}  {}\n", grouped(entry.tally.hits), size_text(entry.tally.bytes),
                        fitted(entry.name));
  }
  return text;
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string hours_text(std::span<const WindowTally> per_hour) {
  if (per_hour.empty()) return {};
  constexpr std::size_t kMost = 24;
  constexpr double kBar = 40;
  const auto shown = per_hour.last(std::min(kMost, per_hour.size()));
  const auto busiest = std::ranges::max(shown, {}, [](const auto& window) { return window.tally.hits; }).tally.hits;
  auto text = fmt::format("\nHits per hour, UTC ({} hours{})\n", grouped(per_hour.size()),
                          shown.size() < per_hour.size() ? ", the last 24 shown" : "");
  for (const auto& window : shown) {
    const auto bar =
        static_cast<std::size_t>(kBar * static_cast<double>(window.tally.hits) / static_cast<double>(busiest));
    text += fmt::format("  {}  {:>10}  {:#>{}}\n", iso_text(window.start).substr(0, 16), grouped(window.tally.hits), "",
                        bar);
  }
  return text;
}

struct TitledList {
  std::string_view title;
  TopList Report::* entries;
};
constexpr TitledList kTitledLists[] = {
    {"Paths", &Report::paths},     {"Static files", &Report::static_files},       {"Not found", &Report::not_found},
    {"Hosts", &Report::hosts},     {"Referring sites", &Report::referring_sites}, {"Browsers", &Report::browsers},
    {"Systems", &Report::systems},
};

}  // namespace

std::string to_text(const Report& report) {
  const std::string_view about = report.approximate ? "about " : "";
  auto text = fmt::format("{} lines, {} hits, {} rejected\n", grouped(report.lines), grouped(report.total.hits),
                          grouped(report.rejected));
  if (report.first && report.last) text += fmt::format("{} to {}\n", iso_text(*report.first), iso_text(*report.last));
  text += fmt::format("{} sent, {}{} unique visitors, {} errors ({:.2f} %)\n", size_text(report.total.bytes), about,
                      grouped(report.unique_visitors), grouped(report.total.errors),
                      share(report.total.errors, report.total.hits));
  if (report.approximate) text += "Memory ran out: lists and visitors are estimates. Give more with --memory.\n";
  if (!report.status.empty()) {
    text += "\nStatus\n";
    for (const auto& [status, hits] : report.status) {
      text += fmt::format("  {:>12}  {:>8.2f} %  {}\n", grouped(hits), share(hits, report.total.hits), status);
    }
  }
  text += hours_text(report.per_hour);
  for (const auto& each : kTitledLists) text += list_text(each.title, report.*each.entries);
  if (!report.rejected_samples.empty()) {
    text += "\nRejected, the first of them\n";
    for (const auto& sample : report.rejected_samples) {
      text += fmt::format("  offset {}: {}: {}\n", sample.offset.value(), sample.reason, fitted(sample.line));
    }
  }
  return text;
}

}  // namespace millrace::weblog
