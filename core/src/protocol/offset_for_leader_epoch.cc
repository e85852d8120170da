#include "protocol/offset_for_leader_epoch.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(OffsetForLeaderEpochRequest);
MILLRACE_WIRE_MESSAGE(OffsetForLeaderEpochResponse);

}  // namespace millrace::protocol
