#include "embed/metrics_report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>

#include "base/metrics_text.h"
#include "broker/cluster_admin.h"
#include "broker/fetch_sessions.h"
#include "coordinator/group_coordinator.h"
#include "server/api_table.h"

namespace millrace {
namespace {

using enum MetricType;

// clang-format off
constexpr MetricInfo kBuild{"millrace_build_info", kGauge, "version", "1, with the version of the program."};
constexpr MetricInfo kRequestSeconds{"millrace_request_seconds", kHistogram, "api", "From a request's last byte to its answer, what it waited for included (min.bytes, acks=all, a rebalance)."};
constexpr MetricInfo kRequestErrors{"millrace_request_errors_total", kCounter, "api,error", "Errors in answers; one of several partitions counts once for each."};
constexpr MetricInfo kRequestBytes{"millrace_request_bytes_total", kCounter, "api", "Bytes of requests."};
constexpr MetricInfo kResponseBytes{"millrace_response_bytes_total", kCounter, "api", "Bytes of answers."};
constexpr MetricInfo kRefused{"millrace_requests_refused_total", kCounter, "", "What came and was no request that is served; its connection was closed."};
constexpr MetricInfo kConnections{"millrace_connections", kGauge, "", "Connections of clients."};
constexpr MetricInfo kConnectionsEver{"millrace_connections_opened_total", kCounter, "", "Connections of clients so far."};
constexpr MetricInfo kFetchSessions{"millrace_fetch_sessions", kGauge, "", "Readers that are told only what is new."};
constexpr MetricInfo kFetchSessionPartitions{"millrace_fetch_session_partitions", kGauge, "", "Partitions that they read."};
constexpr MetricInfo kFetchSessionsEvicted{"millrace_fetch_sessions_evicted_total", kCounter, "", "Fetch sessions that ended to make room for others."};
constexpr MetricInfo kTopics{"millrace_topics", kGauge, "", "Topics, the broker's own included."};
constexpr MetricInfo kPartitions{"millrace_partitions", kGauge, "", "Partitions that this broker keeps."};
constexpr MetricInfo kOffline{"millrace_partitions_offline", kGauge, "", "Partitions that this broker should keep and cannot use; its log says why."};
constexpr MetricInfo kSize{"millrace_partition_size_bytes", kGauge, "topic,partition", "Bytes of a partition's segments."};
constexpr MetricInfo kLogStart{"millrace_partition_log_start_offset", kGauge, "topic,partition", "The first offset that can be read."};
constexpr MetricInfo kHighWatermark{"millrace_partition_high_watermark", kGauge, "topic,partition", "The offset after the last one that can be read."};
constexpr MetricInfo kFlushSeconds{"millrace_flush_seconds", kHistogram, "", "Rounds of the flusher: every file that was written to is synced."};
constexpr MetricInfo kDirectoriesOffline{"millrace_log_directories_offline", kGauge, "", "Data folders (log.dirs) that cannot be used: Kafka's OfflineLogDirectoryCount."};
constexpr MetricInfo kDiskTotal{"millrace_disk_total_bytes", kGauge, "directory", "Size of the file system of a data folder."};
constexpr MetricInfo kDiskUsable{"millrace_disk_usable_bytes", kGauge, "directory", "What is free on it."};
constexpr MetricInfo kGroups{"millrace_groups", kGauge, "state", "Consumer groups."};
constexpr MetricInfo kGroupOffset{"millrace_group_committed_offset", kGauge, "group,topic,partition", "Where a group goes on."};
constexpr MetricInfo kGroupLag{"millrace_group_lag", kGauge, "group,topic,partition", "Offsets from there to the high watermark."};
constexpr MetricInfo kCpu{"process_cpu_seconds_total", kCounter, "", "Processor time of the process, user and system."};
constexpr MetricInfo kResident{"process_resident_memory_bytes", kGauge, "", "Resident memory of the process."};
constexpr MetricInfo kOpenFiles{"process_open_fds", kGauge, "", "Open descriptors of the process."};
constexpr MetricInfo kStarted{"process_start_time_seconds", kGauge, "", "When the process was started, since 1970."};
// clang-format on

constexpr MetricInfo kAll[] = {kBuild,
                               kRequestSeconds,
                               kRequestErrors,
                               kRequestBytes,
                               kResponseBytes,
                               kRefused,
                               kConnections,
                               kConnectionsEver,
                               kFetchSessions,
                               kFetchSessionPartitions,
                               kFetchSessionsEvicted,
                               kTopics,
                               kPartitions,
                               kOffline,
                               kSize,
                               kLogStart,
                               kHighWatermark,
                               kFlushSeconds,
                               kDirectoriesOffline,
                               kDiskTotal,
                               kDiskUsable,
                               kGroups,
                               kGroupOffset,
                               kGroupLag,
                               kCpu,
                               kResident,
                               kOpenFiles,
                               kStarted};

template <class Number>
void one(MetricsText& text, const MetricInfo& metric, Number value) {
  text.begin(metric);
  text.sample({}, value);
}

/// "FetchRequest" is "Fetch" to an operator.
std::string_view api_name(const ApiRow& row) {
  std::string_view name = row.name;
  constexpr std::string_view kSuffix = "Request";
  if (name.ends_with(kSuffix)) name.remove_suffix(kSuffix.size());
  return name;
}

void report_requests(MetricsText& text, const RequestMetrics& requests) {
  const auto snapshot = requests.snapshot();
  const auto rows = served_apis();
  // An API that nobody has used has no samples.
  const auto for_each_used = [&](const auto& use) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto& api = snapshot.apis[i];
      if (api.times.count() > 0 || !api.errors.empty()) use(api_name(rows[i]), api);
    }
  };
  text.begin(kRequestSeconds);
  for_each_used([&](auto name, const auto& api) { text.sample({name}, api.times); });
  text.begin(kRequestErrors);
  for_each_used([&](auto name, const auto& api) {
    for (const auto& [code, count] : api.errors) text.sample({name, name_of(code)}, count);
  });
  text.begin(kRequestBytes);
  for_each_used([&](auto name, const auto& api) { text.sample({name}, api.bytes_in); });
  text.begin(kResponseBytes);
  for_each_used([&](auto name, const auto& api) { text.sample({name}, api.bytes_out); });
  one(text, kRefused, snapshot.refused);
  one(text, kConnections, snapshot.connections);
  one(text, kConnectionsEver, snapshot.connections_ever);
}

