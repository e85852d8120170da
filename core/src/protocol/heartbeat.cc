#include "protocol/heartbeat.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(HeartbeatRequest);
MILLRACE_WIRE_MESSAGE(HeartbeatResponse);

}  // namespace millrace::protocol
