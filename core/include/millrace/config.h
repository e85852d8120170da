#pragma once

#include "base/config_table.h"  // IWYU pragma: export
