#include "protocol/headers.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(RequestHeader);
MILLRACE_WIRE_MESSAGE(ResponseHeader);

}  // namespace millrace::protocol