void report_fetch_sessions(MetricsText& text, BrokerCore& broker) {
  const auto count = broker.fetch_sessions().count();
  one(text, kFetchSessions, std::uint64_t{count.sessions});
  one(text, kFetchSessionPartitions, std::uint64_t{count.partitions});
  one(text, kFetchSessionsEvicted, count.evicted);
}

void report_partitions(MetricsText& text, BrokerCore& broker) {
  const auto replicas = broker.admin().replicas();
  one(text, kTopics, std::uint64_t{broker.metadata()->topics.size()});
  one(text, kPartitions, std::uint64_t{replicas.size()});
  one(text, kOffline, static_cast<std::uint64_t>(std::ranges::count(replicas, true, &Replica::offline)));
  const auto for_each_open = [&](const auto& use) {
    for (const auto& replica : replicas) {
      if (!replica.positions) continue;
      use(std::string_view{replica.partition.topic}, std::to_string(replica.partition.partition.value()), replica);
    }
  };
  text.begin(kSize);
  for_each_open(
      [&](auto topic, const auto& index, const auto& replica) { text.sample({topic, index}, replica.bytes); });
  text.begin(kLogStart);
  for_each_open([&](auto topic, const auto& index, const auto& replica) {
    text.sample({topic, index}, replica.positions->log_start.value());
  });
  text.begin(kHighWatermark);
  for_each_open([&](auto topic, const auto& index, const auto& replica) {
    text.sample({topic, index}, replica.positions->high_watermark.value());
  });
}

void report_disk(MetricsText& text, BrokerCore& broker) {
  text.begin(kFlushSeconds);
  text.sample({}, broker.flush_times());
  const auto directories = broker.admin().directories();
  one(text, kDirectoriesOffline,
      static_cast<std::uint64_t>(std::ranges::count(directories, true, &LogDirectory::offline)));
  const auto for_each_online = [&](const auto& use) {
    for (const auto& directory : directories) {
      if (directory.space) use(directory.path, *directory.space);
    }
  };
  text.begin(kDiskTotal);
  for_each_online([&](const auto& path, const auto& space) { text.sample({path}, space.total); });
  text.begin(kDiskUsable);
  for_each_online([&](const auto& path, const auto& space) { text.sample({path}, space.usable); });
}

