#pragma once

#include <memory>

#include "base/result.h"
#include "log/log_folders.h"

namespace millrace {

/// Opens the metadata log in the metadata folder, or makes it. Waits for the disk. Errors: `kInvalidConfig`: it lies in
/// another folder, or may well lie in one that is offline; as of `LogManager`.
[[nodiscard]] Result<std::shared_ptr<PartitionLog>> open_metadata_log(const LogFolders& folders);

}  // namespace millrace
