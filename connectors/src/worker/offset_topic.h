#pragma once

#include <functional>
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

/// Where a connector's last run ended, as far as it could store that.
struct StoredState {
  StoredOffsets offsets;
  /// Every record of a line before one of the offsets is before this one in the connector's topic. Nothing when that
  /// is not known: some offset was stored without.
  std::optional<Offset> topic_end = Offset{0};
};

/// A position as it is stored: with the topic's end, if that is known.
[[nodiscard]] std::string offset_value(SourceOffset offset, Offset topic_end);

/// Every position that the connector has stored: the newest record of each key. Reads the topic to its end.
/// Errors: those of the client; `kTimedOut`.
[[nodiscard]] Result<StoredState> read_offsets(Client& client, Admin& admin, const std::string& topic,
                                               std::string_view connector, Duration timeout);

/// Reads partitions from where `from` says (absent: their first record) to where they end now. Errors: those of the
/// client and of `take`; `kTimedOut`.
using TakeBatch = std::function<Result<void>(const PolledBatch&)>;
[[nodiscard]] Result<void> read_to_end(Client& client, Admin& admin, const std::string& topic,
                                       std::optional<Offset> from, Duration timeout, const TakeBatch& take);

}  // namespace millrace::connect
