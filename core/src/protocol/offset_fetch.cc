#include "protocol/offset_fetch.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(OffsetFetchRequest);
MILLRACE_WIRE_MESSAGE(OffsetFetchResponse);

}  // namespace millrace::protocol
