#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/client.h"
#include "millrace/connect/source.h"

namespace millrace::connect {

/// The key of a position in the offset topic, as Kafka Connect writes it: `["connector",{"inode":7}]`.
[[nodiscard]] std::string offset_key(std::string_view connector, const SourcePartition& partition);
/// The connector and partition of a key; nothing when it is none of ours or Kafka Connect's.
[[nodiscard]] std::optional<std::pair<std::string, SourcePartition>> parse_offset_key(std::string_view key);

/// Makes the topic if it is absent: one partition, compacted.
[[nodiscard]] Result<void> ensure_offset_topic(Admin& admin, const std::string& topic);

/// Every position that the connector has stored: the newest record of each key. Reads the topic to its end.
/// Errors: those of the client; `kTimedOut`.
[[nodiscard]] Result<StoredOffsets> read_offsets(Client& client, Admin& admin, const std::string& topic,
                                                 std::string_view connector, Duration timeout);

}  // namespace millrace::connect
