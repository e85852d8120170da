#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "millrace/streams/topology.h"
#include "weblog/format.h"

namespace millrace::weblog {

/// The topic of captured lines: the value is the line, the timestamp the time of capture.
inline constexpr std::string_view kLinesTopic = "access-log";

struct TopologyOptions {
  /// For how long after its end a window takes lines and can be read; absent: for ever.
  std::optional<std::chrono::milliseconds> keep = std::nullopt;
  /// For everything that is counted; beyond it figures become estimates.
  std::uint64_t memory_bytes = std::uint64_t{512} << 20;
  /// Without topics only what the report needs is computed.
  enum class Results : std::uint8_t { kInTopics, kInStores } results = Results::kInTopics;
};

/// The stores that a report is read from.
namespace stores {
inline constexpr const char* kTotals = "totals";
inline constexpr const char* kRejected = "rejected";
inline constexpr const char* kVisitors = "visitors";
inline constexpr const char* kSeconds = "seconds";
inline constexpr const char* kMinutes = "minutes";
inline constexpr const char* kHours = "hours";
inline constexpr const char* kStatus = "status";
inline constexpr const char* kMethods = "methods";
inline constexpr const char* kPaths = "paths";
inline constexpr const char* kHosts = "hosts";
inline constexpr const char* kSites = "referring-sites";
inline constexpr const char* kAgents = "agents";
}  // namespace stores

/// Lines in, figures out: what `millrace weblog` runs.
///
/// Results go to compacted topics with JSON values, keyed by what they are about: `weblog-totals`, and for minutes and
/// hours `weblog-minutes`, `weblog-minutes-by-status`, `-by-path`, `-by-host` (`weblog-hours...` likewise), keyed
/// "START NAME".
[[nodiscard]] streams::Topology topology(const LineFormat& format, const TopologyOptions& options);

}  // namespace millrace::weblog
