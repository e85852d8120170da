#pragma once

#include <string>
#include <vector>

#include "millrace/config.h"

namespace millrace {

/// Every table of keys of the broker core, for reference pages: of the broker, its topics and a client's handles.
[[nodiscard]] std::vector<ConfigTable> core_config_tables();

/// Every metric that a broker serves at `metrics.address`, as a table in Markdown.
[[nodiscard]] std::string core_metrics_markdown();

}  // namespace millrace
