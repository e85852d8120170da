#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "millrace/client.h"

namespace millrace {

/// Asks a program's partitioner, which may answer what it likes, or throw. Nothing: it leaves the choice. Errors:
/// `kInvalidArgument`.
[[nodiscard]] Result<std::optional<PartitionIndex>> ask_partitioner(const Partitioner& partitioner,
                                                                    const ProducerRecord& record,
                                                                    std::int32_t partitions);

}  // namespace millrace
