#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/gather_buffer.h"
#include "protocol/field.h"

// The functions that every message has. Each message's .cc file makes them from its field list (see instantiate.h), so
// that nobody else compiles the visitors.
//
// `version` is one of the message's `kVersions`: the caller has checked it.

namespace millrace::protocol {

/// A message and how many bytes it took.
template <class Message>
struct Decoded {
  Message message;
  std::size_t used = 0;
};

/// The message at the beginning of `bytes`; what follows it is left alone, as Kafka does. `Records` in it point into
/// `bytes`. Errors: `kMalformed`, naming the field.
template <class Message>
[[nodiscard]] Result<Decoded<Message>> decode_prefix(Bytes bytes, std::int16_t version);

/// Writes the message behind what `out` holds.
template <class Message>
void append(GatherBuffer& out, const Message& message, std::int16_t version);

/// How many bytes `append` writes.
template <class Message>
[[nodiscard]] std::size_t encoded_size(const Message& message, std::int16_t version);

/// The message as text for people.
template <class Message>
[[nodiscard]] std::string to_text(const Message& message, std::int16_t version);

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
