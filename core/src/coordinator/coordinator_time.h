#pragma once

#include "base/clock.h"

namespace millrace {

/// Both clocks at the moment of an event.
struct CoordinatorTime {
  TimePoint now;
  Timestamp wall;
};

}  // namespace millrace
