#pragma once

#include <string>

#include "base/files.h"
#include "millrace/log_files.h"

namespace millrace {

/// `repair_log` on any file system.
[[nodiscard]] Result<LogRepair> repair_log(FileSystem& files, const Path& directory, RepairMode mode);

}  // namespace millrace
