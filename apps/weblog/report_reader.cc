#include "weblog/report_reader.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "millrace/streams.h"
#include "millrace/streams/test_driver.h"
#include "weblog/hit_facts.h"
#include "weblog/topology.h"

namespace millrace::weblog {
namespace {

using streams::All;
using streams::Store;
using streams::WindowStore;

/// Collects names with their tallies while a store is being read, and copies only those that make the list.
class ListBuilder {
 public:
  void add(std::string_view name, const Tally& tally) { candidates_.push_back({name, &tally}); }

  [[nodiscard]] TopList top(std::size_t most) {
    TopList list;
    list.distinct = candidates_.size();
    const auto count = most == 0 ? candidates_.size() : std::min(most, candidates_.size());
    const auto end = candidates_.begin() + static_cast<std::ptrdiff_t>(count);
    std::ranges::partial_sort(candidates_, end, [](const Candidate& a, const Candidate& b) {
      return a.tally->hits != b.tally->hits ? a.tally->hits > b.tally->hits : a.name < b.name;
    });
    list.entries.reserve(count);
    for (auto at = candidates_.begin(); at != end; ++at) list.entries.push_back({std::string{at->name}, *at->tally});
    return list;
  }

 private:
  struct Candidate {
    std::string_view name;
    const Tally* tally;
  };
  std::vector<Candidate> candidates_;
};

void read_paths(const Store<std::string, PathTally>& paths, std::size_t most, Report& report) {
  ListBuilder pages;
  ListBuilder static_files;
  ListBuilder not_found;
  paths.for_each([&](const std::string& path, const PathTally& tally) {
    if (tally.not_found.hits > 0) not_found.add(path, tally.not_found);
    if (tally.found.hits > 0) (is_static_file(path) ? static_files : pages).add(path, tally.found);
  });
  report.paths = pages.top(most);
  report.static_files = static_files.top(most);
  report.not_found = not_found.top(most);
}

template <class K>
TopList read_list(const Store<K, Tally>& store, std::size_t most) {
  ListBuilder list;
  // Hits without a referring site are one group, too; it has no name and no place in the list.
  store.for_each([&](const std::string& name, const Tally& tally) {
    if (!name.empty()) list.add(name, tally);
  });
  return list.top(most);
}

void read_agents(const Store<std::pair<std::string, std::string>, Tally>& agents, std::size_t most, Report& report) {
  std::map<std::string_view, Tally> browsers;
  std::map<std::string_view, Tally> systems;
  agents.for_each([&](const auto& agent, const Tally& tally) {
    browsers[agent.first].merge(tally);
    systems[agent.second].merge(tally);
  });
  const auto top = [&](const std::map<std::string_view, Tally>& tallies) {
    ListBuilder list;
    for (const auto& [name, tally] : tallies) list.add(name, tally);
    return list.top(most);
  };
  report.browsers = top(browsers);
  report.systems = top(systems);
}

std::vector<WindowTally> newest_windows(const WindowStore<All, Tally>& store, std::size_t most) {
  std::vector<WindowTally> windows;
  windows.reserve(store.size());
  store.for_each(
      [&](All, const streams::Window& window, const Tally& tally) { windows.push_back({window.start, tally}); });
  if (most != 0 && windows.size() > most)
    windows.erase(windows.begin(), windows.end() - static_cast<std::ptrdiff_t>(most));
  return windows;
}

/// `read(store, query)` reads a store of whatever runs the topology.
Result<Report> read_with(const ReportCut& cut, const auto& read) {
  Report report;
  const auto note = [&](const auto& store) { report.approximate = report.approximate || store.approximate(); };
  MILLRACE_CHECK(read(stores::kTotals, [&](const Store<All, Totals>& store) {
    if (const auto* totals = store.find(All{})) {
      report.total = {totals->hits, totals->bytes, totals->errors};
      report.first = totals->first;
      report.last = totals->last;
    }
  }));
  MILLRACE_CHECK(read(stores::kRejected, [&](const Store<All, RejectedLines>& store) {
    if (const auto* rejected = store.find(All{})) {
      report.rejected = rejected->count();
      for (const auto& sample : rejected->samples) {
        report.rejected_samples.push_back({sample.line, sample.reason, Offset{sample.offset}});
      }
    }
  }));
  report.lines = report.total.hits + report.rejected;
  MILLRACE_CHECK(read(stores::kVisitors, [&](const Store<All, streams::DistinctCounter>& store) {
    note(store);
    if (const auto* visitors = store.find(All{})) report.unique_visitors = visitors->count();
  }));
  MILLRACE_CHECK(read(stores::kStatus, [&](const Store<std::uint16_t, Tally>& store) {
    store.for_each([&](std::uint16_t status, const Tally& tally) { report.status[status] = tally.hits; });
  }));
  MILLRACE_CHECK(read(stores::kMethods, [&](const Store<std::string, Tally>& store) {
    note(store);
    store.for_each([&](const std::string& method, const Tally& tally) { report.methods[method] = tally.hits; });
  }));
  MILLRACE_CHECK(read(stores::kHours, [&](const WindowStore<All, Tally>& store) {
    report.per_hour = newest_windows(store, cut.windows);
  }));
  MILLRACE_CHECK(read(stores::kMinutes, [&](const WindowStore<All, Tally>& store) {
    report.per_minute = newest_windows(store, cut.windows);
  }));
  MILLRACE_CHECK(read(stores::kPaths, [&](const Store<std::string, PathTally>& store) {
    note(store);
    read_paths(store, cut.entries, report);
  }));
  MILLRACE_CHECK(read(stores::kHosts, [&](const Store<std::string, Tally>& store) {
    note(store);
    report.hosts = read_list(store, cut.entries);
  }));
  MILLRACE_CHECK(read(stores::kSites, [&](const Store<std::string, Tally>& store) {
    note(store);
    report.referring_sites = read_list(store, cut.entries);
  }));
  MILLRACE_CHECK(read(stores::kAgents, [&](const Store<std::pair<std::string, std::string>, Tally>& store) {
    read_agents(store, cut.entries, report);
  }));
  return report;
}

}  // namespace

Result<Report> read_report(const streams::Job& job, const ReportCut& cut) {
  return read_with(cut, [&](const char* store, const auto& query) { return job.read(store, query); });
}

Result<Report> read_report(const streams::TopologyTestDriver& driver, const ReportCut& cut) {
  return read_with(cut, [&](const char* store, const auto& query) { return driver.read_store(store, query); });
}

Result<std::vector<WindowTally>> read_seconds(const streams::Job& job, std::size_t most) {
  std::vector<WindowTally> seconds;
  MILLRACE_CHECK(
      job.read(stores::kSeconds, [&](const WindowStore<All, Tally>& store) { seconds = newest_windows(store, most); }));
  return seconds;
}

}  // namespace millrace::weblog
