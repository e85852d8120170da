#pragma once

#include <vector>

#include "unit/client/log_under_test.h"

namespace millrace::test {

/// Every implementation of `Client` that the contract is held against.
[[nodiscard]] std::vector<LogKind> log_kinds();

}  // namespace millrace::test
