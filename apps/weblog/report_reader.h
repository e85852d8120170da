#pragma once

#include "millrace/result.h"
#include "weblog/report.h"

namespace millrace::streams {
class Job;
class TopologyTestDriver;
}  // namespace millrace::streams

namespace millrace::weblog {

/// Reads the report out of the stores of a running `topology()`.
///
/// Threading: any thread. Each store is read at one moment; while the job runs, one may be some lines ahead of another.
/// Cost: 5 ns an entry of each store, and the entries that are kept. Errors: those of `Job::read`.
[[nodiscard]] Result<Report> read_report(const streams::Job& job, const ReportCut& cut);
[[nodiscard]] Result<Report> read_report(const streams::TopologyTestDriver& driver, const ReportCut& cut);

/// The newest seconds of event time, oldest first.
[[nodiscard]] Result<std::vector<WindowTally>> read_seconds(const streams::Job& job, std::size_t most);

}  // namespace millrace::weblog
