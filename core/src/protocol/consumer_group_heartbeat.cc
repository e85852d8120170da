#include "protocol/consumer_group_heartbeat.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(ConsumerGroupHeartbeatRequest);
MILLRACE_WIRE_MESSAGE(ConsumerGroupHeartbeatResponse);

}  // namespace millrace::protocol
