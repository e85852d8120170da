#pragma once

#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "base/types.h"

namespace millrace {

/// The words of each entry of a checkpoint in Kafka's text format: a version (0), the count of entries, then an entry a
/// line. Errors: `kMalformed`, also when lines are missing.
[[nodiscard]] Result<std::vector<std::vector<std::string_view>>> checkpoint_lines(std::string_view text);

template <class Integer>
[[nodiscard]] std::optional<Integer> parse_number(std::string_view text) {
  Integer number{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

using OffsetsByPartition = std::map<TopicPartition, Offset>;

/// Kafka's checkpoint of an offset for each partition: "TOPIC PARTITION OFFSET" a line. A file that is not there reads
/// as none. Errors: `kMalformed`, `kIo`.
[[nodiscard]] Result<OffsetsByPartition> read_offset_checkpoint(FileSystem& files, const Path& path);
/// Replaces it, durably.
[[nodiscard]] Result<void> write_offset_checkpoint(FileSystem& files, const Path& path,
                                                   const OffsetsByPartition& offsets);

}  // namespace millrace