/// Where a group is in a partition, and how far that is from the end.
struct GroupPosition {
  std::string group;
  std::string topic;
  std::string partition;
  Offset committed;
  /// None when the partition cannot be read.
  std::optional<std::int64_t> lag;
};

std::vector<GroupPosition> positions_of(BrokerCore& broker, const std::string& group) {
  std::vector<GroupPosition> positions;
  const auto offsets = broker.groups().fetch_all_offsets(group);
  if (!offsets) return positions;
  for (const auto& [name, committed] : *offsets) {
    auto& position = positions.emplace_back();
    position.group = group;
    position.topic = name.topic;
    position.partition = std::to_string(name.partition.value());
    position.committed = committed.offset;
    const auto end = broker.list_offset({.name = name.topic}, name.partition, {.kind = OffsetKind::kLatest},
                                        Isolation::kHighWatermark);
    if (end) position.lag = std::max<std::int64_t>(0, end->offset.value() - committed.offset.value());
  }
  return positions;
}

void report_groups(MetricsText& text, BrokerCore& broker) {
  // None before anybody has used a group.
  const auto groups = broker.groups().list();
  std::map<std::string_view, std::uint64_t> states;
  std::vector<GroupPosition> positions;
  if (groups) {
    for (const auto& group : *groups) {
      ++states[name_of(group.state)];
      std::ranges::move(positions_of(broker, group.id), std::back_inserter(positions));
    }
  }
  text.begin(kGroups);
  for (const auto& [state, count] : states) text.sample({state}, count);
  text.begin(kGroupOffset);
  for (const auto& at : positions) text.sample({at.group, at.topic, at.partition}, at.committed.value());
  text.begin(kGroupLag);
  for (const auto& at : positions) {
    if (at.lag) text.sample({at.group, at.topic, at.partition}, *at.lag);
  }
}

std::string text_of_file(const char* path) {
  std::ifstream file{path};
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

/// The number after `key` at the beginning of a line.
std::uint64_t number_after(std::string_view text, std::string_view key) {
  const auto found = text.find(key);
  if (found == std::string_view::npos) return 0;
  auto rest = text.substr(found + key.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  std::uint64_t number = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), number);
  return number;
}

/// Field `index` (from 0) behind the name in /proc/self/stat.
std::uint64_t stat_field(std::string_view stat, std::size_t index) {
  auto rest = stat.substr(std::min(stat.rfind(')') + 2, stat.size()));
  for (; index > 0; --index) rest.remove_prefix(std::min(rest.find(' ') + 1, rest.size()));
  std::uint64_t number = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), number);
  return number;
}

void report_process(MetricsText& text) {
  const auto stat = text_of_file("/proc/self/stat");
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  constexpr std::size_t kUserTime = 11;
  constexpr std::size_t kSystemTime = 12;
  constexpr std::size_t kStartTime = 19;
  constexpr std::size_t kResidentPages = 21;
  one(text, kCpu, static_cast<double>(stat_field(stat, kUserTime) + stat_field(stat, kSystemTime)) / ticks);
  one(text, kResident, stat_field(stat, kResidentPages) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  std::error_code failed;
  std::uint64_t open_files = 0;
  for (std::filesystem::directory_iterator at{"/proc/self/fd", failed}, end; !failed && at != end;
       at.increment(failed)) {
    ++open_files;
  }
  one(text, kOpenFiles, open_files);
  const auto booted = static_cast<double>(number_after(text_of_file("/proc/stat"), "\nbtime"));
  one(text, kStarted, booted + static_cast<double>(stat_field(stat, kStartTime)) / ticks);
}

}  // namespace

std::span<const MetricInfo> broker_metrics() { return kAll; }

std::string metrics_report(BrokerCore& broker, const RequestMetrics& requests) {
  MetricsText text;
  text.begin(kBuild);
  text.sample({MILLRACE_VERSION}, std::uint64_t{1});
  report_requests(text, requests);
  report_fetch_sessions(text, broker);
  report_partitions(text, broker);
  report_disk(text, broker);
  report_groups(text, broker);
  report_process(text);
  return std::move(text).take();
}

}  // namespace millrace
