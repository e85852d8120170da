#pragma once

#include "protocol/codec.h"
#include "protocol/decoder.h"
#include "protocol/encoder.h"
#include "protocol/printer.h"

namespace millrace::protocol {

template <class Message>
Result<Decoded<Message>> decode_prefix(Bytes bytes, std::int16_t version) {
  Decoder decoder{bytes, version, Message::kFlexible};
  Decoded<Message> decoded;
  decoder.message(decoded.message);
  if (decoder.failed()) return std::unexpected(decoder.error(Message::kName));
  decoded.used = decoder.used();
  return decoded;
}

template <class Message>
void append(GatherBuffer& out, const Message& message, std::int16_t version) {
  Encoder encoder{out, version, Message::kFlexible};
  encoder.message(message);
}

template <class Message>
std::size_t encoded_size(const Message& message, std::int16_t version) {
  Sizer sizer{version, Message::kFlexible.has(version)};
  sizer.message(message);
  return sizer.size();
}

template <class Message>
std::string to_text(const Message& message, std::int16_t version) {
  Printer printer{version};
  printer.message(message);
  return std::move(printer).take();
}

}  // namespace millrace::protocol

/// Makes the functions of codec.h for one message. Used once, in the message's .cc file, inside the namespace.
#define MILLRACE_WIRE_MESSAGE(Message)                                           \
  template Result<Decoded<Message>> decode_prefix<Message>(Bytes, std::int16_t); \
  template void append<Message>(GatherBuffer&, const Message&, std::int16_t);    \
  template std::size_t encoded_size<Message>(const Message&, std::int16_t);      \
  template std::string to_text<Message>(const Message&, std::int16_t)
