#pragma once

#include "base/result.h"  // IWYU pragma: export
