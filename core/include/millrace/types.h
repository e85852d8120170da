#pragma once

#include "base/types.h"  // IWYU pragma: export
