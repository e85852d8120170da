#pragma once

#include <span>
#include <string>

#include "base/metrics_text.h"
#include "broker/broker_core.h"
#include "server/request_metrics.h"

namespace millrace {

/// Every metric there is, in the order of the report.
[[nodiscard]] std::span<const MetricInfo> broker_metrics();

/// What a broker's operator wants to see, in Prometheus' text format: requests, partitions, the disk, groups and their
/// lag, the process.
///
/// Threading: any thread. Looks at every partition and group: milliseconds for thousands of them.
[[nodiscard]] std::string metrics_report(BrokerCore& broker, const RequestMetrics& requests);

}  // namespace millrace
