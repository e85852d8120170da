#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/gather_buffer.h"
#include "protocol/decoder.h"
#include "protocol/printer.h"

// The functions that every message has.
//
// `version` is one of the message's `kVersions`: the caller has checked it.

namespace millrace::protocol {

/// The message's field list as a table: made in the message's .cc file (instantiate.h), so that nobody else compiles
/// it.
template <class Message>
[[nodiscard]] const StructTable& fields_of();

template <class Message>
[[nodiscard]] WireFormat format_of(std::int16_t version) {
  return {fields_of<Message>(), version, Message::kFlexible.has(version)};
}

/// A message and how many bytes it took.
template <class Message>
struct Decoded {
  Message message;
  std::size_t used = 0;
};

/// The message at the beginning of `bytes`; what follows it is left alone, as Kafka does. `Records` in it point into
/// `bytes`. Errors: `kMalformed`, naming the field.
template <class Message>
[[nodiscard]] Result<Decoded<Message>> decode_prefix(Bytes bytes, std::int16_t version) {
  Decoded<Message> decoded;
  MILLRACE_TRY(used, decode_fields(bytes, format_of<Message>(version), Message::kName, object_of(decoded.message)));
  decoded.used = used;
  return decoded;
}

/// Writes the message behind what `out` holds.
template <class Message>
void append(GatherBuffer& out, const Message& message, std::int16_t version) {
  append_fields(out, format_of<Message>(version), object_of(message));
}

/// How many bytes `append` writes.
template <class Message>
[[nodiscard]] std::size_t encoded_size(const Message& message, std::int16_t version) {
  return size_of_fields(format_of<Message>(version), object_of(message));
}

/// The message as text for people.
template <class Message>
[[nodiscard]] std::string to_text(const Message& message, std::int16_t version) {
  return print_fields(format_of<Message>(version), object_of(message));
}

/// All of `bytes` is the message. Errors: `kMalformed`, also for bytes left over.
template <class Message>
[[nodiscard]] Result<Message> decode(Bytes bytes, std::int16_t version) {
  MILLRACE_TRY(decoded, decode_prefix<Message>(bytes, version));
  if (decoded.used != bytes.size()) {
    return millrace::fail(ErrorCode::kMalformed, std::string{"cannot decode "} + Message::kName + ": " +
                                                     std::to_string(bytes.size() - decoded.used) + " bytes left over");
  }
  return std::move(decoded.message);
}

template <class Message>
[[nodiscard]] std::vector<std::byte> encode(const Message& message, std::int16_t version) {
  GatherBuffer out;
  append(out, message, version);
  return out.flatten();
}

}  // namespace millrace::protocol
