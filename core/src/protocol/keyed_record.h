#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes_io.h"
#include "protocol/codec.h"
#include "protocol/field.h"

// How records of a coordinator's topic lie in its log. A key is its kind in two bytes, then its fields; a value is its
// version in two bytes, then its fields; no value means that the key is forgotten.

namespace millrace::protocol {

/// Key and value as they lie in the log.
struct EncodedRecord {
  std::vector<std::byte> key;
  /// Absent: a tombstone.
  std::optional<std::vector<std::byte>> value;
};

/// The message behind two bytes.
template <class Message>
[[nodiscard]] std::vector<std::byte> prefixed(std::int16_t prefix, const Message& message, std::int16_t version) {
  ByteWriter out;
  out.write<std::int16_t>(prefix);
  out.write_bytes(encode(message, version));
  return out.take();
}

/// Errors: `kMalformed`, `kUnsupported`.
template <class Value>
[[nodiscard]] Result<std::optional<Value>> decode_versioned(NullableBytes bytes) {
  if (bytes.is_null()) return std::optional<Value>{};
  ByteReader reader{bytes.bytes()};
  const auto version = reader.read<std::int16_t>();
  if (!reader.ok()) {
    return millrace::fail(ErrorCode::kMalformed, fmt::format("cannot decode {}: it ends too early", Value::kName));
  }
  if (!Value::kVersions.has(version)) {
    return millrace::fail(
        ErrorCode::kUnsupported,
        fmt::format("cannot decode {} version {}: versions up to {} are known. A newer version wrote it.", Value::kName,
                    version, Value::kVersions.last));
  }
  MILLRACE_TRY(value, decode<Value>(bytes.bytes().subspan(reader.position()), version));
  return std::optional<Value>{std::move(value)};
}

}  // namespace millrace::protocol
