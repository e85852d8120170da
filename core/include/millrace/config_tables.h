#pragma once

#include <vector>

#include "millrace/config.h"

namespace millrace {

/// Every table of keys of the broker core, for reference pages: of the broker, its topics and a client's handles.
[[nodiscard]] std::vector<ConfigTable> core_config_tables();

}  // namespace millrace
