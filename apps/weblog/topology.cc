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

using namespace std::chrono_literals;
using streams::tumbling;

streams::Topology topology(const LineFormat& format, const TopologyOptions& options) {
  const auto keep = options.keep.value_or(streams::TimeWindows::kForever);
  streams::Builder builder;
  builder.memory_budget(options.memory_bytes);

  const auto hits = builder.stream(std::string{kLinesTopic}, HitDecoder{format}).timestamps(&Hit::time);
  hits.rejected().group_all().aggregate<RejectedLines>().as(stores::kRejected);

  // Everything.
  const auto all = hits.group_all();
  all.aggregate<Totals>().as(stores::kTotals).to(streams::topic("weblog-totals").key([](streams::All) { return "all"; }));
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
  hits.filter([](const Hit& hit) { return !referring_site(hit).empty(); })
      .group_by(&referring_site)
      .aggregate<Tally>()
      .bounded_by(&Tally::hits)
      .as(stores::kSites);

  // What went on when.
  const auto by_status = hits.group_by(&status_class);
  const std::pair<std::string, streams::TimeWindows> kinds[] = {{stores::kMinutes, tumbling(1min).keep(keep)},
                                                                {stores::kHours, tumbling(1h).keep(keep)}};
  for (const auto& [name, windows] : kinds) {
    all.window(windows).aggregate<Tally>().as(name).to("weblog-" + name);
    by_status.window(windows).aggregate<Tally>().as(name + "-by-status").to("weblog-" + name + "-by-status");
    by_path.window(windows)
        .aggregate<Tally>()
        .bounded_by(&Tally::hits)
        .as(name + "-by-path")
        .to("weblog-" + name + "-by-path");
    by_host.window(windows)
        .aggregate<Tally>()
        .bounded_by(&Tally::hits)
        .as(name + "-by-host")
        .to("weblog-" + name + "-by-host");
  }
  return builder.build();
}

}  // namespace millrace::weblog
