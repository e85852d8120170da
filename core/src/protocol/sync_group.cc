#include "protocol/sync_group.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(SyncGroupRequest);
MILLRACE_WIRE_MESSAGE(SyncGroupResponse);

}  // namespace millrace::protocol
