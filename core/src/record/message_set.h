#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/buffers.h"
#include "base/result.h"
#include "base/types.h"

namespace millrace {

/// The formats of records before record batches, as clients older than Kafka 0.11 read them.
///
///     message: offset 8 | size 4 | crc 4 | magic 1 | attributes 1 | timestamp 8 (magic 1 only) | key 4 + n | value 4 +
///     n
enum class MessageFormat : std::uint8_t { kMagic0 = 0, kMagic1 = 1 };

/// The records of whole batches as a message set, uncompressed. What the old formats have no place for is left out:
/// headers, control records, the timestamp in format 0. Costs a walk over every record. Errors: those of
/// `RecordBatchView::records`; `kMessageTooLarge` when it would be more than `max_bytes`.
[[nodiscard]] Result<std::vector<std::byte>> to_message_set(Bytes batches, MessageFormat format, std::size_t max_bytes,
                                                            BufferPool& pool);

}  // namespace millrace
