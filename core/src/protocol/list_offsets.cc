#include "protocol/list_offsets.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(ListOffsetsRequest);
MILLRACE_WIRE_MESSAGE(ListOffsetsResponse);

}  // namespace millrace::protocol
