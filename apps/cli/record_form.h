#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/client.h"

namespace millrace::cli {

/// How records stand in lines of text, read and written alike.
///
///     raw        the value
///     hex        the value, two digits a byte
///     key-value  the key, a separator, the value; without a separator there is no key
///     json       {"key": "k", "value": "v", "headers": {"name": "x"}, "partition": 0, "timestamp": 1700000000000};
///                all may be absent, null is no value; bytes that are no text are "key_hex", "value_hex" and in headers
///                {"hex": "00ff"}. Written with "topic" and "offset" too, which are not read.
enum class RecordForm : unsigned char { kRaw, kHex, kKeyValue, kJson };
[[nodiscard]] std::optional<RecordForm> form_of(std::string_view name);
/// The names that `form_of` knows.
[[nodiscard]] std::vector<std::string> form_names();

/// A record with bytes of its own.
struct LineRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  std::optional<PartitionIndex> partition;
  std::optional<Timestamp> timestamp;
};

/// Errors: `kInvalidConfig` with what is wrong with the line.
[[nodiscard]] Result<LineRecord> parse_record(RecordForm form, std::string_view separator, std::string_view line);

/// Appends the record's line, with its end.
void print_record(RecordForm form, std::string_view separator, const TopicPartition& partition,
                  const RecordView& record, std::string& text);

}  // namespace millrace::cli
