#pragma once

#include <cstdint>
#include <string>

namespace millrace::weblog {

/// What the page shows, as JSON text. The running job implements it; the page's server asks it.
///
/// Threading: any thread may call any function at any time; none waits for the job. The object outlives every server
/// that was given it: servers are stopped first.
class LiveModel {
 public:
  virtual ~LiveModel() = default;

  /// Grows whenever `snapshot_json` would give another answer. O(1), no lock: ask as often as you like.
  [[nodiscard]] virtual std::uint64_t version() const = 0;

  /// The report object that `millrace weblog --json` prints, lists cut by `--top`. Built for every call, O(keys): for
  /// people and tests, not for a timer.
  [[nodiscard]] virtual std::string report_json() const = 0;

  /// `{"report": {...}, "live": {...}}`: the report with lists of at most 100 entries and the newest 744 hours and
  /// minutes, and what is going on now. At most built once a version. The keys of "live":
  ///
  ///     now               the time of the snapshot, Unix milliseconds
  ///     state             "waiting" (no line yet), "running" or "stopped"
  ///     hits_per_second   [[unix second, hits, errors], ...]: the newest 300 seconds of event time, oldest first
  ///     lines_per_second  lines processed, over the last seconds of wall time
  ///     latency_ms        {"last", "p50", "p99"}: from capture of a line to its place in the figures
  ///     newest_capture    capture time of the newest line, Unix milliseconds; 0 before the first
  ///     files             [{"path", "state", "position", "size"}, ...]: what is followed, in bytes
  ///     topic             {"bytes", "limit"}: the captured topic on disk and its bound
  [[nodiscard]] virtual std::string snapshot_json() const = 0;
};

}  // namespace millrace::weblog
