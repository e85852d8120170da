#pragma once

#include "protocol/codec.h"

namespace millrace::protocol {

template <class Message>
const StructTable& fields_of() {
  return table_of<Message>();
}

}  // namespace millrace::protocol

/// Makes the table of one message. Used once, in the message's .cc file, inside the namespace.
#define MILLRACE_WIRE_MESSAGE(Message) template const StructTable& fields_of<Message>()
