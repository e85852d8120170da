#include "protocol/join_group.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(JoinGroupRequest);
MILLRACE_WIRE_MESSAGE(JoinGroupResponse);

}  // namespace millrace::protocol
