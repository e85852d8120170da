#include "protocol/offset_delete.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(OffsetDeleteRequest);
MILLRACE_WIRE_MESSAGE(OffsetDeleteResponse);

}  // namespace millrace::protocol
