#include "weblog/topology.h"

#include <memory>
#include <string>
#include <utility>

#include "millrace/streams.h"
#include "weblog/agents.h"
#include "weblog/hit_decoder.h"
#include "weblog/hit_facts.h"
#include "weblog/tally.h"

namespace millrace::weblog {
namespace {

using namespace std::chrono_literals;
using streams::tumbling;

/// A topic of results: upserts. Until the log compacts, their oldest updates go when the topic has grown too large.
auto results(const std::string& name) {
  return streams::topic("weblog-" + name)
      .config("cleanup.policy", "compact,delete")
      .config("retention.ms", "-1")
      .config("retention.bytes", std::to_string(64 << 20))
      .config("segment.bytes", std::to_string(16 << 20));
}

/// Per minute and per hour, in topics, for whoever wants more than the report: by class of status, path and host.
template <class Hits, class ByPath, class ByHost>
void publish_windows(const Hits& hits, const ByPath& by_path, const ByHost& by_host, std::chrono::milliseconds keep) {
  const auto by_status = hits.group_by(&status_class);
  const std::pair<std::string, streams::TimeWindows> kinds[] = {{stores::kMinutes, tumbling(1min).keep(keep)},
                                                                {stores::kHours, tumbling(1h).keep(keep)}};
  for (const auto& [name, windows] : kinds) {
    const auto publish = [&](const auto& grouped, const std::string& what) {
      grouped.window(windows)
          .template aggregate<Tally>()
          .bounded_by(&Tally::hits)
          .as(name + what)
          .to(results(name + what));
    };
    publish(by_status, "-by-status");
    publish(by_path, "-by-path");
    publish(by_host, "-by-host");
  }
}

}  // namespace

streams::Topology topology(const LineFormat& format, const TopologyOptions& options) {
  const auto keep = options.keep.value_or(streams::TimeWindows::kForever);
  streams::Builder builder;
  builder.memory_budget(options.memory_bytes);

  const auto hits = builder.stream(std::string{kLinesTopic}, HitDecoder{format}).timestamps(&Hit::time);
  hits.rejected().group_all().aggregate<RejectedLines>().as(stores::kRejected);

  // Everything, and when.
  const auto all = hits.group_all();
  const auto totals = all.aggregate<Totals>().as(stores::kTotals);
  const auto minutes = all.window(tumbling(1min).keep(keep)).aggregate<Tally>().as(stores::kMinutes);
  const auto hours = all.window(tumbling(1h).keep(keep)).aggregate<Tally>().as(stores::kHours);
  all.window(tumbling(1s).keep(5min)).aggregate<Tally>().as(stores::kSeconds);
  hits.filter([](const Hit& hit) { return !is_client_error(hit); })
      .group_all()
      .count_distinct(&visitor)
      .as(stores::kVisitors);

  // The lists.
  const auto by_path = hits.group_by(&Hit::target);
  const auto by_host = hits.group_by(&Hit::client);
  by_path.aggregate<PathTally>().bounded_by(&PathTally::hits).as(stores::kPaths);
  by_host.aggregate<Tally>().bounded_by(&Tally::hits).as(stores::kHosts);
  hits.group_by(&Hit::status).aggregate<Tally>().as(stores::kStatus);
  hits.group_by(&Hit::method).aggregate<Tally>().bounded_by(&Tally::hits).as(stores::kMethods);
  hits.group_by(agent_names()).aggregate<Tally>().as(stores::kAgents);
  hits.group_by(&referring_site).aggregate<Tally>().bounded_by(&Tally::hits).as(stores::kSites);

  if (options.results == TopologyOptions::Results::kInTopics) {
    totals.to(results(stores::kTotals).key([](streams::All) { return "all"; }));
    minutes.to(results(stores::kMinutes));
    hours.to(results(stores::kHours));
    publish_windows(hits, by_path, by_host, keep);
  }
  return builder.build();
}

}  // namespace millrace::weblog
