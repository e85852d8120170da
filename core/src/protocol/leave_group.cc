#include "protocol/leave_group.h"

#include "protocol/instantiate.h"

namespace millrace::protocol {

MILLRACE_WIRE_MESSAGE(LeaveGroupRequest);
MILLRACE_WIRE_MESSAGE(LeaveGroupResponse);

}  // namespace millrace::protocol
