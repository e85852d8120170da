#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "millrace/result.h"
#include "millrace/types.h"
#include "weblog/tally.h"

namespace millrace::weblog {

/// One line of a list.
struct Entry {
  std::string name;
  Tally tally;
};

/// The most frequent names of a kind.
struct TopList {
  std::vector<Entry> entries;  ///< most hits first, equal ones by name
  std::uint64_t distinct = 0;  ///< how many names there are, also those that were left out
};

/// Hits of the window that starts at `start`.
struct WindowTally {
  Timestamp start;
  Tally tally;
};

/// A line that was no hit.
struct RejectedLine {
  std::string line;  ///< its first bytes
  std::string reason;
  Offset offset;
};

/// Everything that is known about the hits so far. The definitions are in docs/guide/weblog.md.
///
/// Threading: a value.
struct Report {
  std::uint64_t lines = 0;
  std::uint64_t rejected = 0;
  std::vector<RejectedLine> rejected_samples;  ///< the first ten
  Tally total;
  std::uint64_t unique_visitors = 0;
  std::optional<Timestamp> first;
  std::optional<Timestamp> last;
  std::map<std::uint16_t, std::uint64_t> status;
  std::map<std::string, std::uint64_t> methods;
  std::vector<WindowTally> per_hour;    ///< by start
  std::vector<WindowTally> per_minute;  ///< by start
  TopList paths;
  TopList static_files;
  TopList not_found;
  TopList hosts;
  TopList referring_sites;
  TopList browsers;
  TopList systems;
  /// Memory ran out: lists and visitors are estimates.
  bool approximate = false;
};

/// How much of everything a report has.
struct ReportCut {
  std::size_t entries = 1000;  ///< of each list; 0: all
  std::size_t windows = 0;     ///< the newest of each kind; 0: all
};

/// The report as one JSON object on one line, keys and order as documented. Bytes of names that are no UTF-8 are
/// written as
/// `\xff`, four characters each.
[[nodiscard]] std::string to_json(const Report& report);

/// The report for people: figures, then the first lines of each list, as wide as 80 columns. Control characters in
/// names are written as `\x1b`: a log line cannot write to the terminal.
[[nodiscard]] std::string to_text(const Report& report);

}  // namespace millrace::weblog
